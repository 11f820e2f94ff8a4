"""Keep statistics, and count the history by hour and minute.

Revision 0002. A scheduler of 0001 would not count the traces that it writes. It never runs beside this one: 0001 knows
SQLite alone, and a scheduler locks its SQLite file for itself before it looks at the schema.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STATISTICS = {
    "task_result_statistics_minute": ("success_count", "failed_count"),
    "task_result_statistics_hour": ("success_count", "failed_count"),
    "task_result_statistics_day": ("success_count", "failed_count"),
    "task_running_statistics": ("running_count",),
    "job_running_statistics": ("running_count",),
    "job_register_statistics": ("registered_count",),
}


def upgrade() -> None:
    for name, counts in _STATISTICS.items():
        _create_statistics(name, counts)
    _create_counts()
    _change_indexes()


def _create_statistics(name: str, counts: tuple[str, ...]) -> None:
    op.create_table(
        name,
        sa.Column("id", _ID, nullable=False),
        *(sa.Column(count, sa.BigInteger(), nullable=False) for count in counts),
        sa.Column("statistics_time", sa.BigInteger(), nullable=False),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(f"{name}_statistics_time", name, ["statistics_time"], unique=True)


def _create_counts() -> None:
    op.create_table(
        "execution_count",
        sa.Column("span_ms", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("is_success", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("span_ms", "start_ms", "is_success"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "status_trace_count",
        sa.Column("span_ms", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("execution_type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("span_ms", "start_ms", "source", "execution_type", "state"),
        sqlite_with_rowid=False,
    )
    for span_ms in (3_600_000, 60_000):
        _count("execution_count", "job_execution_log", "start_time", ["is_success"], span_ms)
        keys = ["source", "execution_type", "state"]
        _count("status_trace_count", "job_status_trace_log", "creation_time", keys, span_ms)


def _count(counts: str, log: str, time_name: str, key_names: list[str], span_ms: int) -> None:
    """Count the rows that are there already."""
    time = sa.column(time_name, sa.BigInteger())
    # In the text: PostgreSQL takes two parameters of one value for two expressions, and wants one to group by.
    span = sa.literal_column(str(span_ms), sa.Integer())
    start = (time - time % span).label("start_ms")
    keys: list[sa.ColumnClause[Any]] = [sa.column(name) for name in key_names]
    counted = sa.select(span, start, *keys, sa.func.count()).select_from(sa.table(log)).group_by(start, *keys)
    names = ["span_ms", "start_ms", *key_names, "count"]
    op.execute(sa.table(counts, *map(sa.column, names)).insert().from_select(names, counted))


def _change_indexes() -> None:
    op.drop_index("job_execution_log_is_success", "job_execution_log")
    op.drop_index("job_status_trace_log_state", "job_status_trace_log")
    op.drop_index("job_execution_log_job_name", "job_execution_log")
    op.drop_index("job_status_trace_log_job_name", "job_status_trace_log")
    _create_index("job_execution_log_job_name", "job_execution_log", ["job_name", "start_time", "ip"])
    _create_index("job_execution_log_ip", "job_execution_log", ["ip", "start_time"])
    _create_index(
        "job_execution_log_failed",
        "job_execution_log",
        ["is_success", "start_time", "job_name", "ip"],
        "is_success = 0",
    )
    _create_index(
        "job_status_trace_log_job_name",
        "job_status_trace_log",
        ["job_name", "creation_time", "slave_id"],
    )
    _create_index(
        "job_status_trace_log_slave_id",
        "job_status_trace_log",
        ["slave_id", "creation_time"],
    )
    _create_index(
        "job_status_trace_log_state",
        "job_status_trace_log",
        ["state", "creation_time", "job_name", "slave_id", "source", "execution_type"],
        "state <> 'TASK_STAGING' AND state <> 'TASK_RUNNING' AND state <> 'TASK_FINISHED'",
    )
    _create_index(
        "job_status_trace_log_execution_type",
        "job_status_trace_log",
        ["execution_type", "creation_time", "state", "job_name", "slave_id", "source"],
        "execution_type <> 'READY'",
    )


def _create_index(name: str, table: str, columns: list[str], where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
