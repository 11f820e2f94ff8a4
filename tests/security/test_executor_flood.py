"""An app that reports without end fills neither the database nor the agent's memory, and harms no other task."""

import asyncio
import heapq
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elasticjob_cloud.agent.executors.lines import StatusItem
from elasticjob_cloud.agent.executors.progress import Progress
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.messages import TaskStatus
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.executors.executor_world import World

_REPORTS = 12_000
_FLOOD = f"""
import json, os, socket
connection = socket.socket(socket.AF_UNIX)
connection.connect(os.environ["ELASTICJOB_AGENT_ADDRESS"].removeprefix("unix:"))
lines = connection.makefile("rwb")
def say(**message):
    lines.write(json.dumps(message).encode() + b"\\n"); lines.flush()
say(type="register", protocol=1, token=os.environ["ELASTICJOB_EXECUTOR_TOKEN"], pid=os.getpid(), sdk="test")
for line in lines:
    message = json.loads(line)
    if message["type"] == "run":
        good, bad = (task["taskId"] for task in message["tasks"])
        for number in range({_REPORTS}):
            progress = dict(taskId=bad, state="TASK_RUNNING", message=str(number), startTime=1, completeTime=2)
            say(type="statuses", statuses=[progress | dict(success=bool(number % 10), failureCause="x")])
            if number == {_REPORTS // 2}:
                say(type="statuses", statuses=[dict(taskId=good, state="TASK_RUNNING", message="there")])
        for task in (good, bad):
            say(type="statuses", statuses=[dict(taskId=task, state="TASK_FINISHED")])
    if message["type"] == "stop":
        break
"""


@pytest.mark.slow
def test_flood_of_reports_is_counted_and_the_last_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path, AgentSettings())
        (tmp_path / "executor.py").write_text(_FLOOD)
        await world.agent.start()
        world.launch("flood", "flood", "good", "bad")
        await world.until(lambda: TaskState.FINISHED in world.states("good"))
        await world.until(lambda: TaskState.FINISHED in world.states("bad"))
        await world.agent.close("the test is over")
        told = [event for event in world.events if isinstance(event, TaskStatus)]
        assert [status.message for status in told if status.task_id == "good"] == ["there", ""]
        bad = [status.message for status in told if status.task_id == "bad" and status.message]
        assert bad[0] == "0"
        assert bad[-1] == str(_REPORTS - 1)
        assert len(bad) < 2_000
        more = [found for message in bad if (found := re.match(r"(\d+) more reports", message))]
        assert more
        assert len(bad) - len(more) + sum(int(found[1]) for found in more) == _REPORTS
        assert "of them failed executions" in more[-1].string

    asyncio.run(scenario())
    noted = (tmp_path / "agent" / "output" / "bad.stderr").read_text()
    assert noted.count("reports more than 20 times a second") == 1
    assert not (tmp_path / "agent" / "output" / "good.stderr").exists()


class Clock:
    """A loop's clock and timers, moved by hand."""

    def __init__(self) -> None:
        self._now = 0.0
        self._numbers = itertools.count()
        self._timers: list[tuple[float, int, Callable[[], None], asyncio.TimerHandle]] = []

    def time(self) -> float:
        return self._now

    def call_later(self, seconds: float, call: Callable[..., None], *arguments: Any) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(self._now + seconds, call, arguments, self)  # type: ignore[arg-type]  # asyncio's
        heapq.heappush(self._timers, (handle.when(), next(self._numbers), lambda: call(*arguments), handle))
        return handle

    def get_debug(self) -> bool:
        return False

    def _timer_handle_cancelled(self, _: asyncio.TimerHandle) -> None:
        pass

    def move(self, seconds: float) -> None:
        until = self._now + seconds
        while self._timers and self._timers[0][0] <= until:
            self._now, _, call, handle = heapq.heappop(self._timers)
            if not handle.cancelled():
                call()
        self._now = until


class Told:
    """What an executor's tasks said, and what came of it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.messages: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.progress = Progress(
            self.clock,  # type: ignore[arg-type]  # as much of a loop as it uses
            lambda status: self.messages.append((status.task_id, status.message)),
            lambda task_id, message: self.messages.append((task_id, message)),
            lambda task_id, _: self.notes.append(task_id),
        )

    def say(self, message: str, task_id: str = "t") -> None:
        self.progress.take(StatusItem(task_id, TaskState.RUNNING, message))


def test_daemon_that_begins_and_ends_ten_executions_a_second_loses_none() -> None:
    told = Told()
    for number in range(12_000):
        told.say(str(number))
        told.clock.move(0.05)
    assert [message for _, message in told.messages] == [str(number) for number in range(12_000)]
    assert told.notes == []


def test_what_is_held_back_is_told_after_a_while_and_noted_once() -> None:
    told = Told()
    for _ in range(3):
        for number in range(1_000):
            told.say(str(number))
        told.clock.move(10)
        assert told.messages[-1] == ("t", "999")
        assert told.messages[-2][1].endswith("more reports came too fast to be recorded.")
    assert told.notes == ["t"]
    assert len(told.messages) < 450


def test_many_tasks_of_one_executor_share_what_it_may_tell() -> None:
    told = Told()
    for _ in range(60):
        for task in range(300):
            for number in range(5):
                told.say(str(number), f"t{task}")
        told.clock.move(1)
    # Each task's first, the burst, and so many a second; with a line and a last report for each that is held back.
    assert len(told.messages) < 300 + 500 + 2 * 100 * 60
    for task in range(300):
        told.progress.end(f"t{task}")
    assert dict(told.messages) == {f"t{task}": "4" for task in range(300)}, "the last of each is told"
    count = len(told.messages)
    told.clock.move(60)
    assert len(told.messages) == count, "no timer is left"


def test_executor_that_says_more_than_anybody_reads_has_to_wait() -> None:
    told = Told()
    for number in range(9_000):
        told.say(str(number))
    assert told.progress.pause_seconds() == 0
    for number in range(2_000):
        told.say(str(number))
    assert told.progress.pause_seconds() > 0
    told.clock.move(2)
    assert told.progress.pause_seconds() == 0
