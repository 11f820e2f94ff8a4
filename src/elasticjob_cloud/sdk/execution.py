"""One execution of a shard: its job is called, its error handler has its say, its end is reported.

Threads of the executor, daemon tasks, worker processes, local runs and tests of a job author all come here. Only the event loop
calls its jobs itself (`lanes/coroutines.py`), and then concludes as the others do.
"""

import os
import time
from collections.abc import Callable

from elasticjob_cloud.model.output.excerpt import one_line
from elasticjob_cloud.model.wire import ExecutorState, ExecutorStatus
from elasticjob_cloud.sdk.failure import describe_failure, summarize_failure
from elasticjob_cloud.sdk.notifications.error_handlers import ErrorHandler, find_error_handler
from elasticjob_cloud.sdk.shards.bound_job import refuse_coroutine
from elasticjob_cloud.sdk.shards.interrupt import ThreadInterrupt
from elasticjob_cloud.sdk.shards.shard import Shard, TaskKilledError, current_shard
from elasticjob_cloud.sdk.streams.forks import end_if_forked
from elasticjob_cloud.sdk.streams.routing import tell_process
from elasticjob_cloud.sdk.streams.shard_streams import finish_streams

Report = Callable[[ExecutorStatus], None]


def now_ms() -> int:
    """Return the wall clock in epoch milliseconds."""
    return int(time.time() * 1000)


def run_shard(
    shard: Shard, interrupt: ThreadInterrupt, report: Report, handler: ErrorHandler | None = None
) -> BaseException | None:
    """Run a shard in this thread, from its `TASK_RUNNING` to its terminal status, which is the last thing done.

    Args:
        shard: What to run; its job needs no event loop (`BoundJob.synchronous`).
        interrupt: Ends job code of this thread when the shard is killed.
        report: Takes the two statuses. Nothing is reported of a shard that was killed, and reported so, before it started.
        handler: Handles an exception, in place of the job's own error handler.

    Returns:
        The exception that ended the shard, if one did.
    """
    current_shard.set(shard)
    started_ms, process = now_ms(), os.getpid()
    failure: BaseException | None = None
    try:
        try:
            if not shard.enter(interrupt):
                current_shard.set(None)
                return None
            report({"taskId": shard.context.task_id, "state": "TASK_RUNNING"})
            result = shard.bound.function(shard.context)
            if result is not None:
                refuse_coroutine(result)
        except BaseException as raised:  # noqa: BLE001 - SystemExit too ends a shard, not the executor
            failure = raised
        end_if_forked(process, failure)
        shard.settle(interrupt.disarm)
    except TaskKilledError as killed:  # it came between the job's last line and `settle`
        failure = killed
        shard.settle(interrupt.disarm)
    conclude(shard, started_ms, failure, report, handler)
    current_shard.set(None)
    try:
        return failure
    finally:
        del failure  # its traceback holds this frame: left here, the cycle would wait for the collector


def conclude(
    shard: Shard,
    started_ms: int,
    failure: BaseException | None,
    report: Report,
    handler: ErrorHandler | None = None,
) -> None:
    """Handle the exception, close the output, report the terminal status. The calling context is the shard's."""
    try:
        if failure is None and not shard.killed:
            status: ExecutorStatus = {
                "taskId": shard.context.task_id,
                "state": "TASK_FINISHED",
                "startTime": started_ms,
                "completeTime": now_ms(),
                "success": True,
            }
        elif shard.killed or failure is None:
            status = failed_status(shard, "TASK_KILLED", started_ms, "The task was killed.")
        else:
            status = _handle(shard, started_ms, failure, handler)
        finish_streams(shard)
        shard.output.close()
    except Exception as bug:  # noqa: BLE001 - ours: a task that does not end is worse than one that says so
        status = bug_status(shard, bug, started_ms)
    report(status)


def failed_status(
    shard: Shard, state: ExecutorState, started_ms: int, cause: str, summary: str = ""
) -> ExecutorStatus:
    """Return the status that ends an execution which did not succeed, now. Without a summary the cause is one."""
    return {
        "taskId": shard.context.task_id,
        "state": state,
        "startTime": started_ms,
        "completeTime": now_ms(),
        "success": False,
        "failureSummary": summary or one_line(cause),
        "failureCause": cause,
    }


def bug_status(shard: Shard, bug: BaseException, started_ms: int) -> ExecutorStatus:
    """Return the terminal status of a shard that a fault of this SDK has ended."""
    cause = describe_failure(bug)
    tell_process(f"a bug in elasticjob-cloud ended {shard.context.task_id}:\n{cause}")
    message = f"This is a bug in elasticjob-cloud, please report it: {summarize_failure(bug)}"
    status = failed_status(shard, "TASK_FAILED", started_ms, cause, one_line(message))
    status["message"] = message
    return status


def _handle(
    shard: Shard, started_ms: int, failure: BaseException, handler: ErrorHandler | None
) -> ExecutorStatus:
    """Let the error handler have its say, and return the status of the failed shard."""
    summary = summarize_failure(failure)
    status = failed_status(shard, "TASK_FINISHED", started_ms, describe_failure(failure), summary)
    handler = handler or find_error_handler(shard.job["jobErrorHandlerType"])
    assert handler is not None, "a shard is given to a worker only after its handler was found"
    try:
        handler.handle(shard.context, failure)
    except BaseException as problem:  # noqa: BLE001 - a broken log configuration must not eat the shard's end
        tell_process(f"error handler failed for {shard.context.task_id}: {summarize_failure(problem)}")
    if handler.ends_in_error:
        status["state"] = "TASK_ERROR"
        status["message"] = summary
    return status
