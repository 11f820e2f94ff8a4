"""The promises of `docs/semantics.md` on a real server with real processes, those that no other file here looks at."""

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.apps import tar_gz
from tests.acceptance.standalone import Standalone
from tests.integration.apps.app_servers import HttpAppServer, http_app_server
from tests.waiting import wait_for

_NOTE = 'echo "$(date +%s%N) start $ELASTICJOB_SHARDING_ITEM" >> {file}; sleep {sleep}; echo "$(date +%s%N) end" >> {file}'
_DAEMON = """
from elasticjob_cloud import ShardingContext

def run(context: ShardingContext) -> None:
    print("once more")
"""


@pytest.fixture(scope="module")
def apps() -> Iterator[HttpAppServer]:
    with http_app_server() as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    data = tmp_path_factory.mktemp("promises") / "data"
    settings = {"JOB_STATE_QUEUE_SIZE": "3", "KILL_GRACE_SECONDS": "1"}
    with Standalone(data, "--cpus", "2", "--memory-mb", "2000", settings=settings) as standalone:
        yield standalone


@pytest.fixture(autouse=True)
def tidy(server: Standalone) -> Iterator[None]:
    """Leave no job behind that takes room from the next test."""
    yield
    for job in server.call("GET", "/job/jobs"):
        server.call("DELETE", "/job/deregister", job["jobName"])
    wait_for(lambda: not server.call("GET", "/job/tasks/running"), "all tasks are gone")


def test_runs_of_a_job_never_overlap_and_misfires_are_made_up(
    server: Standalone, apps: HttpAppServer, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    server.publish_script(apps, "long", _NOTE.format(file=notes, sleep=1.1))
    server.register_script("long", cron="* * * * * ?", misfire=True)

    server.ended("long", 3)
    server.call("POST", "/job/long/disable")

    words = [line.split()[1] for line in notes.read_text().splitlines()]
    assert words[:6] == ["start", "end"] * 3


def test_fire_during_a_run_is_dropped_without_misfire(server: Standalone, apps: HttpAppServer) -> None:
    server.publish_script(apps, "dropping", "sleep 2.1")
    server.register_script("dropping", cron="* * * * * ?")

    server.ended("dropping", 1)

    metrics = server.client.get(server.url + "/metrics").text
    dropped = [line for line in metrics.splitlines() if line.startswith("elasticjob_fires_dropped_total{")]
    assert any('reason="misfired"' in line and float(line.split()[-1]) >= 2 for line in dropped), dropped


def test_all_shards_of_a_run_start_together_or_none(
    server: Standalone, apps: HttpAppServer, tmp_path: Path
) -> None:
    gate, notes = tmp_path / "gate", tmp_path / "notes"
    server.publish_script(apps, "blocker", f"while [ ! -e {gate} ]; do sleep 0.05; done")
    server.publish_script(apps, "pair", _NOTE.format(file=notes, sleep=0.1))
    server.register_script("blocker", cpuCount=1)
    server.register_script("pair", cpuCount=1, shardingTotalCount=2)
    server.call("POST", "/job/trigger", "blocker")
    server.call("POST", "/job/trigger", "pair")

    (ready,) = server.call("GET", "/job/tasks/ready")
    assert (ready["jobName"], ready["times"]) == ("pair", "1")
    assert "room" in ready["reason"]
    assert not notes.exists()
    gate.touch()

    assert {row["state"] for row in server.ended("pair", 2)} == {"TASK_FINISHED"}


def test_trigger_during_a_run_is_queued_and_runs(
    server: Standalone, apps: HttpAppServer, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    server.publish_script(apps, "queued", f"while [ ! -e {gate} ]; do sleep 0.05; done")
    server.register_script("queued")
    for _ in range(3):
        server.call("POST", "/job/trigger", "queued")
    wait_for(lambda: len(server.call("GET", "/job/tasks/running")) == 1, "one runs")
    (ready,) = server.call("GET", "/job/tasks/ready")
    assert ready["times"] == "2"
    gate.touch()

    assert len(server.ended("queued", 3)) == 3


def test_failing_shard_is_started_three_times_with_failover_and_once_without(
    server: Standalone, apps: HttpAppServer
) -> None:
    for name, failover in (("thrice", True), ("once", False)):
        server.publish_script(apps, name, "exit 7")
        server.register_script(name, failover=failover)
        server.call("POST", "/job/trigger", name)

    thrice = server.ended("thrice", 3)

    assert [row["state"] for row in thrice] == ["TASK_FAILED"] * 3
    assert [row["executionType"] for row in thrice] == ["READY", "FAILOVER", "FAILOVER"]
    assert "7" in thrice[0]["message"]
    wait_for(lambda: not server.call("GET", "/job/tasks/failover"), "the run ends")
    assert len(server.ended("once")) == 1


def test_full_ready_queue_refuses_triggers_and_says_when_to_try_again(
    server: Standalone, apps: HttpAppServer
) -> None:
    names = [f"full-{number}" for number in range(5)]
    for name in names:
        server.publish_script(apps, name, "sleep 600")
        server.register_script(name, cpuCount=2)
    server.call("POST", "/job/trigger", names[0])
    wait_for(lambda: server.call("GET", "/job/tasks/running"), "the first one runs")
    answers = [
        server.client.post("/job/trigger", content=name, headers={"Content-Type": "application/json"})
        for name in names[1:]
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 503]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "ready queue" in answers[-1].json()["message"]


def test_cron_is_evaluated_in_the_jobs_time_zone_and_never_early(
    server: Standalone, apps: HttpAppServer
) -> None:
    there = ZoneInfo("Asia/Shanghai")
    hour = dt.datetime.now(there).hour
    hours = f"{hour},{(hour + 1) % 24}"  # the present one may be over in a moment
    for name in ("zoned", "control"):
        server.publish_script(apps, name, "true")
    # Then the first fire is due with the next second, or later on a busy machine.
    wait_for(lambda: time.time() % 1 < 0.5, "a second has begun")
    registered = int(time.time())
    for name, zone in (("zoned", "Asia/Shanghai"), ("control", "UTC")):
        server.register_script(name, cron=f"* * {hours} * * ?", timeZone=zone)

    ends = server.ended("zoned", 3)

    assert server.traces(jobName="control") == []
    rows = [row for row in server.traces(jobName="zoned") if row["state"] == "TASK_STAGING"]
    staged = [dt.datetime.fromisoformat(row["creationTime"]).timestamp() - registered for row in rows]
    assert len(ends) >= 3
    assert all(after >= nth for nth, after in enumerate(staged, 1)), (
        f"seconds after the registration: {staged}"
    )


def test_task_over_its_time_is_ended(server: Standalone, apps: HttpAppServer) -> None:
    server.publish_script(apps, "slow", "sleep 600")
    server.register_script("slow", timeoutSeconds=1)
    server.call("POST", "/job/trigger", "slow")

    (end,) = server.ended("slow")

    assert end["state"] == "TASK_FAILED"
    assert "timeoutSeconds" in end["message"] or "1 s" in end["message"]


def test_disabled_job_is_killed_and_enabled_one_runs_again(server: Standalone, apps: HttpAppServer) -> None:
    server.publish_script(apps, "switched", "sleep 600")
    server.register_script("switched")
    server.call("POST", "/job/trigger", "switched")
    wait_for(lambda: server.call("GET", "/job/tasks/running"), "it runs")

    server.call("POST", "/job/switched/disable")

    assert server.ended("switched")[0]["state"] == "TASK_KILLED"
    answer = server.client.post("/job/trigger", content="switched", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 409
    assert server.call("GET", "/job/switched/disable") is True
    server.call("POST", "/job/switched/enable")
    server.call("POST", "/job/trigger", "switched")
    wait_for(lambda: server.call("GET", "/job/tasks/running"), "it runs again")


def test_job_registered_anew_while_its_old_tasks_die_is_a_new_job(
    server: Standalone, apps: HttpAppServer, tmp_path: Path
) -> None:
    server.publish_script(
        apps, "again", f"trap '' TERM; echo begun >> {tmp_path}/begun; sleep 600 & wait; wait; sleep 600"
    )
    server.register_script("again")
    server.call("POST", "/job/trigger", "again")
    wait_for((tmp_path / "begun").exists, "it runs")

    server.call("DELETE", "/job/deregister", "again")
    server.register_script("again")
    server.call("POST", "/job/trigger", "again")

    ends = server.ended("again", 1)
    assert ends[0]["state"] == "TASK_KILLED"
    wait_for(lambda: len((tmp_path / "begun").read_text().splitlines()) == 2, "the new one runs")
    assert len(server.call("GET", "/job/tasks/running")) == 1


def test_daemon_script_is_kept_alive_until_it_is_disabled(
    server: Standalone, apps: HttpAppServer, tmp_path: Path
) -> None:
    server.publish_script(apps, "daemon", f"echo alive >> {tmp_path}/alive; sleep 0.2")
    server.register_script("daemon", jobExecutionType="DAEMON")

    wait_for(
        lambda: (
            len((tmp_path / "alive").read_text().splitlines()) >= 2 if (tmp_path / "alive").exists() else 0
        ),
        "it was started again",
    )
    answer = server.client.post("/job/trigger", content="daemon", headers={"Content-Type": "text/plain"})
    server.call("POST", "/job/daemon/disable")

    assert answer.status_code == 400
    wait_for(lambda: not server.call("GET", "/job/tasks/running"), "it is gone")


def test_daemon_job_of_the_sdk_executes_by_its_own_cron(server: Standalone, apps: HttpAppServer) -> None:
    apps.serve_body("/daemon.tar.gz", tar_gz({"jobs.py": _DAEMON}))
    server.publish(
        "sdk-daemon", apps.url("/daemon.tar.gz"), bootstrapScript="python -m elasticjob_cloud jobs:run"
    )
    server.register("sdk-daemon", "sdk-daemon", jobExecutionType="DAEMON", cron="* * * * * ?")

    def executions() -> list[dict[str, object]]:
        rows: list[dict[str, object]] = server.client.get(
            "/job/events/executions", params={"jobName": "sdk-daemon"}
        ).json()["rows"]
        return rows if len(rows) >= 2 else []

    rows = wait_for(executions, "it executed twice")

    assert len({row["taskId"] for row in rows}) == 1
    messages = {
        row["message"] for row in server.traces(jobName="sdk-daemon") if row["state"] == "TASK_RUNNING"
    }
    assert {"BEGIN", "COMPLETE"} <= messages
    assert server.output(str(rows[0]["taskId"])).count("once more") >= 2


def test_run_of_one_job_does_not_wait_for_a_job_that_fails_all_the_time(
    server: Standalone, apps: HttpAppServer
) -> None:
    apps.serve_body("/poison.tar.gz", b"no archive")
    server.publish("poison", apps.url("/poison.tar.gz"))
    server.register("poison", "poison", cron="* * * * * ?", misfire=True, failover=True)
    server.publish_script(apps, "healthy", "true")
    server.register_script("healthy", cron="* * * * * ?")

    ends = server.ended("healthy", 3, seconds=15)

    assert {row["state"] for row in ends} == {"TASK_FINISHED"}
    assert {row["state"] for row in server.ended("poison")} == {"TASK_ERROR"}
