"""How many rows the traces have in each span of time, and the statistics of results and registrations."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table

from elasticjob_cloud.store.tables.columns import (
    ID,
    keyed_by_text,
    metadata,
    number_column,
    text_column,
    time_column,
)

# How many rows lie in each hour and in each minute, kept by the commit that writes them: the totals of pages, where deep
# pages begin, and the statistics come from here, so that nobody counts millions of rows. The columns between `start_ms`
# and `count` have the names of the traces' own.
SPANS_MS: Final = (3_600_000, 60_000)


def _counts(name: str, *keys: Column[Any]) -> Table:
    return keyed_by_text(
        name,
        Column("span_ms", Integer, primary_key=True, autoincrement=False, nullable=False),
        Column("start_ms", BigInteger, primary_key=True, autoincrement=False, nullable=False),
        *keys,
        number_column("count"),
    )


execution_count: Final = _counts(
    "execution_count",
    Column("is_success", SmallInteger, primary_key=True, autoincrement=False, nullable=False),
)
status_trace_count: Final = _counts(
    "status_trace_count",
    text_column("source", primary_key=True),
    text_column("execution_type", primary_key=True),
    text_column("state", primary_key=True),
)
result_count: Final = keyed_by_text(
    "result_count",
    Column("start_ms", BigInteger, primary_key=True, autoincrement=False, nullable=False),
    text_column("kind", primary_key=True),
    number_column("count"),
)


def _statistics(name: str, *counts: str) -> Table:
    table = Table(
        name,
        metadata,
        Column("id", ID, primary_key=True, nullable=False),
        *(number_column(count) for count in counts),
        time_column("statistics_time"),
        time_column("creation_time"),
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
