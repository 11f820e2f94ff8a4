"""The tables. `docs/database.md` explains them to operators.

Times are epoch milliseconds (UTC) and truth values are 0 or 1, so that rows mean the same on every database. There are
no foreign keys: live tasks and history outlive the job that they belong to, and the core, not the database, decides
what goes together; each key would cost a look-up for each row of the busiest tables.
"""

from elasticjob_cloud.store.tables.cluster import agent_sequence, counter, lease, scheduler, secret
from elasticjob_cloud.store.tables.columns import metadata
from elasticjob_cloud.store.tables.counts import (
    SPANS_MS,
    execution_count,
    job_register_statistics,
    job_running_statistics,
    result_count,
    status_trace_count,
    task_result_statistics_day,
    task_result_statistics_hour,
    task_result_statistics_minute,
    task_running_statistics,
)
from elasticjob_cloud.store.tables.registered import app, job, schedule, schedule_span
from elasticjob_cloud.store.tables.runs import (
    ENDED_FIRE,
    HAS_APP,
    HAS_KEY,
    LASTING_OF_FIRE,
    LIVE_FIRE,
    RUN_SOURCE,
    RUN_STATE,
    failover,
    fire,
    past_configuration,
    task,
)
from elasticjob_cloud.store.tables.traces import (
    ENDS_ATTEMPT,
    FAILED_EXECUTION,
    NO_EXIT_CODE,
    UNCOMMON_EXECUTION_TYPE,
    UNCOMMON_STATE,
    job_execution_log,
    job_status_trace_log,
    upstream_columns,
)

__all__ = [
    "ENDED_FIRE",
    "ENDS_ATTEMPT",
    "FAILED_EXECUTION",
    "HAS_APP",
    "HAS_KEY",
    "LASTING_OF_FIRE",
    "LIVE_FIRE",
    "NO_EXIT_CODE",
    "RUN_SOURCE",
    "RUN_STATE",
    "SPANS_MS",
    "UNCOMMON_EXECUTION_TYPE",
    "UNCOMMON_STATE",
    "agent_sequence",
    "app",
    "counter",
    "execution_count",
    "failover",
    "fire",
    "job",
    "job_execution_log",
    "job_register_statistics",
    "job_running_statistics",
    "job_status_trace_log",
    "lease",
    "metadata",
    "past_configuration",
    "result_count",
    "schedule",
    "schedule_span",
    "scheduler",
    "secret",
    "status_trace_count",
    "task",
    "task_result_statistics_day",
    "task_result_statistics_hour",
    "task_result_statistics_minute",
    "task_running_statistics",
    "upstream_columns",
]
