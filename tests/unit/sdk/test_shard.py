"""The protocol of a kill, and what is told of a failure."""

import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue

import pytest

from elasticjob_cloud import ShardingContext, TaskKilledError, current_task
from elasticjob_cloud.model.output.excerpt import DETAIL_CHARACTERS, SUMMARY_CHARACTERS
from elasticjob_cloud.model.output.output_file import StreamName
from elasticjob_cloud.model.wire import ExecutorStatus, JobMessage, TaskMessage
from elasticjob_cloud.sdk.execution import run_shard
from elasticjob_cloud.sdk.failure import describe_failure, summarize_failure
from elasticjob_cloud.sdk.jobs.binding import bind_job
from elasticjob_cloud.sdk.lanes.daemon_runners import Runner
from elasticjob_cloud.sdk.lanes.daemons import DaemonLane
from elasticjob_cloud.sdk.notifications.error_handlers import handler_problem
from elasticjob_cloud.sdk.shards.interrupt import ThreadInterrupt
from elasticjob_cloud.sdk.shards.shard import Shard, current_shard


class NoOutput:
    limit_bytes = 0

    def write(self, stream: StreamName, data: bytes) -> bool:
        return True

    def flush(self, stream: StreamName) -> None: ...

    def fileno(self, stream: StreamName) -> int | None: ...

    def renew(self) -> None: ...

    def close(self) -> None: ...


def make_shard(job: Callable[[ShardingContext], None], handler: str = "LOG") -> Shard:
    message: JobMessage = {
        "jobName": "job",
        "jobExecutionType": "TRANSIENT",
        "shardingTotalCount": 1,
        "jobParameter": "",
        "jobExecutorServiceHandlerType": "CPU",
        "jobErrorHandlerType": handler,
        "props": {},
        "cron": "",
        "timeZone": "",
        "eventTraceSamplingCount": 0,
    }
    task: TaskMessage = {"taskId": "t", "item": 0, "parameter": "", "output": ""}
    return Shard(ShardingContext("t", "job", 1, 0), bind_job(job), NoOutput(), message, task)


def run(shard: Shard) -> list[ExecutorStatus]:
    told: list[ExecutorStatus] = []
    run_shard(shard, ThreadInterrupt(), told.append)
    return told


def test_kill_before_the_start_is_reported_by_the_killer_alone() -> None:
    shard = make_shard(lambda context: pytest.fail("ran"))
    assert shard.kill() is True
    assert shard.kill() is False
    assert run(shard) == []


def test_kill_after_the_end_does_nothing() -> None:
    shard = make_shard(lambda context: None)
    assert [status["state"] for status in run(shard)] == ["TASK_RUNNING", "TASK_FINISHED"]
    assert shard.kill() is False
    for _ in range(1000):
        pass  # an interrupt on its way would arrive here


def test_kill_from_within_ends_the_shard_as_killed() -> None:
    def job(context: ShardingContext) -> None:
        shard.kill()
        loop()

    shard = make_shard(job)
    assert [status["state"] for status in run(shard)] == ["TASK_RUNNING", "TASK_KILLED"]


def test_thread_that_is_traced_goes_on_after_a_kill() -> None:
    """As under a debugger or with coverage: what is left of an interrupt stops Python 3.11 at the next call."""
    told: list[ExecutorStatus] = []

    def job(context: ShardingContext) -> None:
        shard.kill()
        loop()

    def trace() -> None:
        sys.settrace(lambda frame, event, argument: None)
        told.extend(run(shard))

    shard = make_shard(job)
    thread = threading.Thread(target=trace, daemon=True)
    thread.start()
    thread.join(10)
    assert [status["state"] for status in told] == ["TASK_RUNNING", "TASK_KILLED"]


def test_swallowed_kill_is_reported_as_killed_all_the_same() -> None:
    def job(context: ShardingContext) -> None:
        shard.kill()
        try:
            loop()
        except TaskKilledError:
            assert current_task().killed

    shard = make_shard(job)
    assert run(shard)[-1]["state"] == "TASK_KILLED"


def test_kills_at_any_moment_never_leave_the_shard() -> None:
    """The interrupt must not strike the thread after its shard, however late it is sent."""
    told: list[ExecutorStatus] = []
    shards = [make_shard(lambda context: None) for _ in range(2000)]
    position = 0
    unreported = 0

    def killer() -> None:
        nonlocal unreported
        while position < len(shards):
            unreported += shards[min(position, len(shards) - 1)].kill()

    thread = threading.Thread(target=killer)
    thread.start()
    interrupt = ThreadInterrupt()
    for shard in shards:
        run_shard(shard, interrupt, told.append)
        position += 1
    thread.join()
    ends = [status for status in told if status["state"] != "TASK_RUNNING"]
    assert len(ends) + unreported == len(shards)
    assert current_shard.get() is None


def test_kill_that_comes_while_a_daemon_task_enters_ends_it() -> None:
    told: SimpleQueue[ExecutorStatus] = SimpleQueue()
    shard = make_shard(lambda context: None)
    shard.killed = True  # as `enter` sees it when it has stored its interrupt and the kill comes just then
    DaemonLane(told.put, Runner, one_at_a_time=False).submit(shard)
    assert told.get(timeout=10)["state"] == "TASK_KILLED"


def test_current_task_is_known_inside_only() -> None:
    seen: list[str] = []
    run(make_shard(lambda context: seen.append(current_task().task_id)))
    assert seen == ["t"]
    assert current_task().task_id == ""
    assert current_task().killed is False


def test_handler_that_fails_does_not_eat_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **named: object) -> None:
        raise RuntimeError("logging is broken")

    monkeypatch.setattr("elasticjob_cloud.sdk.notifications.error_handlers._logger.error", broken)
    ended = run(make_shard(fail))[-1]
    assert ended["state"] == "TASK_FINISHED"
    assert ended["success"] is False


def test_known_handlers_have_no_problem() -> None:
    assert handler_problem("THROW", {}) is None
    assert "LOG, THROW, IGNORE" in (handler_problem("PIGEON", {}) or "")


class NastyError(Exception):
    def __str__(self) -> str:
        raise SystemExit("gotcha")


@pytest.mark.parametrize(
    "failure", [NastyError(), MemoryError(), KeyboardInterrupt(), SystemExit(3), ValueError("\udc80")]
)
def test_any_exception_can_be_described(failure: BaseException) -> None:
    assert type(failure).__name__ in describe_failure(failure)
    assert type(failure).__name__ in summarize_failure(failure)
    (describe_failure(failure) + summarize_failure(failure)).encode()


def test_summary_is_one_line_with_type_and_message() -> None:
    noted = LookupError("no\n  such row")
    noted.add_note("the note is in the traceback")
    assert summarize_failure(noted) == "LookupError: no such row"
    assert summarize_failure(TaskKilledError()) == "elasticjob_cloud.sdk.shards.shard.TaskKilledError"
    with pytest.raises(SyntaxError) as wrong:
        compile("a b", "job.py", "exec")
    assert summarize_failure(wrong.value) == "SyntaxError: invalid syntax (job.py, line 1)"


def test_summary_of_a_group_names_its_first_exception() -> None:
    inner = ExceptionGroup("inner", [ValueError("boom"), KeyError("x")])
    assert summarize_failure(ExceptionGroup("outer", [inner])) == (
        "ExceptionGroup: outer (1 sub-exception): ExceptionGroup: inner (2 sub-exceptions): ValueError: boom"
    )


def test_long_summary_keeps_both_ends() -> None:
    summary = summarize_failure(ValueError("first" + "\n" * 100_000 + "a" * 100_000 + "last"))
    assert len(summary) <= SUMMARY_CHARACTERS
    assert summary.startswith("ValueError: first")
    assert summary.endswith("last")


@pytest.mark.parametrize(
    "handler, state", [("LOG", "TASK_FINISHED"), ("IGNORE", "TASK_FINISHED"), ("THROW", "TASK_ERROR")]
)
def test_job_that_raised_is_told_as_failed_whatever_its_handler_makes_of_the_task(
    handler: str, state: str
) -> None:
    ended = run(make_shard(fail, handler))[-1]
    assert ended["state"] == state
    assert ended["success"] is False
    assert ended["failureSummary"] == "ValueError: boom"
    assert ended["failureCause"].startswith("Traceback")
    assert ended["failureCause"].endswith("ValueError: boom\n")


def test_long_description_keeps_its_head_and_its_end() -> None:
    text = describe_failure(ValueError("a" * 100_000 + "END"))
    assert len(text) <= DETAIL_CHARACTERS
    assert text.startswith("ValueError")
    assert text.endswith("END\n")
    assert "characters left out" in text


def fail(context: ShardingContext) -> None:
    raise ValueError("boom")


def loop() -> None:
    while True:
        pass
