"""The traces: executions, and the states of tasks. The columns that ElasticJob has too carry its names."""

from typing import Any, Final

from sqlalchemy import Column, Table

from elasticjob_cloud.store.tables.columns import (
    ID,
    count_column,
    index,
    later_number,
    later_text,
    metadata,
    text_column,
    time_column,
    truth_column,
)
from elasticjob_cloud.store.tables.runs import HAS_APP

NO_EXIT_CODE: Final = -1

job_execution_log: Final = Table(
    "job_execution_log",
    metadata,
    Column("id", ID, primary_key=True, nullable=False),
    text_column("job_name"),
    text_column("task_id"),
    text_column("hostname"),
    text_column("ip"),
    count_column("sharding_item"),
    text_column("execution_source"),
    text_column("failure_cause"),
    truth_column("is_success"),
    time_column("start_time"),
    time_column("complete_time"),
    # Of daemon jobs alone, whose executions are listed as runs are.
    later_text("app_name"),
    later_text("summary"),
)

job_status_trace_log: Final = Table(
    "job_status_trace_log",
    metadata,
    Column("id", ID, primary_key=True, nullable=False),
    text_column("job_name"),
    text_column("original_task_id"),
    text_column("task_id"),
    text_column("slave_id"),
    text_column("source"),
    text_column("execution_type"),
    count_column("sharding_item"),
    text_column("state"),
    text_column("message"),
    time_column("creation_time"),
    # Of a task's last line alone, which tells how an attempt at a shard of a run ended.
    later_number("fire_id"),
    later_number("attempt"),
    later_number("staged_ms"),
    later_number("running_ms"),
    later_number("success"),
    later_number("exit_code", NO_EXIT_CODE),
    later_number("signal"),
    later_text("summary"),
)


def upstream_columns(table: Table) -> list[Column[Any]]:
    """Give the columns that a trace table has in ElasticJob too. Ours came later, and so have defaults."""
    return [column for column in table.c if column.server_default is None]


# Each index costs a write for each row. So there is one for what many rows differ in, and for values that few rows
# have only those rows are in one; rows of the other values are found soon by walking back in time. Those of jobs
# also name the agent, as both may have millions of rows and few in common; the others' names would cost more than they
# save.
UNCOMMON_STATE: Final = "state <> 'TASK_STAGING' AND state <> 'TASK_RUNNING' AND state <> 'TASK_FINISHED'"
UNCOMMON_EXECUTION_TYPE: Final = "execution_type <> 'READY'"
FAILED_EXECUTION: Final = "is_success = 0"
ENDS_ATTEMPT: Final = "fire_id > 0"

_EXECUTION = job_execution_log.c
index("job_execution_log_task_id", _EXECUTION.task_id)
index("job_execution_log_start_time", _EXECUTION.start_time)
index(
    "job_execution_log_job_name",
    _EXECUTION.job_name,
    _EXECUTION.start_time,
    _EXECUTION.ip,
)
index("job_execution_log_ip", _EXECUTION.ip, _EXECUTION.start_time)
index(
    "job_execution_log_failed",
    _EXECUTION.is_success,
    _EXECUTION.start_time,
    _EXECUTION.job_name,
    _EXECUTION.ip,
    where=FAILED_EXECUTION,
)
_DAEMON_ORDER = (_EXECUTION.is_success, _EXECUTION.start_time, _EXECUTION.id)
index("daemon_execution", *_DAEMON_ORDER, where=HAS_APP)
index("daemon_execution_job_name", _EXECUTION.job_name, _EXECUTION.app_name, *_DAEMON_ORDER, where=HAS_APP)
index("daemon_execution_app_name", _EXECUTION.app_name, *_DAEMON_ORDER, where=HAS_APP)
_TRACE = job_status_trace_log.c
index("job_status_trace_log_fire_id", _TRACE.fire_id, _TRACE.success, where=ENDS_ATTEMPT)
index("job_status_trace_log_task_id_state", _TRACE.task_id, _TRACE.state)
index("job_status_trace_log_creation_time", _TRACE.creation_time)
index(
    "job_status_trace_log_job_name",
    _TRACE.job_name,
    _TRACE.creation_time,
    _TRACE.slave_id,
)
index("job_status_trace_log_slave_id", _TRACE.slave_id, _TRACE.creation_time)
index(
    "job_status_trace_log_state",
    _TRACE.state,
    _TRACE.creation_time,
    _TRACE.job_name,
    _TRACE.slave_id,
    _TRACE.source,
    _TRACE.execution_type,
    where=UNCOMMON_STATE,
)
index(
    "job_status_trace_log_execution_type",
    _TRACE.execution_type,
    _TRACE.creation_time,
    _TRACE.state,
    _TRACE.job_name,
    _TRACE.slave_id,
    _TRACE.source,
    where=UNCOMMON_EXECUTION_TYPE,
)
