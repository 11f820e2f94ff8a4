"""`elasticjob-cloud logs`: whose output it finds, and how it shows it."""

import io
from collections.abc import Callable

import msgspec
import pytest

from elasticjob_cloud.cli.output import say_failure
from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.jobs.job import JobExecutionType
from elasticjob_cloud.model.queries.runs import DaemonExecution, DaemonExecutionPage, ShardCounts
from elasticjob_cloud.model.task import TaskState
from tests.acceptance.commands.conftest import Run
from tests.acceptance.commands.recorded_api import RecordedApi
from tests.acceptance.memory_runs import DUE_MS, attempt_of, run_of


def task_of(item: int, name: str = "uuid") -> str:
    return f"my_job@-@{item}@-@READY@-@agent-1@-@{name}"


def print_of(scheduler: RecordedApi, item: int, text: str, name: str = "uuid") -> None:
    scheduler.memory.ended = True
    scheduler.memory.outputs[task_of(item, name), "stdout"] = text.encode()


def test_job_is_its_last_run_that_has_started(run: Run, scheduler: RecordedApi) -> None:
    runs = scheduler.memory.runs
    runs.put(run_of(9, RunState.WAITING, start_ms=0))
    runs.put(run_of(8, RunState.SUCCEEDED, [attempt_of(0), attempt_of(1)]))
    print_of(scheduler, 0, "a\n")
    print_of(scheduler, 1, "b\n")
    outcome = run("logs", "my_job")
    assert (outcome.code, outcome.out, outcome.err) == (0, "[0] a\n[1] b\n", "")
    asked = runs.queries[-1]
    assert (asked.job_name, asked.state, asked.start_ms) == ("my_job", None, -8 * 3_600_000)


def test_shard_that_failed_over_is_its_last_attempt(run: Run, scheduler: RecordedApi) -> None:
    lost = attempt_of(0, TaskState.LOST, summary="its agent is gone")
    second = attempt_of(0, task_id=task_of(0, "second"), attempt=2)
    scheduler.memory.runs.put(run_of(8, RunState.SUCCEEDED, [lost, second]))
    print_of(scheduler, 0, "again\n", "second")
    outcome = run("logs", "8")
    assert (outcome.out, outcome.err) == ("again\n", "")


def test_failed_shards_are_those_of_the_last_run_that_failed(run: Run, scheduler: RecordedApi) -> None:
    failed = attempt_of(1, success=False, summary="ValueError: bad")  # its error handler let the task finish
    scheduler.memory.runs.put(run_of(8, RunState.FAILED, [attempt_of(0), failed]))
    print_of(scheduler, 1, "half of it\n")
    outcome = run("logs", "my_job", "--failed")
    assert (outcome.out, outcome.err) == ("half of it\n", "Shard 1 failed: ValueError: bad\n")
    assert scheduler.memory.runs.queries[-1].state is RunState.FAILED


def test_job_may_have_a_number_for_a_name(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("8")
    scheduler.memory.runs.put(run_of(9, RunState.SUCCEEDED, [attempt_of(0)]))
    print_of(scheduler, 0, "of the job\n")
    assert run("logs", "8").out == "of the job\n"


def test_job_that_has_not_run_and_one_that_never_failed_are_told(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("my_job")
    for options, said in (((), "has not run yet"), (("--failed",), "No shard of my_job has failed")):
        outcome = run("logs", "my_job", *options)
        assert (outcome.code, said in outcome.err) == (2, True), outcome.err


def test_daemon_job_is_the_newest_task_of_each_shard(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("my_job")
    record = scheduler.memory.job_records["my_job"]
    daemon = msgspec.structs.replace(record.configuration, job_execution_type=JobExecutionType.DAEMON)
    scheduler.memory.job_records["my_job"] = msgspec.structs.replace(record, configuration=daemon)
    rows = [
        {"shardingItem": item, "taskId": task_of(item, name)}
        for item, name in ((1, "new"), (1, "old"), (0, "old"))
    ]
    scheduler.fixed["job/events/statusTraces"] = [(200, {"total": 3, "rows": rows})]
    failure = DaemonExecution(
        1,
        "my_job",
        "my_app",
        task_of(1, "new"),
        1,
        "",
        "",
        DUE_MS,
        DUE_MS,
        RunState.FAILED,
        "out of luck",
        "",
    )
    scheduler.memory.runs.executions = DaemonExecutionPage([failure], None)
    print_of(scheduler, 0, "zero\n", "old")
    print_of(scheduler, 1, "one\n", "new")
    outcome = run("logs", "my_job")
    assert (outcome.out, outcome.err) == ("[0] zero\n[1] one\n", "Shard 1 failed: out of luck\n")
    assert run("logs", "my_job", "--failed").out == "one\n"


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
    tasks = [task_of(item) for item in range(3)]
    attempts = [attempt_of(item) for item in range(3)]
    scheduler.memory.runs.put(run_of(8, RunState.SUCCEEDED, attempts, shards=ShardCounts(3, 0, 0, 3, 0)))
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
