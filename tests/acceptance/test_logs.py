"""`elasticjob-cloud logs` and the search, on a real server with real scripts."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.standalone import Standalone
from tests.integration.apps.app_servers import HttpAppServer, http_app_server
from tests.waiting import wait_for

_SCRIPT = """
echo "out 1 of $ELASTICJOB_SHARDING_ITEM"
sleep 0.2
echo "err 2 of $ELASTICJOB_SHARDING_ITEM" >&2
sleep 0.2
echo "out 3 of $ELASTICJOB_SHARDING_ITEM"
[ ! -e {fails} ] || [ "$ELASTICJOB_SHARDING_ITEM" = 0 ] || {{ echo "FATAL: quota exceeded" >&2; exit 3; }}
"""


@pytest.fixture(scope="module")
def apps() -> Iterator[HttpAppServer]:
    with http_app_server() as server:
        yield server


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    with Standalone(tmp_path_factory.mktemp("standalone") / "data", "--cpus", "4") as server:
        yield server


def command(server: Standalone, *arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("elasticjob-cloud")), "logs", *arguments, "--url", server.url]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ELASTICJOB_")}


def run_logs(server: Standalone, *arguments: str, code: int = 0) -> tuple[list[str], list[str]]:
    done = subprocess.run(
        command(server, *arguments),
        capture_output=True,
        text=True,
        env=environment(),
        timeout=30,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout.splitlines(), done.stderr.splitlines()


@pytest.mark.slow
def test_logs_of_a_job_need_no_task_id(standalone: Standalone, apps: HttpAppServer, tmp_path: Path) -> None:
    fails = tmp_path / "fails"
    fails.touch()
    standalone.publish_script(apps, "report", _SCRIPT.format(fails=fails))
    standalone.register_script("report", shardingTotalCount=2)
    _, said = run_logs(standalone, "report", code=2)
    assert "has not run yet" in said[0]
    standalone.call("POST", "/job/trigger", "report")
    standalone.ended("report", 2)

    shard_1 = ["out 1 of 1", "err 2 of 1", "out 3 of 1", "FATAL: quota exceeded"]
    shown, said = run_logs(standalone, "report")
    assert shown == [f"[0] {line.replace('of 1', 'of 0')}" for line in shard_1[:3]] + [
        f"[1] {line}" for line in shard_1
    ]
    assert len(said) == 1
    assert said[0].startswith("Shard 1 failed: ")
    assert run_logs(standalone, "report", "--failed")[0] == shard_1
    assert run_logs(standalone, "report", "--item", "1", "--tail", "2")[0] == shard_1[-2:]
    assert run_logs(standalone, "report", "-i", "0", "--stream", "stderr")[0] == ["err 2 of 0"]
    assert "no shard 7" in run_logs(standalone, "report", "--item", "7", code=2)[1][0]

    fails.unlink()
    standalone.call("POST", "/job/trigger", "report")
    standalone.ended("report", 4)
    shown, said = run_logs(standalone, "report")
    assert (len(shown), said) == (6, [])
    assert run_logs(standalone, "report", "--failed")[0] == shard_1
    assert "no job" in " ".join(run_logs(standalone, "nothing", code=2)[1]).lower()


@pytest.mark.slow
def test_followed_run_is_shown_to_its_end(
    standalone: Standalone, apps: HttpAppServer, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    standalone.publish_script(
        apps, "long", f"echo begins\nwhile [ ! -e {go} ]; do sleep 0.02; done\necho ends >&2\nexit 4"
    )
    standalone.register_script("long")
    standalone.call("POST", "/job/trigger", "long")
    wait_for(lambda: standalone.client.get("/job/tasks/running").json(), "it runs")
    following = subprocess.Popen(
        command(standalone, "long", "--follow"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    with following:
        assert following.stdout is not None
        assert following.stderr is not None
        assert following.stdout.readline() == "begins\n"
        go.touch()
        assert following.stdout.read() == "ends\n"
        assert "Shard 0 failed: " in following.stderr.read()
    assert following.returncode == 0


@pytest.mark.slow
def test_output_is_searched_where_it_is(standalone: Standalone, apps: HttpAppServer) -> None:
    standalone.publish_script(apps, "finds", "seq 1 20000; echo needle 777 >&2; head -c 5000000 /dev/zero")
    standalone.register_script("finds")
    standalone.call("POST", "/job/trigger", "finds")
    task_id = standalone.ended("finds")[0]["taskId"]
    found = standalone.client.get(
        f"/job/tasks/{task_id}/log/search", params={"q": "^(needle 7+|777\\d?)$", "regex": "true"}
    ).json()
    lines = [(line["stream"], line["line"]) for line in found["lines"]]
    assert lines[:2] == [("stdout", "777"), ("stdout", "7770")]
    assert lines[-1] == ("stderr", "needle 777")
    assert len(lines) == 12
    assert found["next"] is None
    assert found["searchedBytes"] > 5_000_000
    first = found["lines"][0]
    part = standalone.client.get(
        f"/job/tasks/{task_id}/log", params={"offset": first["offset"], "limit": 3}
    ).json()
    assert part["content"] == "777"
