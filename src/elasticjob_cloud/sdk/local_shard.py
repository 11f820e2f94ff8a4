"""A shard without an agent: for local runs, and for the tests of a job author."""

from collections.abc import Callable

from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.wire import ExecutorStatus, JobMessage, TaskMessage
from elasticjob_cloud.sdk.execution import run_shard
from elasticjob_cloud.sdk.notifications.error_handlers import ErrorHandler
from elasticjob_cloud.sdk.shards.bound_job import BoundJob
from elasticjob_cloud.sdk.shards.interrupt import ThreadInterrupt
from elasticjob_cloud.sdk.shards.output import ShardOutput
from elasticjob_cloud.sdk.shards.shard import Shard, current_shard

# More than anybody prints.
UNBOUNDED_BYTES = 1 << 62


def run_local_shard(
    bound: BoundJob,
    context: ShardingContext,
    output: ShardOutput,
    handle: Callable[[ShardingContext, BaseException], None],
) -> BaseException | None:
    """Run one shard in this thread as a thread of an executor does, an async one to its end.

    Args:
        bound: The job.
        context: The shard's.
        output: Where its output goes, if streams are routed.
        handle: What to do with the exception that ends it, in the shard's name.

    Returns:
        That exception, or None.
    """
    shard = Shard(context, bound.synchronous(), output, _job_of(context), _task_of(context))
    before = current_shard.get()
    try:
        return run_shard(shard, ThreadInterrupt(), _ignore, ErrorHandler(handle))
    finally:
        current_shard.set(before)


def _job_of(context: ShardingContext) -> JobMessage:
    return {
        "jobName": context.job_name,
        "jobExecutionType": "TRANSIENT",
        "shardingTotalCount": context.sharding_total_count,
        "jobParameter": context.job_parameter,
        "jobExecutorServiceHandlerType": "CPU",
        "jobErrorHandlerType": "IGNORE",
        "props": dict(context.props),
        "cron": "",
        "timeZone": "",
        "eventTraceSamplingCount": 0,
    }


def _task_of(context: ShardingContext) -> TaskMessage:
    return {
        "taskId": context.task_id,
        "item": context.sharding_item,
        "parameter": context.sharding_parameter,
        "output": "",
    }


def _ignore(_status: ExecutorStatus) -> None:
    """Nobody waits for it: `run_local_shard` returns the exception."""
