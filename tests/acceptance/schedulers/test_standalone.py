"""The whole way, from the manual's lines to a shard's output, on a real server with real apps."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.api.manual_lines import run_line
from tests.acceptance.apps import tar_gz
from tests.acceptance.standalone import Standalone
from tests.integration.apps.app_servers import HttpAppServer, http_app_server
from tests.processes import is_alive
from tests.waiting import wait_for

_PYTHON_JOB = """
import logging
from elasticjob_cloud import ShardingContext, SimpleJob

class Greeter(SimpleJob):
    def execute(self, context: ShardingContext) -> None:
        print("hello", context.sharding_item, "of", context.sharding_total_count, context.sharding_parameter)
        logging.getLogger("greeter").warning("logged by %s", context.sharding_item)
        if context.sharding_parameter == "fail":
            raise ValueError("this shard does not like its parameter")
"""


@pytest.fixture(scope="module")
def apps() -> Iterator[HttpAppServer]:
    with http_app_server() as server:
        yield server


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    with Standalone(tmp_path_factory.mktemp("standalone") / "data", "--cpus", "4") as server:
        yield server


def test_manuals_lines_run_five_shards_of_a_real_archive(apps: HttpAppServer, tmp_path: Path) -> None:
    script = "#!/bin/sh\nexec python -m elasticjob_cloud job:Greeter\n"
    apps.serve_body("/my-job.tar.gz", tar_gz({"bin/start.sh": script, "job.py": _PYTHON_JOB}))
    with Standalone(tmp_path / "data", "--cpus", "4", auth=True, is_forked=False) as server:
        login = server.client.post("/login", json={"username": "root", "password": "pwd"})
        token = login.json()["accessToken"]
        server.client.headers["accessToken"] = token
        for name in ("publish", "change", "register", "update", "trigger"):
            body, status = run_line(name, server.url, token, app_host=apps.url(""))
            assert (body, status) == ("true", 200), name

        ends = server.ended("my_job", 10)

        assert {row["state"] for row in ends} == {"TASK_FINISHED"}
        assert sorted(row["shardingItem"] for row in ends[:5]) == [0, 1, 2, 3, 4]
        assert re.match(r"hello \d of 5", server.output(ends[0]["taskId"]))
        assert "logged by" in server.output(ends[0]["taskId"], "stderr")


def test_script_archive_gets_its_context_and_keeps_its_output(
    standalone: Standalone, apps: HttpAppServer
) -> None:
    script = '#!/bin/sh\necho "$ELASTICJOB_SHARDING_ITEM $ELASTICJOB_SHARDING_PARAMETER"\necho "$1" >&2\n'
    apps.serve_body("/script.tar.gz", tar_gz({"bin/run.sh": script}, mode=0o644))
    standalone.publish("script-app", apps.url("/script.tar.gz"))
    standalone.register(
        "script-job",
        "script-app",
        shardingTotalCount=2,
        shardingItemParameters="0=北京,1=Shanghai",
        jobParameter='it\'s "quoted" $HOME',
        props={"script.command.line": "bin\\run.sh"},
    )
    standalone.call("POST", "/job/trigger", "script-job")

    ends = {row["shardingItem"]: row for row in standalone.ended("script-job", 2)}

    assert {row["state"] for row in ends.values()} == {"TASK_FINISHED"}, ends
    assert standalone.output(ends[0]["taskId"]) == "0 北京\n"
    assert standalone.output(ends[1]["taskId"]) == "1 Shanghai\n"
    context = standalone.output(ends[0]["taskId"], "stderr")
    assert '"jobParameter":"it\'s \\"quoted\\" $HOME"' in context


def test_single_script_needs_no_archive(standalone: Standalone, apps: HttpAppServer) -> None:
    apps.serve_body("/tools/hello.sh", b"#!/bin/sh\necho single $ELASTICJOB_JOB_NAME\n")
    standalone.publish("single-app", apps.url("/tools/hello.sh"))
    standalone.register("single-job", "single-app", props={"script.command.line": "./hello.sh"})
    standalone.call("POST", "/job/trigger", "single-job")

    (end,) = standalone.ended("single-job")

    assert standalone.output(end["taskId"]) == "single single-job\n"


def test_failing_shard_is_a_failed_execution_and_others_go_on(
    standalone: Standalone, apps: HttpAppServer
) -> None:
    apps.serve_body("/python.tar.gz", tar_gz({"job.py": _PYTHON_JOB}))
    standalone.publish(
        "python-app", apps.url("/python.tar.gz"), bootstrapScript="python -m elasticjob_cloud job:Greeter"
    )
    standalone.register(
        "python-job",
        "python-app",
        shardingTotalCount=2,
        shardingItemParameters="1=fail",
        jobErrorHandlerType="THROW",
    )
    standalone.call("POST", "/job/trigger", "python-job")

    ends = {row["shardingItem"]: row for row in standalone.ended("python-job", 2)}
    failed = standalone.client.get(
        "/job/events/executions", params={"jobName": "python-job", "isSuccess": "false"}
    )

    assert (ends[0]["state"], ends[1]["state"]) == ("TASK_FINISHED", "TASK_ERROR")
    (execution,) = failed.json()["rows"]
    assert "does not like its parameter" in execution["failureCause"]


def test_cron_job_fires_each_second_and_a_trigger_at_once(
    standalone: Standalone, apps: HttpAppServer
) -> None:
    apps.serve_body("/tick.sh", b"#!/bin/sh\necho tick\n")
    standalone.publish("tick-app", apps.url("/tick.sh"))
    standalone.register("tick", "tick-app", cron="* * * * * ?", props={"script.command.line": "./tick.sh"})

    ends = standalone.ended("tick", 3)
    standalone.call("POST", "/job/tick/disable")
    standalone.call("DELETE", "/job/deregister", "tick")

    assert {row["state"] for row in ends} <= {"TASK_FINISHED", "TASK_KILLED"}
    assert standalone.client.get("/job/jobs/tick").status_code == 404


@pytest.mark.parametrize(
    "name, body, complaint",
    [
        ("outside.tar.gz", tar_gz({"../outside.sh": "echo"}), "outside"),
        ("absolute.tar.gz", tar_gz({"/etc/absolute.sh": "echo"}), "absolute"),
        ("text.tar.gz", b"this is no archive", "text.tar.gz"),
    ],
)
def test_bad_archive_is_a_task_error_that_names_it(
    standalone: Standalone, apps: HttpAppServer, name: str, body: bytes, complaint: str
) -> None:
    apps.serve_body(f"/{name}", body)
    standalone.publish(name, apps.url(f"/{name}"))
    standalone.register(name, name, props={"script.command.line": "true"})
    standalone.call("POST", "/job/trigger", name)

    (end,) = standalone.ended(name)

    assert end["state"] == "TASK_ERROR"
    assert complaint in end["message"]


def test_url_that_hangs_holds_up_nobody_else(standalone: Standalone, apps: HttpAppServer) -> None:
    apps.answers["/hangs.tar.gz"] = lambda request: request.hang()
    standalone.publish("hanging", apps.url("/hangs.tar.gz"))
    standalone.register("hanging", "hanging", props={"script.command.line": "true"})
    standalone.call("POST", "/job/trigger", "hanging")
    apps.serve_body("/quick.sh", b"#!/bin/sh\n")
    standalone.publish("quick", apps.url("/quick.sh"))
    standalone.register("quick", "quick", props={"script.command.line": "./quick.sh"})
    standalone.call("POST", "/job/trigger", "quick")

    (end,) = standalone.ended("quick")
    (stuck,) = [task for task in standalone.call("GET", "/job/tasks/running") if "hanging" in task["id"]]
    standalone.call("POST", f"/job/tasks/{stuck['id']}/kill")

    assert end["state"] == "TASK_FINISHED"
    assert standalone.ended("hanging")[0]["state"] == "TASK_KILLED"


def test_script_that_forks_away_leaves_nothing_behind(
    standalone: Standalone, apps: HttpAppServer, tmp_path: Path
) -> None:
    script = f"#!/bin/sh\nsetsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep 600' &\nsleep 0.3\n"
    apps.serve_body("/forks.sh", script.encode())
    standalone.publish("forks", apps.url("/forks.sh"))
    standalone.register("forks", "forks", props={"script.command.line": "./forks.sh"})
    standalone.call("POST", "/job/trigger", "forks")

    (end,) = standalone.ended("forks")

    assert end["state"] == "TASK_FINISHED"
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not is_alive(pid), "the process that forked away is gone")


def test_script_that_prints_for_ever_is_bounded_and_can_be_killed(
    standalone: Standalone, apps: HttpAppServer
) -> None:
    apps.serve_body("/yes.sh", b"#!/bin/sh\nexec yes 0123456789012345678901234567890123456789\n")
    standalone.publish("yes", apps.url("/yes.sh"))
    standalone.register("yes", "yes", props={"script.command.line": "./yes.sh"})
    standalone.call("POST", "/job/trigger", "yes")
    running = wait_for(
        lambda: [it for it in standalone.call("GET", "/job/tasks/running") if it["id"].startswith("yes@")],
        "it runs",
    )
    path = f"/job/tasks/{running[0]['id']}/log?limit=10"
    wait_for(lambda: standalone.call("GET", path)["truncated"], "its output is cut")
    standalone.call("POST", f"/job/tasks/{running[0]['id']}/kill")

    (end,) = standalone.ended("yes")

    assert end["state"] == "TASK_KILLED"
    files = (standalone.data_dir / "agent" / "output").glob(f"{running[0]['id']}.stdout*")
    assert sum(file.stat().st_size for file in files) <= 10 * 1024 * 1024


def test_memory_hog_is_ended_for_its_limit(standalone: Standalone, apps: HttpAppServer) -> None:
    python = shlex.quote(sys.executable)
    script = f"#!/bin/sh\nexec {python} -c 'x = bytearray(300 << 20); import time; time.sleep(60)'\n"
    apps.serve_body("/hog.sh", script.encode())
    standalone.publish("hog", apps.url("/hog.sh"))
    standalone.register("hog", "hog", props={"script.command.line": "./hog.sh"})
    standalone.call("POST", "/job/trigger", "hog")

    (end,) = standalone.ended("hog")

    assert end["state"] == "TASK_FAILED"
    assert "memory" in end["message"].lower()


def test_run_too_large_for_all_agents_says_so(standalone: Standalone, apps: HttpAppServer) -> None:
    apps.serve_body("/large.sh", b"#!/bin/sh\n")
    standalone.publish("large", apps.url("/large.sh"))
    standalone.register("large", "large", cpuCount=64, props={"script.command.line": "./large.sh"})
    standalone.call("POST", "/job/trigger", "large")

    ready = {it["jobName"]: it for it in standalone.call("GET", "/job/tasks/ready")}

    assert ready["large"]["times"] == "1"
    assert "Lower cpuCount" in ready["large"]["reason"]
    standalone.call("DELETE", "/job/deregister", "large")


def test_deleted_app_takes_its_jobs_and_tasks_with_it(standalone: Standalone, apps: HttpAppServer) -> None:
    apps.serve_body("/sleeps.sh", b"#!/bin/sh\nsleep 600\n")
    standalone.publish("sleeps", apps.url("/sleeps.sh"))
    standalone.register("sleeps", "sleeps", props={"script.command.line": "./sleeps.sh"})
    standalone.call("POST", "/job/trigger", "sleeps")
    wait_for(
        lambda: [row for row in standalone.traces(jobName="sleeps") if row["state"] == "TASK_RUNNING"],
        "it runs",
    )

    standalone.call("DELETE", "/app/sleeps")

    assert standalone.ended("sleeps")[0]["state"] == "TASK_KILLED"
    assert standalone.client.get("/job/jobs/sleeps").status_code == 404
    wait_for(lambda: standalone.client.get("/app/sleeps").status_code == 404, "the app is gone")


def test_second_scheduler_on_the_same_data_is_refused(standalone: Standalone) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "elasticjob_cloud.entry",
            "standalone",
            "--port",
            "0",
            "--no-auth",
            "--data-dir",
            str(standalone.data_dir),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 4
    assert "Another scheduler" in done.stderr


def test_default_passwords_are_refused_off_loopback(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "elasticjob_cloud.entry",
            "standalone",
            "--host",
            "0.0.0.0",
            "--port",
            "0",
            "--data-dir",
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 4
    assert "admin_password" in done.stderr
    shutil.rmtree(tmp_path)
