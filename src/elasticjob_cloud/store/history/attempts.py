"""One run in full: what it ran under, and the attempts at its shards."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select, text

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.queries.runs import RunDetail, ShardAttempt
from elasticjob_cloud.model.records import FireRecord
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.store import rows, tables
from elasticjob_cloud.store.history.runs import runs_of

# The texts of a run of thousands of shards that all failed would be a hundred megabytes.
DETAILS_SHOWN: Final = 100
_TRACE: Final = tables.job_status_trace_log.c


def run_detail(connection: Connection, run_id: int) -> RunDetail | None:
    """Give a run, or None when there is none (any more). All reads belong in one transaction."""
    row = connection.execute(select(tables.fire).where(tables.fire.c.fire_id == run_id)).first()
    if row is None:
        return None
    fire = rows.fire_record(row)
    attempts = _ended_attempts(connection, run_id)
    waiting: list[int] = []
    if fire.state is FireState.RUNNING:
        attempts += _live_attempts(connection, run_id)
        failover = tables.failover.c
        waiting = list(connection.execute(select(failover.item).where(failover.fire_id == run_id)).scalars())
    attempts.sort(key=lambda it: (it.item, it.staged_ms, it.attempt))
    (run,) = runs_of(connection, [run_id])
    return RunDetail(
        run, configuration_of_run(connection, fire), fire.items, attempts, tuple(sorted(waiting))
    )


def configuration_of_run(connection: Connection, fire: FireRecord) -> JobConfiguration | None:
    """Give what the run was started with: its own, else what its job had at the time, else what its job has."""
    if fire.configuration is not None:
        return fire.configuration
    past, job = tables.past_configuration.c, tables.job.c
    at_the_time = (
        select(past.configuration)
        .where(past.job_name == fire.job_name, past.before_fire_id > fire.fire_id)
        .order_by(past.before_fire_id)
        .limit(1)
    )
    today = select(job.configuration).where(job.job_name == fire.job_name)
    for query in (at_the_time, today):
        found = connection.execute(query).scalar()
        if found is not None:
            return rows.configuration_of(found)
    return None


def _ended_attempts(connection: Connection, run_id: int) -> list[ShardAttempt]:
    ended = (
        select(*(column for column in _TRACE if column.name != "message"))
        .where(text(tables.ENDS_ATTEMPT), _TRACE.fire_id == run_id)
        .order_by(_TRACE.sharding_item, _TRACE.id)
    )
    return attempts_of(connection, connection.execute(ended).all())


def attempts_of(connection: Connection, found: Sequence[Row[Any]]) -> list[ShardAttempt]:
    """Make attempts of the last lines of tasks; the first failures with their texts."""
    failed = [row for row in found if not row.success][:DETAILS_SHOWN]
    details = _details(connection, failed)
    return [_attempt_of(row, details.get(row.id, "")) for row in found]


def _attempt_of(row: Row[Any], detail: str) -> ShardAttempt:
    return ShardAttempt(
        task_id=row.task_id,
        item=row.sharding_item,
        attempt=row.attempt,
        agent_id=row.slave_id,
        staged_ms=row.staged_ms,
        start_ms=row.running_ms,
        end_ms=row.creation_time,
        state=TaskState(row.state),
        success=bool(row.success),
        exit_code=None if row.exit_code == tables.NO_EXIT_CODE else row.exit_code,
        signal=row.signal,
        summary=row.summary,
        detail=detail,
    )


def _details(connection: Connection, failed: Sequence[Row[Any]]) -> dict[int, str]:
    """Give the texts of failures by the trace's id: its own, or what the execution failed of, which is kept once."""
    if not failed:
        return {}
    ids = [row.id for row in failed]
    messages: dict[int, str] = {
        row[0]: row[1]
        for row in connection.execute(select(_TRACE.id, _TRACE.message).where(_TRACE.id.in_(ids)))
    }
    execution = tables.job_execution_log.c
    silent = [row.task_id for row in failed if not messages.get(row.id)]
    causes: dict[str, str] = {}
    if silent:  # an empty IN leads SQLite to the index of failures, which it walks in vain
        failures = (
            select(execution.task_id, execution.failure_cause)
            .where(execution.task_id.in_(silent), execution.is_success == 0)
            .order_by(execution.id)
        )
        causes = {row[0]: row[1] for row in connection.execute(failures)}
    return {row.id: messages.get(row.id) or causes.get(row.task_id, "") for row in failed}


def _live_attempts(connection: Connection, run_id: int) -> list[ShardAttempt]:
    live = select(tables.task).where(tables.task.c.fire_id == run_id)
    tasks = [rows.task_record(row) for row in connection.execute(live)]
    return [
        ShardAttempt(
            task_id=task.task_id,
            item=task.item,
            attempt=task.attempt,
            agent_id=task.agent_id,
            staged_ms=task.staged_ms,
            start_ms=task.running_ms,
            end_ms=0,
            state=task.state,
            success=None,
            exit_code=None,
            signal=0,
            summary="",
            detail="",
        )
        for task in tasks
    ]
