"""What a job may be: the forms that a job author chooses from."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import Any, Literal, TypeAlias, get_args

from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.sdk.jobs.dataflow import DataflowJob
from elasticjob_cloud.sdk.shards.bound_job import JobFunction


class SimpleJob(ABC):
    """A job whose shards run to their end.

    Subclass it and implement `execute`, as a plain method or as `async def`. One instance serves all shards of an
    executor, several of them at a time: keep what belongs to one shard in local variables.
    """

    @abstractmethod
    def execute(self, context: ShardingContext) -> Awaitable[None] | None:
        """Run one shard.

        Args:
            context: The sharding item, its parameter, and what else the job was registered with.

        Raises:
            Exception: Anything raised is recorded as a failed execution; the job's error handler decides what
                becomes of the task (semantics, "Error handlers").
        """


JobType: TypeAlias = Literal["HTTP", "SCRIPT"]
Job: TypeAlias = (
    SimpleJob | type[SimpleJob] | DataflowJob[Any] | type[DataflowJob[Any]] | JobFunction | JobType
)
JOB_TYPES: tuple[str, ...] = get_args(JobType)
