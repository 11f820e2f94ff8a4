"""What a crash at any moment must not do: lose what was acknowledged, lose a fire, run anything twice (promises 2, 5, 9)."""

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.apps import tar_gz
from tests.acceptance.standalone import Standalone
from tests.integration.apps.app_servers import http_app_server
from tests.processes import is_alive
from tests.waiting import wait_for

_SECOND_MS = 1_000


def test_task_runs_on_through_a_crash_and_ends_once(tmp_path: Path) -> None:
    script = f'#!/bin/sh\necho "$ELASTICJOB_TASK_ID start" >> {tmp_path}/runs\nsleep 1.5\necho end >> {tmp_path}/runs\n'
    with http_app_server() as apps, Standalone(tmp_path / "data") as server:
        apps.serve_body("/slow.sh", script.encode())
        server.publish("slow", apps.url("/slow.sh"))
        server.register("slow", "slow", props={"script.command.line": "./slow.sh"}, failover=True)
        server.call("POST", "/job/trigger", "slow")
        wait_for((tmp_path / "runs").exists, "it runs")
        agent = server.agent_pid()

        server.kill()
        server.start()

        assert server.agent_pid() == agent
        (end,) = server.ended("slow")
        assert end["state"] == "TASK_FINISHED"
        assert (tmp_path / "runs").read_text().split("\n")[:2] == [f"{end['taskId']} start", "end"]
        assert server.call("GET", "/job/tasks/running") == []


@pytest.mark.long
@pytest.mark.parametrize("misfire", [False, True])
def test_fires_missed_without_a_leader_are_made_up_only_if_misfire_says_so(
    tmp_path: Path, *, misfire: bool
) -> None:
    with http_app_server() as apps, Standalone(tmp_path / "data") as server:
        apps.serve_body("/tick.sh", f"#!/bin/sh\necho tick >> {tmp_path}/ticks\n".encode())
        server.publish("tick", apps.url("/tick.sh"))
        server.register(
            "tick", "tick", cron="* * * * * ?", misfire=misfire, props={"script.command.line": "./tick.sh"}
        )
        server.ended("tick", 1)
        server.kill()
        before = len((tmp_path / "ticks").read_text().splitlines())
        missed_ms = wait_for(_Elapsed(3_000), "some fires are missed")

        server.start()

        rows = server.ended("tick", before + (2 + missed_ms // _SECOND_MS if misfire else 2))
        server.call("POST", "/job/tick/disable")
        fires = Counter(row["taskId"] for row in rows)
        assert max(fires.values()) == 1
        ticks = len((tmp_path / "ticks").read_text().splitlines())
        assert ticks >= len(rows)


@pytest.mark.long
def test_kills_at_random_moments_lose_nothing_and_run_nothing_twice(tmp_path: Path) -> None:
    chooser = random.Random(20261122)
    script = f'#!/bin/sh\necho "$ELASTICJOB_TASK_ID" >> {tmp_path}/runs\n'
    with http_app_server() as apps, Standalone(tmp_path / "data", "--cpus", "8") as server:
        apps.serve_body("/run.tar.gz", tar_gz({"run.sh": script}))
        server.publish("app", apps.url("/run.tar.gz"))
        acknowledged = []
        for round_ in range(4):
            for number in range(chooser.randrange(3, 12)):
                name = f"job-{round_}-{number}"
                server.register(
                    name,
                    "app",
                    shardingTotalCount=3,
                    props={"script.command.line": "./run.sh"},
                    cpuCount=0.01,
                )
                server.call("POST", "/job/trigger", name)
                acknowledged.append(name)
            server.kill()
            server.start()

        for name in acknowledged:
            assert len(server.ended(name, 3)) == 3, name
        assert {job["jobName"] for job in server.call("GET", "/job/jobs")} == set(acknowledged)
        runs = Counter((tmp_path / "runs").read_text().split())
        assert set(runs.values()) == {1}
        assert Counter(task_id.split("@-@")[0] for task_id in runs) == dict.fromkeys(acknowledged, 3)


def test_killed_agent_is_replaced_and_its_tasks_are_lost_or_failed_over(tmp_path: Path) -> None:
    script = f"#!/bin/sh\necho $$ >> {tmp_path}/$ELASTICJOB_JOB_NAME\n[ -e {tmp_path}/quick ] || sleep 600\n"
    with http_app_server() as apps, Standalone(tmp_path / "data") as server:
        apps.serve_body("/sleeps.sh", script.encode())
        server.publish("app", apps.url("/sleeps.sh"))
        for name, failover in (("once", False), ("again", True)):
            server.register(name, "app", failover=failover, props={"script.command.line": "./sleeps.sh"})
            server.call("POST", "/job/trigger", name)
            wait_for((tmp_path / name).exists, f"{name} runs")
        (tmp_path / "quick").touch()

        _kill_process(server.agent_pid())

        again = server.ended("again", 2)
        assert [row["state"] for row in again] == ["TASK_LOST", "TASK_FINISHED"]
        assert again[1]["executionType"] == "FAILOVER"
        assert again[1]["originalTaskId"] == again[0]["taskId"]
        assert [row["state"] for row in server.ended("once")] == ["TASK_LOST"]
        first = [int((tmp_path / name).read_text().split()[0]) for name in ("once", "again")]
        wait_for(lambda: not any(is_alive(pid) for pid in first), "what the dead agent left is ended")


def test_clean_stop_lets_tasks_end_and_leaves_no_process(tmp_path: Path) -> None:
    with http_app_server() as apps, Standalone(tmp_path / "data") as server:
        apps.serve_body(
            "/slow.sh", f"#!/bin/sh\ntouch {tmp_path}/begun\nsleep 1\ntouch {tmp_path}/done\n".encode()
        )
        server.publish("slow", apps.url("/slow.sh"))
        server.register("slow", "slow", props={"script.command.line": "./slow.sh"})
        server.call("POST", "/job/trigger", "slow")
        wait_for((tmp_path / "begun").exists, "it runs")
        agent = server.agent_pid()

        assert server.stop() == 0

        wait_for(lambda: not is_alive(agent), "the agent leaves by itself")
        assert (tmp_path / "done").exists()
        server.start()
        (end,) = server.ended("slow")
        assert end["state"] == "TASK_FINISHED"


def test_tokens_outlive_a_restart(tmp_path: Path) -> None:
    with Standalone(tmp_path / "data", auth=True) as server:
        answer = server.client.post("/login", json={"username": "guest", "password": "guest"})
        server.client.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"
        server.kill()
        server.start()

        assert server.call("GET", "/job/jobs") == []


class _Elapsed:
    """True once so much time has passed: the time without a leader is what the test is about."""

    def __init__(self, milliseconds: int) -> None:
        self._clock = time.monotonic
        self._milliseconds = milliseconds
        self._end = self._clock() + milliseconds / 1000

    def __call__(self) -> int:
        return self._milliseconds if self._clock() >= self._end else 0


def _kill_process(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
