"""Runs on a real server: triggered, looked at while they wait and run, killed, run again."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.standalone import Standalone
from tests.integration.apps.app_servers import HttpAppServer, http_app_server
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def apps() -> Iterator[HttpAppServer]:
    with http_app_server() as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    with Standalone(tmp_path_factory.mktemp("runs") / "data", "--cpus", "2") as standalone:
        yield standalone


def trigger(server: Standalone, body: Any) -> int:
    content = body if isinstance(body, str) else json.dumps(body)
    answer = server.client.post("/job/trigger", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.text) == (200, "true"), answer.text
    return int(answer.headers["X-Run-Id"])


def run_now(server: Standalone, run_id: int) -> dict[str, Any]:
    detail: dict[str, Any] = server.call("GET", f"/job/runs/{run_id}")
    return detail


def ended_run(server: Standalone, run_id: int) -> dict[str, Any]:
    def read() -> dict[str, Any]:
        detail = run_now(server, run_id)
        return {} if detail["run"]["state"] in {"WAITING", "RUNNING"} else detail

    return wait_for(read, f"run {run_id} ends")


def state_of(server: Standalone, run_id: int) -> str:
    return str(run_now(server, run_id)["run"]["state"])


def test_failed_shards_are_run_again_with_their_reasons_kept(server: Standalone, apps: HttpAppServer) -> None:
    script = 'echo "FATAL: quota exceeded" >&2\n[ "$ELASTICJOB_SHARDING_ITEM" != 1 ] || exit 3'
    server.publish_script(apps, "half", script)
    server.register_script("half", shardingTotalCount=3, shardingItemParameters="0=Beijing,1=Shanghai")

    run_id = trigger(server, "half")
    detail = ended_run(server, run_id)

    run = detail["run"]
    assert (run["runId"], run["jobName"], run["appName"]) == (run_id, "half", "half")
    assert (run["source"], run["state"], run["rerunOf"]) == ("TRIGGER", "FAILED", None)
    assert run["shards"] == {"total": 3, "waiting": 0, "running": 0, "succeeded": 2, "failed": 1}
    assert run["startTime"] <= run["endTime"]
    assert detail["configuration"]["shardingItemParameters"] == "0=Beijing,1=Shanghai"
    shards = detail["shards"]
    assert [(it["item"], it["parameter"], it["state"]) for it in shards] == [
        (0, "Beijing", "SUCCEEDED"),
        (1, "Shanghai", "FAILED"),
        (2, "", "SUCCEEDED"),
    ]
    (failed,) = shards[1]["attempts"]
    assert (failed["state"], failed["success"], failed["attempt"]) == ("TASK_FAILED", False, 1)

    again = server.call("POST", f"/job/runs/{run_id}/rerun", {"items": "failed"})["runId"]
    detail = ended_run(server, again)

    assert (detail["run"]["source"], detail["run"]["rerunOf"]) == ("RERUN", run_id)
    assert detail["run"]["shards"]["total"] == 1
    assert [it["item"] for it in detail["shards"]] == [1]
    listed = server.call("GET", "/job/runs?jobName=half&state=failed")
    assert [row["runId"] for row in listed["rows"]] == [again, run_id]
    assert listed["next"] is None
    assert server.call("GET", "/job/runs?jobName=half&source=RERUN")["rows"] == [detail["run"]]


def test_what_failed_is_found_by_task_grid_timeline_and_reason(
    server: Standalone, apps: HttpAppServer
) -> None:
    script = 'echo "FATAL: no row $ELASTICJOB_SHARDING_ITEM in table 9" >&2\n[ "$ELASTICJOB_SHARDING_ITEM" = 0 ] || exit 3'
    server.publish_script(apps, "grid", script)
    server.register_script(
        "grid", shardingTotalCount=3, shardingItemParameters="1=Shanghai", cron="0 0 0 1 1 ?"
    )

    run_ids = [trigger(server, "grid") for _ in range(2)]
    details = [ended_run(server, run_id) for run_id in run_ids]

    rows = server.call("GET", "/job/runs?jobName=grid&include=shards")["rows"]
    assert [(row["runId"], row["shardStates"]) for row in rows] == [(it, "SFF") for it in reversed(run_ids)]
    attempt = details[0]["shards"][1]["attempts"][0]
    task = server.call("GET", f"/job/tasks/{attempt['taskId']}")
    assert {name: task[name] for name in attempt} == attempt
    assert (task["runId"], task["parameter"], task["daemon"]) == (run_ids[0], "Shanghai", False)
    assert [it["state"] for it in task["traces"]][-1] == "TASK_FAILED"
    timeline = server.call("GET", "/job/timeline?jobName=grid")
    assert [row["runId"] for row in timeline["runs"]["rows"]] == run_ids[::-1]
    assert timeline["runs"]["complete"]
    (group,) = server.call("GET", "/job/failures?jobName=grid")["rows"]
    assert (group["count"], group["jobs"], group["lastRunId"]) == (2, 1, run_ids[1])
    assert group["summary"].endswith("exit code 3: FATAL: no row # in table #")


def test_who_has_the_present_list_is_told_so_until_a_run_changes_it(
    server: Standalone, apps: HttpAppServer
) -> None:
    server.publish_script(apps, "seen", "true")
    server.register_script("seen")
    path = "/job/runs?jobName=seen"

    first = server.client.get(path)
    again = server.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (first.json()["rows"], again.status_code, again.content) == ([], 304, b"")
    run_id = trigger(server, "seen")
    changed = server.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert [row["runId"] for row in changed.json()["rows"]] == [run_id]


def test_parameters_of_a_trigger_hold_for_its_run_alone_and_its_key_starts_one_run(
    server: Standalone, apps: HttpAppServer
) -> None:
    server.publish_script(apps, "told", 'echo "$1"')
    server.register_script("told", jobParameter="as registered")
    body = {"jobName": "told", "jobParameter": "once", "shardingTotalCount": 2, "idempotencyKey": "night-1"}

    run_id = trigger(server, body)
    assert trigger(server, body) == run_id
    detail = ended_run(server, run_id)

    assert detail["configuration"]["jobParameter"] == "once"
    assert [it["item"] for it in detail["shards"]] == [0, 1]
    assert '"jobParameter":"once"' in server.output(detail["shards"][1]["attempts"][0]["taskId"])
    assert server.call("GET", "/job/jobs/told")["jobParameter"] == "as registered"
    assert len(server.call("GET", "/job/runs?jobName=told")["rows"]) == 1
    assert ended_run(server, trigger(server, "told"))["configuration"]["jobParameter"] == "as registered"


def test_run_waits_with_its_reason_until_it_is_killed_and_so_does_what_runs(
    server: Standalone, apps: HttpAppServer
) -> None:
    server.publish_script(apps, "long", "sleep 600")
    server.register_script("long", failover=True)
    first = trigger(server, "long")
    second = trigger(server, "long")
    wait_for(lambda: run_now(server, first)["run"]["shards"]["running"] == 1, "the first runs")

    waiting = run_now(server, second)
    assert (waiting["run"]["state"], waiting["run"]["startTime"]) == ("WAITING", None)
    assert waiting["run"]["reason"] == "Waits until the job's earlier run has ended."
    assert waiting["run"]["shards"] == {"total": 1, "waiting": 1, "running": 0, "succeeded": 0, "failed": 0}
    assert [(it["state"], it["attempts"]) for it in waiting["shards"]] == [("WAITING", [])]
    live = server.call("GET", "/job/runs?jobName=long&state=RUNNING")["rows"]
    assert [row["runId"] for row in live] == [first]
    answer = server.client.post(f"/job/runs/{first}/rerun", json={"items": "all"})
    assert (answer.status_code, "has not ended" in answer.text) == (409, True), answer.text

    assert server.call("POST", f"/job/runs/{second}/kill") is True
    assert server.call("POST", f"/job/runs/{first}/kill") is True

    assert ended_run(server, second)["run"]["state"] == "DROPPED"
    killed = ended_run(server, first)
    assert (killed["run"]["state"], killed["shards"][0]["state"]) == ("KILLED", "KILLED")
    answer = server.client.post(f"/job/runs/{first}/kill")
    assert (answer.status_code, "has ended" in answer.text) == (409, True), answer.text


def test_run_is_never_missing_between_two_states(server: Standalone, apps: HttpAppServer) -> None:
    server.publish_script(apps, "quick", "true")
    server.register_script("quick", shardingTotalCount=4)
    rank = {"WAITING": 0, "RUNNING": 1, "SUCCEEDED": 2}
    for _ in range(5):
        run_id = trigger(server, "quick")
        seen = [0]
        while seen[-1] < 2:
            rows = server.call("GET", "/job/runs?jobName=quick&limit=1")["rows"]
            assert [row["runId"] for row in rows] == [run_id]
            seen.append(rank[rows[0]["state"]])
            counts = rows[0]["shards"]
            assert sum(counts.values()) - counts["total"] == 4
        assert seen == sorted(seen)


def run_program(server: Standalone, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "elasticjob_cloud.entry", *arguments],
        env={**os.environ, "ELASTICJOB_URL": server.url},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_program_follows_a_run_and_ends_with_its_result(server: Standalone, apps: HttpAppServer) -> None:
    script = """echo "working on $ELASTICJOB_SHARDING_ITEM"
    [ "$ELASTICJOB_SHARDING_ITEM" = 0 ] || { echo "FATAL: quota exceeded" >&2; exit 3; }"""
    server.publish_script(apps, "followed", script)
    server.register_script("followed", shardingTotalCount=2)

    ended = run_program(server, "job", "trigger", "followed", "--follow")

    assert ended.returncode == 1, ended.stderr
    assert {"[0] working on 0", "[1] working on 1", "[1] FATAL: quota exceeded"} == set(
        ended.stdout.splitlines()
    )
    assert re.match(r"Run \d+ of followed failed: .*exit code 3: FATAL: quota exceeded", ended.stderr)
    (run,) = json.loads(run_program(server, "run", "list", "-j", "followed", "--json").stdout)["rows"]
    logs = run_program(server, "logs", str(run["runId"]), "--failed")
    assert logs.stdout == "working on 1\nFATAL: quota exceeded\n"
    again = run_program(server, "run", "rerun", str(run["runId"]), "--item", "0", "--wait")
    assert again.returncode == 0, again.stderr


def test_executions_of_a_daemon_job_have_their_own_list(server: Standalone, apps: HttpAppServer) -> None:
    server.publish_script(apps, "daemon", "echo out of luck; exit 4")
    server.register_script("daemon", jobExecutionType="DAEMON", cron="0/1 * * * * ?")
    rows = wait_for(
        lambda: _two(server.call("GET", "/job/executions?jobName=daemon&state=FAILED")["rows"]),
        "two executions",
    )
    server.call("POST", "/job/daemon/disable")

    assert {(row["jobName"], row["appName"], row["item"], row["state"]) for row in rows} == {
        ("daemon", "daemon", 0, "FAILED")
    }
    page = server.call("GET", "/job/executions?jobName=daemon&limit=1")
    following = server.call("GET", f"/job/executions?jobName=daemon&limit=1&cursor={page['next']}")
    assert page["rows"][0]["executionId"] > following["rows"][0]["executionId"]
    assert server.call("GET", "/job/runs?jobName=daemon")["rows"] == []


def _two(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rows if len(rows) > 1 else []
