"""`elasticjob-cloud logs`: whose output it finds, and how it shows it."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from elasticjob_cloud.cli.log_targets import find_shards
from elasticjob_cloud.cli.output import say_failure
from tests.acceptance.commands.conftest import Run
from tests.acceptance.commands.recorded_api import RecordedApi


class History:
    """What `find_shards` asks of a scheduler, over rows in memory; the newest row is the last one added."""

    def __init__(self) -> None:
        self.traces: list[dict[str, Any]] = []
        self.executions: list[dict[str, Any]] = []
        self.execution_type = "TRANSIENT"

    def start(self, run: int, item: int, name: str, original: str = "") -> str:
        task_id = f"job@-@{item}@-@{'FAILOVER' if original else 'READY'}@-@agent@-@{name}"
        self._trace(run, task_id, "TASK_STAGING", "", original)
        return task_id

    def end(self, time: int, task_id: str, state: str, message: str = "") -> None:
        self._trace(time, task_id, state, message, "")

    def fail_execution(self, time: int, task_id: str, cause: str) -> None:
        self.executions.append(
            {
                "jobName": "job",
                "taskId": task_id,
                "isSuccess": "false",
                "failureCause": cause,
                "completeTime": f"{time:04}",
            }
        )

    def get(self, *path: str, query: dict[str, Any] | None = None) -> Any:
        if path == ("job", "jobs", "job"):
            return {"jobExecutionType": self.execution_type}
        asked = {
            name: value
            for name, value in (query or {}).items()
            if name not in ("per_page", "page", "startTime")
        }
        table = self.executions if path[-1] == "executions" else self.traces
        since = (query or {}).get("startTime", "")
        rows = [
            row
            for row in reversed(table)
            if all(row[name] == value for name, value in asked.items())
            and row.get("creationTime", "9") >= since
        ]
        return {"total": len(rows), "rows": rows}

    def _trace(self, time: int, task_id: str, state: str, message: str, original: str) -> None:
        self.traces.append(
            {
                "jobName": "job",
                "taskId": task_id,
                "originalTaskId": original,
                "state": state,
                "message": message,
                "creationTime": f"{time:04}",
            }
        )


def found(history: History, *, failed: bool = False) -> list[tuple[str, str]]:
    shards = find_shards(history, "job", failed=failed)  # type: ignore[arg-type]  # what it uses of a connection
    return [(shard.task_id.split("@-@")[-1], shard.failure) for shard in shards]


def test_job_is_its_last_run() -> None:
    history = History()
    for item in range(3):
        history.start(1, item, f"old-{item}")
    for item in (1, 0):
        history.start(2, item, f"new-{item}")
    assert found(history) == [("new-0", ""), ("new-1", "")]


def test_shard_that_failed_over_is_its_last_attempt() -> None:
    history = History()
    first = history.start(1, 0, "first")
    history.start(1, 1, "other")
    history.end(2, first, "TASK_LOST", "its agent is gone")
    second = history.start(3, 0, "second", original=first)
    history.end(4, second, "TASK_ERROR", "Traceback\n  in job\nValueError: bad\n")
    history.start(5, 0, "third", original=second)
    assert found(history) == [("third", ""), ("other", "")]
    assert found(history, failed=True) == []


def test_failed_shards_are_those_of_the_last_run_that_had_any() -> None:
    history = History()
    older, old, good = (history.start(1, 0, "older"), history.start(2, 0, "old"), history.start(2, 1, "good"))
    history.end(3, older, "TASK_FAILED", "exit code 1")
    history.end(3, old, "TASK_FINISHED")
    history.fail_execution(4, old, "Traceback\n  in job\nValueError: bad\n")
    history.end(5, good, "TASK_FINISHED")
    history.start(6, 0, "fine")
    assert found(history) == [("fine", "")]
    assert found(history, failed=True) == [("old", "ValueError: bad")]


def test_daemon_job_is_the_newest_task_of_each_shard() -> None:
    history = History()
    history.execution_type = "DAEMON"
    for item in range(2):
        history.start(1, item, f"old-{item}")
    history.start(9, 1, "new-1")
    assert found(history) == [("old-0", ""), ("new-1", "")]


TASK = "my_job@-@0@-@READY@-@agent@-@uuid"


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have something happen each time that a follower waits."""

    def during(*happenings: Callable[[], None]) -> None:
        left = iter(happenings)

        def wait() -> None:
            next(left)()

        monkeypatch.setattr("elasticjob_cloud.cli.commands.logs.wait_a_moment", wait)

    return during


def test_followed_output_is_whole_over_a_start_over(
    run: Run, scheduler: RecordedApi, steps: Callable[..., None]
) -> None:
    outputs = scheduler.memory.outputs
    outputs[TASK, "stdout"] = b"one\nhal"

    def go_on() -> None:
        outputs[TASK, "stdout"] = b"one\nhalf\n"
        outputs[TASK, "stderr"] = b"error\n"

    def begin_again() -> None:
        outputs[TASK, "stdout"] = b"again from the beginning\n"

    def end() -> None:
        scheduler.memory.ended = True
        outputs[TASK, "stdout"] += b"\x1b[31mlast\x1b[0m"

    steps(go_on, begin_again, end)
    outcome = run("logs", TASK, "--follow")
    assert outcome.code == 0
    assert outcome.out == "one\nhalf\nerror\nagain from the beginning\n\x1b[31mlast\x1b[0m"


def test_lines_of_several_shards_are_told_apart(run: Run, scheduler: RecordedApi) -> None:
    tasks = [TASK.replace("@-@0", f"@-@{item}") for item in range(3)]
    staged = {"jobName": "my_job", "state": "TASK_STAGING", "originalTaskId": "", "creationTime": "2026"}
    rows = [{**staged, "taskId": task} for task in tasks]
    scheduler.fixed["job/events/statusTraces"] = [
        *([(200, {"total": 0, "rows": []})] * 3),
        (200, {"total": 3, "rows": rows}),
    ]
    scheduler.fixed["job/events/executions"] = [(200, {"total": 0, "rows": []})]
    scheduler.register("my_job")
    scheduler.memory.ended = True
    scheduler.memory.outputs[tasks[0], "stdout"] = b"a\nb"
    scheduler.memory.outputs[tasks[2], "stderr"] = b"c\n"
    outcome = run("logs", "my_job")
    assert outcome.out == "[0] a\n[0] b\n[2] c\n"
    assert outcome.err.startswith("[1] There is no output of task")
    assert run("logs", "my_job", "--item", "2").out == "c\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream, is_red", [(Terminal(), True), (io.StringIO(), False)])
def test_reason_of_a_failure_is_red_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *, is_red: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stderr", stream)
    say_failure("Shard 0 failed: exit code 3")
    assert ("\x1b[31m" in stream.getvalue()) is is_red
    assert "Shard 0 failed: exit code 3" in stream.getvalue()
