"""What a job author imports. Standard library only."""

from elasticjob_cloud.sdk.bootstrap import JobBootstrap
from elasticjob_cloud.sdk.jobs.dataflow import DataflowJob
from elasticjob_cloud.sdk.jobs.job import Job, JobType, SimpleJob
from elasticjob_cloud.sdk.jobs.listeners import JobListener
from elasticjob_cloud.sdk.shards.bound_job import JobFunction
from elasticjob_cloud.sdk.shards.shard import CurrentTask, TaskKilledError, current_task

__all__ = [
    "CurrentTask",
    "DataflowJob",
    "Job",
    "JobBootstrap",
    "JobFunction",
    "JobListener",
    "JobType",
    "SimpleJob",
    "TaskKilledError",
    "current_task",
]
