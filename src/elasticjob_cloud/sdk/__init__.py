"""What a job author imports. Standard library only."""

from elasticjob_cloud.sdk.bootstrap import JobBootstrap
from elasticjob_cloud.sdk.job import Job, JobFunction, SimpleJob
from elasticjob_cloud.sdk.shard import CurrentTask, TaskKilledError, current_task

__all__ = [
    "CurrentTask",
    "Job",
    "JobBootstrap",
    "JobFunction",
    "SimpleJob",
    "TaskKilledError",
    "current_task",
]
