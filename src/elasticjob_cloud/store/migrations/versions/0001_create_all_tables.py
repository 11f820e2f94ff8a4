"""Create all tables.

Revision 0001. A newer scheduler may add to these tables; nothing earlier exists to run beside this one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LIVE_FIRE = sa.text("state IN ('WAITING', 'RUNNING')")


def upgrade() -> None:
    op.create_table(
        "app",
        sa.Column("app_name", sa.Text(), nullable=False),
        sa.Column("configuration", sa.Text(), nullable=False),
        sa.Column("disabled", sa.SmallInteger(), nullable=False),
        sa.Column("removing", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app_name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "failover",
        sa.Column("fire_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("item", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("original_task_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fire_id", "item"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fire",
        sa.Column("fire_id", _ID, autoincrement=False, nullable=False),
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_due_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=False),
        sa.Column("failed_tasks", sa.Integer(), nullable=False),
        sa.Column("configuration", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fire_id"),
    )
    op.create_index(
        "fire_live", "fire", ["fire_id"], unique=False, sqlite_where=_LIVE_FIRE, postgresql_where=_LIVE_FIRE
    )
    op.create_index("fire_recorded_ms", "fire", ["recorded_ms"], unique=False)
    op.create_table(
        "job",
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("configuration", sa.Text(), nullable=False),
        sa.Column("disabled", sa.SmallInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job_name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_execution_log",
        sa.Column("id", _ID, nullable=False),
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("hostname", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("sharding_item", sa.Integer(), nullable=False),
        sa.Column("execution_source", sa.Text(), nullable=False),
        sa.Column("failure_cause", sa.Text(), nullable=False),
        sa.Column("is_success", sa.SmallInteger(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("complete_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "job_execution_log_is_success", "job_execution_log", ["is_success", "start_time"], unique=False
    )
    op.create_index(
        "job_execution_log_job_name", "job_execution_log", ["job_name", "start_time"], unique=False
    )
    op.create_index("job_execution_log_start_time", "job_execution_log", ["start_time"], unique=False)
    op.create_index("job_execution_log_task_id", "job_execution_log", ["task_id"], unique=False)
    op.create_table(
        "job_status_trace_log",
        sa.Column("id", _ID, nullable=False),
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("original_task_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("slave_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("execution_type", sa.Text(), nullable=False),
        sa.Column("sharding_item", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "job_status_trace_log_creation_time", "job_status_trace_log", ["creation_time"], unique=False
    )
    op.create_index(
        "job_status_trace_log_job_name", "job_status_trace_log", ["job_name", "creation_time"], unique=False
    )
    op.create_index(
        "job_status_trace_log_state", "job_status_trace_log", ["state", "creation_time"], unique=False
    )
    op.create_index(
        "job_status_trace_log_task_id_state", "job_status_trace_log", ["task_id", "state"], unique=False
    )
    op.create_table(
        "lease",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("scheduler_id", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "schedule",
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("evaluated_to_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job_name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "scheduler",
        sa.Column("scheduler_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("forget_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scheduler_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "task",
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("fire_id", sa.BigInteger(), nullable=False),
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("app_name", sa.Text(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("staged_ms", sa.BigInteger(), nullable=False),
        sa.Column("cpu_count", sa.Double(), nullable=False),
        sa.Column("memory_mb", sa.Double(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("original_task_id", sa.Text(), nullable=False),
        sa.Column("kill_reason", sa.Text(), nullable=False),
        sa.Column("idle", sa.SmallInteger(), nullable=False),
        sa.Column("running_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_script", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("task_id"),
        sqlite_with_rowid=False,
    )
    # The rows that are updated ever after, and never inserted again.
    op.execute("INSERT INTO lease (id, epoch, scheduler_id, expires_ms) VALUES (1, 0, '', 0)")
    op.execute(
        "INSERT INTO counter (name, value) VALUES "
        "('next_fire_id', 1), ('job_execution_log', 0), ('job_status_trace_log', 0)"
    )
