"""Keep runs: their results, who triggered them, how their shards' attempts ended, and what settings they ran under.

Revision 0007. A scheduler of 0006 writes rows without the new columns. Its runs are known by the number of failed tasks,
have no app and no attempts, and a rerun that it starts again after a change of leader runs all shards.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_LIVE = "state IN ('WAITING', 'RUNNING')"
_ENDED = "state IN ('COMPLETED', 'DROPPED')"
_HAS_APP = "app_name <> ''"
_RUN_SOURCE = "(CASE WHEN run_source <> '' THEN run_source ELSE source END)"
_RUN_STATE = (
    "(CASE WHEN state <> 'COMPLETED' THEN state WHEN outcome <> '' THEN outcome "
    "WHEN failed_tasks > 0 THEN 'FAILED' ELSE 'SUCCEEDED' END)"
)
_ENDED_BY = [_RUN_SOURCE, _RUN_STATE, "recorded_ms", "fire_id"]
_DAEMON_ORDER = ["is_success", "start_time", "id"]


def upgrade() -> None:
    _extend_fire()
    _extend_executions()
    _extend_status_traces()
    op.create_table(
        "past_configuration",
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("before_fire_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("configuration", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_name", "before_fire_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "result_count",
        sa.Column("start_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("start_ms", "kind"),
        sqlite_with_rowid=False,
    )


def _extend_fire() -> None:
    _add_texts("fire", "app_name", "outcome")
    _add_numbers("fire", "shard_total", "succeeded_shards", "killed_shards")
    _add_texts("fire", "summary", "triggered_by")
    _add_numbers("fire", "rerun_of")
    _add_texts("fire", "idempotency_key", "items", "run_source")
    op.drop_index("fire_live", "fire")
    live = ["state", "recorded_ms", "fire_id", "job_name", "app_name", "source", "run_source"]
    _create_index("fire_live", "fire", live, _LIVE)
    _create_index("fire_ended", "fire", _ENDED_BY, _ENDED)
    _create_index("fire_ended_job_name", "fire", ["job_name", "app_name", *_ENDED_BY], _ENDED)
    _create_index("fire_ended_app_name", "fire", ["app_name", *_ENDED_BY], f"{_ENDED} AND {_HAS_APP}")
    _create_index("fire_idempotency_key", "fire", ["recorded_ms"], "idempotency_key <> ''")


def _extend_executions() -> None:
    log = "job_execution_log"
    _add_texts(log, "app_name", "summary")
    _create_index("daemon_execution", log, _DAEMON_ORDER, _HAS_APP)
    _create_index("daemon_execution_job_name", log, ["job_name", "app_name", *_DAEMON_ORDER], _HAS_APP)
    _create_index("daemon_execution_app_name", log, ["app_name", *_DAEMON_ORDER], _HAS_APP)


def _extend_status_traces() -> None:
    log = "job_status_trace_log"
    _add_numbers(log, "fire_id", "attempt", "staged_ms", "running_ms", "success")
    _add_numbers(log, "exit_code", default=-1)
    _add_numbers(log, "signal")
    _add_texts(log, "summary")
    _create_index("job_status_trace_log_fire_id", log, ["fire_id", "success"], "fire_id > 0")


def _add_texts(table: str, *names: str) -> None:
    for name in names:
        op.add_column(table, sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''")))


def _add_numbers(table: str, *names: str, default: int = 0) -> None:
    for name in names:
        column = sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text(str(default)))
        op.add_column(table, column)


def _create_index(name: str, table: str, columns: list[str], where: str) -> None:
    terms: list[str | sa.TextClause] = [sa.text(it) if it.startswith("(") else it for it in columns]
    op.create_index(name, table, terms, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
