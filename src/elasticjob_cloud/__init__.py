"""ElasticJob-Cloud for Python: scheduled jobs, sharded over a cluster.

Everything that a job author imports is here, and needs the standard library alone.
"""

from elasticjob_cloud.model.errors import ElasticJobError, JobExecutionError, NotFoundError, StartError
from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.sdk import (
    CurrentTask,
    DataflowJob,
    Job,
    JobBootstrap,
    JobFunction,
    JobListener,
    JobType,
    SimpleJob,
    TaskKilledError,
    current_task,
)

__version__ = "0.1.0"

__all__ = [
    "CurrentTask",
    "DataflowJob",
    "ElasticJobError",
    "Job",
    "JobBootstrap",
    "JobExecutionError",
    "JobFunction",
    "JobListener",
    "JobType",
    "NotFoundError",
    "ShardingContext",
    "SimpleJob",
    "StartError",
    "TaskKilledError",
    "__version__",
    "current_task",
]
