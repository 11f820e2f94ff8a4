"""The tables. `docs/database.md` explains them to operators.

Times are epoch milliseconds (UTC) and truth values are 0 or 1, so that rows mean the same on every database. There are
no foreign keys: live tasks and history outlive the job that they belong to, and the core, not the database, decides
what goes together; each key would cost a look-up for each row of the busiest tables.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TextClause,
    text,
)
from sqlalchemy.schema import SchemaItem

# SQLite numbers rows by itself only where the type is exactly INTEGER.
_ID = BigInteger().with_variant(Integer, "sqlite")

NO_EXIT_CODE: Final = -1

metadata: Final = MetaData()


def _text(name: str, *, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


def _later_text(name: str) -> Column[str]:
    """Make a column that came with a later schema: earlier versions write rows without it."""
    return Column(name, Text, nullable=False, server_default=text("''"))


def _later_number(name: str, default: int = 0) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text(str(default)))


def _time(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _total(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _truth(name: str) -> Column[int]:
    return Column(name, SmallInteger, nullable=False)


def _amount(name: str) -> Column[float]:
    return Column(name, Double, nullable=False)


def _keyed_by_text(name: str, *items: SchemaItem) -> Table:
    # One B-tree rather than two: the rows lie in the order of their key.
    return Table(name, metadata, *items, sqlite_with_rowid=False)


app: Final = _keyed_by_text(
    "app",
    _text("app_name", primary_key=True),
    _text("configuration"),
    _truth("disabled"),
    _truth("removing"),
)

job: Final = _keyed_by_text(
    "job",
    _text("job_name", primary_key=True),
    _text("configuration"),
    _truth("disabled"),
    _time("since_ms"),
)

schedule: Final = _keyed_by_text("schedule", _text("job_name", primary_key=True), _time("evaluated_to_ms"))

# What a clock that jumped left out of a job's cron, and what is not to be fired again: `ScheduleSpans` as JSON. Few jobs
# have a row.
schedule_span: Final = _keyed_by_text("schedule_span", _text("job_name", primary_key=True), _text("spans"))

# Up to which batch the events of each agent with tasks are recorded.
agent_sequence: Final = _keyed_by_text(
    "agent_sequence",
    _text("agent_id", primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)

fire: Final = Table(
    "fire",
    metadata,
    Column("fire_id", _ID, primary_key=True, autoincrement=False, nullable=False),
    _text("job_name"),
    _text("source"),
    _time("due_ms"),
    _text("state"),
    _time("recorded_ms"),
    _text("reason"),
    _count("count"),
    _time("last_due_ms"),
    _time("started_ms"),
    _time("ended_ms"),
    _count("failed_tasks"),
    _text("configuration"),
    _later_text("app_name"),
    _later_text("outcome"),
    _later_number("shard_total"),
    _later_number("succeeded_shards"),
    _later_number("killed_shards"),
    _later_text("summary"),
    _later_text("triggered_by"),
    _later_number("rerun_of"),
    _later_text("idempotency_key"),
    _later_text("items"),
    _later_text("run_source"),  # where `source` is another one, which versions before it can read
)
# What a fire is from its first row on; the rest tells what becomes of it.
LASTING_OF_FIRE: Final = frozenset(
    {
        "job_name",
        "source",
        "due_ms",
        "recorded_ms",
        "app_name",
        "triggered_by",
        "rerun_of",
        "idempotency_key",
        "items",
        "run_source",
    }
)
LIVE_FIRE: Final = "state IN ('WAITING', 'RUNNING')"
ENDED_FIRE: Final = "state IN ('COMPLETED', 'DROPPED')"
# How people see a fire (`FireRecord.run_state`, `FireRecord.source`).
RUN_SOURCE: Final = "CASE WHEN run_source <> '' THEN run_source ELSE source END"
RUN_STATE: Final = (
    "CASE WHEN state <> 'COMPLETED' THEN state WHEN outcome <> '' THEN outcome "
    "WHEN failed_tasks > 0 THEN 'FAILED' ELSE 'SUCCEEDED' END"
)
HAS_APP: Final = "app_name <> ''"
HAS_KEY: Final = "idempotency_key <> ''"


def _index(name: str, *columns: Column[Any] | TextClause, where: str | None = None) -> None:
    condition = None if where is None else text(where)
    Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


_FIRE = fire.c
_ORDER = (_FIRE.recorded_ms, _FIRE.fire_id)
# `store/history/runs.py` reads these. A run is in the three of ended ones from its end on, so that each is written once.
# All that filters ask of live ones is in their index: a hundred thousand may wait, and few of them match.
_NAMES = (_FIRE.job_name, _FIRE.app_name, _FIRE.source, _FIRE.run_source)
_index("fire_live", _FIRE.state, *_ORDER, *_NAMES, where=LIVE_FIRE)
_ENDED_BY = (text(f"({RUN_SOURCE})"), text(f"({RUN_STATE})"), *_ORDER)
_index("fire_ended", *_ENDED_BY, where=ENDED_FIRE)
_index("fire_ended_job_name", _FIRE.job_name, _FIRE.app_name, *_ENDED_BY, where=ENDED_FIRE)
_index("fire_ended_app_name", _FIRE.app_name, *_ENDED_BY, where=f"{ENDED_FIRE} AND {HAS_APP}")
_index("fire_idempotency_key", _FIRE.recorded_ms, where=HAS_KEY)
Index("fire_recorded_ms", fire.c.recorded_ms)

# What the settings of a job were for its fires below `before_fire_id`, written when they change or go.
past_configuration: Final = _keyed_by_text(
    "past_configuration",
    _text("job_name", primary_key=True),
    Column("before_fire_id", BigInteger, primary_key=True, autoincrement=False, nullable=False),
    _text("configuration"),
)

task: Final = _keyed_by_text(
    "task",
    _text("task_id", primary_key=True),
    Column("fire_id", BigInteger, nullable=False),
    _text("job_name"),
    _text("app_name"),
    _count("item"),
    _text("type"),
    _text("agent_id"),
    _text("state"),
    _time("staged_ms"),
    _amount("cpu_count"),
    _amount("memory_mb"),
    _count("attempt"),
    _text("original_task_id"),
    _text("kill_reason"),
    _truth("idle"),
    _time("running_ms"),
    _truth("is_script"),
)

failover: Final = _keyed_by_text(
    "failover",
    Column("fire_id", BigInteger, primary_key=True, autoincrement=False, nullable=False),
    _text("job_name"),
    Column("item", Integer, primary_key=True, autoincrement=False, nullable=False),
    _text("original_task_id"),
    _text("agent_id"),
    _count("attempt"),
    _time("due_ms"),
)

lease: Final = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    _text("scheduler_id"),
    _time("expires_ms"),
    Column("lost_ms", BigInteger, nullable=False, server_default=text("0")),
    # The database's identity, and its terms as JSON (`model/lineage.py`), the latest one's renewals apart.
    Column("database_id", Text, nullable=False, server_default=text("''")),
    Column("terms", Text, nullable=False, server_default=text("'[]'")),
    Column("renewals", BigInteger, nullable=False, server_default=text("0")),
    Column("load_mark", BigInteger, nullable=False, server_default=text("0")),
)

scheduler: Final = _keyed_by_text(
    "scheduler",
    _text("scheduler_id", primary_key=True),
    _text("address"),
    _time("forget_ms"),
    Column("cluster_id", Text, nullable=False, server_default=text("''")),
)

# What all schedulers must have in common and nobody else may know: the key that signs access tokens.
secret: Final = _keyed_by_text("secret", _text("name", primary_key=True), _text("value"))

# `next_fire_id` never goes back, whatever is pruned; the others count the rows of the trace tables, which no database
# counts quickly.
counter: Final = _keyed_by_text(
    "counter", _text("name", primary_key=True), Column("value", BigInteger, nullable=False)
)

job_execution_log: Final = Table(
    "job_execution_log",
    metadata,
    Column("id", _ID, primary_key=True, nullable=False),
    _text("job_name"),
    _text("task_id"),
    _text("hostname"),
    _text("ip"),
    _count("sharding_item"),
    _text("execution_source"),
    _text("failure_cause"),
    _truth("is_success"),
    _time("start_time"),
    _time("complete_time"),
    # Of daemon jobs alone, whose executions are listed as runs are.
    _later_text("app_name"),
    _later_text("summary"),
)

job_status_trace_log: Final = Table(
    "job_status_trace_log",
    metadata,
    Column("id", _ID, primary_key=True, nullable=False),
    _text("job_name"),
    _text("original_task_id"),
    _text("task_id"),
    _text("slave_id"),
    _text("source"),
    _text("execution_type"),
    _count("sharding_item"),
    _text("state"),
    _text("message"),
    _time("creation_time"),
    # Of a task's last line alone, which tells how an attempt at a shard of a run ended.
    _later_number("fire_id"),
    _later_number("attempt"),
    _later_number("staged_ms"),
    _later_number("running_ms"),
    _later_number("success"),
    _later_number("exit_code", NO_EXIT_CODE),
    _later_number("signal"),
    _later_text("summary"),
)


def upstream_columns(table: Table) -> list[Column[Any]]:
    """Give the columns that a trace table has in ElasticJob too. Ours came later, and so have defaults."""
    return [column for column in table.c if column.server_default is None]


# How many rows lie in each hour and in each minute, kept by the commit that writes them: the totals of pages, where deep
# pages begin, and the statistics come from here, so that nobody counts millions of rows. The columns between `start_ms`
# and `count` have the names of the traces' own.
SPANS_MS: Final = (3_600_000, 60_000)


def _counts(name: str, *keys: Column[Any]) -> Table:
    return _keyed_by_text(
        name,
        Column("span_ms", Integer, primary_key=True, autoincrement=False, nullable=False),
        Column("start_ms", BigInteger, primary_key=True, autoincrement=False, nullable=False),
        *keys,
        _total("count"),
    )


execution_count: Final = _counts(
    "execution_count",
    Column("is_success", SmallInteger, primary_key=True, autoincrement=False, nullable=False),
)
status_trace_count: Final = _counts(
    "status_trace_count",
    _text("source", primary_key=True),
    _text("execution_type", primary_key=True),
    _text("state", primary_key=True),
)
result_count: Final = _keyed_by_text(
    "result_count",
    Column("start_ms", BigInteger, primary_key=True, autoincrement=False, nullable=False),
    _text("kind", primary_key=True),
    _total("count"),
)


def _statistics(name: str, *counts: str) -> Table:
    table = Table(
        name,
        metadata,
        Column("id", _ID, primary_key=True, nullable=False),
        *(_total(count) for count in counts),
        _time("statistics_time"),
        _time("creation_time"),
    )
    # One row for each interval, however often it is written.
    Index(f"{name}_statistics_time", table.c.statistics_time, unique=True)
    return table


task_result_statistics_minute: Final = _statistics(
    "task_result_statistics_minute", "success_count", "failed_count"
)
task_result_statistics_hour: Final = _statistics(
    "task_result_statistics_hour", "success_count", "failed_count"
)
task_result_statistics_day: Final = _statistics("task_result_statistics_day", "success_count", "failed_count")
task_running_statistics: Final = _statistics("task_running_statistics", "running_count")
job_running_statistics: Final = _statistics("job_running_statistics", "running_count")
job_register_statistics: Final = _statistics("job_register_statistics", "registered_count")

# Each index costs a write for each row. So there is one for what many rows differ in, and for values that few rows
# have only those rows are in one; rows of the other values are found soon by walking back in time. Those of jobs
# also name the agent, as both may have millions of rows and few in common; the others' names would cost more than they
# save.
UNCOMMON_STATE: Final = "state <> 'TASK_STAGING' AND state <> 'TASK_RUNNING' AND state <> 'TASK_FINISHED'"
UNCOMMON_EXECUTION_TYPE: Final = "execution_type <> 'READY'"
FAILED_EXECUTION: Final = "is_success = 0"
ENDS_ATTEMPT: Final = "fire_id > 0"

_EXECUTION = job_execution_log.c
_index("job_execution_log_task_id", _EXECUTION.task_id)
_index("job_execution_log_start_time", _EXECUTION.start_time)
_index(
    "job_execution_log_job_name",
    _EXECUTION.job_name,
    _EXECUTION.start_time,
    _EXECUTION.ip,
)
_index("job_execution_log_ip", _EXECUTION.ip, _EXECUTION.start_time)
_index(
    "job_execution_log_failed",
    _EXECUTION.is_success,
    _EXECUTION.start_time,
    _EXECUTION.job_name,
    _EXECUTION.ip,
    where=FAILED_EXECUTION,
)
_DAEMON_ORDER = (_EXECUTION.is_success, _EXECUTION.start_time, _EXECUTION.id)
_index("daemon_execution", *_DAEMON_ORDER, where=HAS_APP)
_index("daemon_execution_job_name", _EXECUTION.job_name, _EXECUTION.app_name, *_DAEMON_ORDER, where=HAS_APP)
_index("daemon_execution_app_name", _EXECUTION.app_name, *_DAEMON_ORDER, where=HAS_APP)
_TRACE = job_status_trace_log.c
_index("job_status_trace_log_fire_id", _TRACE.fire_id, _TRACE.success, where=ENDS_ATTEMPT)
_index("job_status_trace_log_task_id_state", _TRACE.task_id, _TRACE.state)
_index("job_status_trace_log_creation_time", _TRACE.creation_time)
_index(
    "job_status_trace_log_job_name",
    _TRACE.job_name,
    _TRACE.creation_time,
    _TRACE.slave_id,
)
_index("job_status_trace_log_slave_id", _TRACE.slave_id, _TRACE.creation_time)
_index(
    "job_status_trace_log_state",
    _TRACE.state,
    _TRACE.creation_time,
    _TRACE.job_name,
    _TRACE.slave_id,
    _TRACE.source,
    _TRACE.execution_type,
    where=UNCOMMON_STATE,
)
_index(
    "job_status_trace_log_execution_type",
    _TRACE.execution_type,
    _TRACE.creation_time,
    _TRACE.state,
    _TRACE.job_name,
    _TRACE.slave_id,
    _TRACE.source,
    where=UNCOMMON_EXECUTION_TYPE,
)
