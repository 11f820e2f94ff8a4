"""Running one shard in the calling thread, and what is reported of it."""

import os
import time
from collections.abc import Callable

from elasticjob_cloud.model.wire import ExecutorStatus
from elasticjob_cloud.sdk.failure import describe_failure, summarize_failure
from elasticjob_cloud.sdk.forks import end_if_forked
from elasticjob_cloud.sdk.notifications.error_handlers import find_error_handler
from elasticjob_cloud.sdk.shard_streams import finish_streams
from elasticjob_cloud.sdk.shards.interrupt import ThreadInterrupt
from elasticjob_cloud.sdk.shards.shard import Shard, TaskKilledError, current_shard
from elasticjob_cloud.sdk.streams import tell_process

Report = Callable[[ExecutorStatus], None]


def now_ms() -> int:
    """Return the wall clock in epoch milliseconds."""
    return int(time.time() * 1000)


def run_shard(shard: Shard, interrupt: ThreadInterrupt, report: Report) -> None:
    """Run a shard in this thread, from its `TASK_RUNNING` to its terminal status, which is the last thing done."""
    current_shard.set(shard)
    started_ms, process = now_ms(), os.getpid()
    failure: BaseException | None = None
    try:
        try:
            if not shard.enter(interrupt):
                current_shard.set(None)
                return
            report({"taskId": shard.context.task_id, "state": "TASK_RUNNING"})
            shard.bound.function(shard.context)
        except BaseException as raised:  # noqa: BLE001 - SystemExit too ends a shard, not the executor
            failure = raised
        end_if_forked(process, failure)
        shard.settle(interrupt.disarm)
    except TaskKilledError as killed:  # it came between the job's last line and `settle`
        failure = killed
        shard.settle(interrupt.disarm)
    conclude(shard, started_ms, failure, report)
    current_shard.set(None)
    del failure  # its traceback holds this frame: left here, the cycle would wait for the collector


def conclude(shard: Shard, started_ms: int, failure: BaseException | None, report: Report) -> None:
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
        else:
            status = failed_status(shard, started_ms, failure)
        finish_streams(shard)
        shard.output.close()
    except Exception as bug:  # noqa: BLE001 - ours: a task that does not end is worse than one that says so
        status = bug_status(shard, bug, started_ms)
    report(status)


def bug_status(shard: Shard, bug: BaseException, started_ms: int) -> ExecutorStatus:
    """Return the terminal status of a shard that a fault of this SDK has ended."""
    tell_process(f"a bug in elasticjob-cloud ended {shard.context.task_id}:\n{describe_failure(bug)}")
    return {
        "taskId": shard.context.task_id,
        "state": "TASK_FAILED",
        "message": f"This is a bug in elasticjob-cloud, please report it: {summarize_failure(bug)}",
        "startTime": started_ms,
        "completeTime": now_ms(),
        "success": False,
        "failureCause": describe_failure(bug),
    }


def failed_status(shard: Shard, started_ms: int, failure: BaseException | None) -> ExecutorStatus:
    """Return the terminal status of a killed or failed shard, after its error handler has had its say."""
    status: ExecutorStatus = {
        "taskId": shard.context.task_id,
        "state": "TASK_KILLED",
        "startTime": started_ms,
        "completeTime": now_ms(),
        "success": False,
        "failureCause": "The task was killed.",
    }
    if shard.killed or failure is None:
        return status
    status["failureCause"] = describe_failure(failure)
    status["state"] = "TASK_FINISHED"
    handler = find_error_handler(shard.job["jobErrorHandlerType"])
    assert handler is not None, "a shard is given to a worker only after its handler was found"
    try:
        handler.handle(shard.context, failure)
    except BaseException as problem:  # noqa: BLE001 - a broken log configuration must not eat the shard's end
        tell_process(f"error handler failed for {shard.context.task_id}: {summarize_failure(problem)}")
    if handler.ends_in_error:
        status["state"] = "TASK_ERROR"
        status["message"] = summarize_failure(failure)
    return status
