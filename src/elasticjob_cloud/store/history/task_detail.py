"""One task in full: from the live tasks, the traces, and what its run ran under."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select, text

from elasticjob_cloud.model.fire import FireSource
from elasticjob_cloud.model.queries.runs import ShardAttempt
from elasticjob_cloud.model.queries.tasks import LATER_TASKS_SHOWN, TRACES_SHOWN, TaskDetail, TaskTrace
from elasticjob_cloud.model.records import FireRecord, TaskRecord
from elasticjob_cloud.model.task import TaskId, TaskState
from elasticjob_cloud.store import rows, tables
from elasticjob_cloud.store.history.attempts import attempts_of, configuration_of_run

# How far the latest lines of a daemon task are looked for among those of its job.
_LINES_LOOKED_AT: Final = 5_000
_TRACE: Final = tables.job_status_trace_log.c
_EXECUTION: Final = tables.job_execution_log.c


def task_detail(connection: Connection, task_id: str) -> TaskDetail | None:
    """Give a task, or None where nothing is recorded of it (any more). All reads belong in one transaction."""
    named = TaskId.parse(task_id)
    live_row = connection.execute(select(tables.task).where(tables.task.c.task_id == task_id)).first()
    live = None if live_row is None else rows.task_record(live_row)
    lines, has_all = _lines(connection, named, task_id)
    if live is None and not lines:
        return None
    ended = next((row for row in reversed(lines) if row.fire_id > 0), None)
    fire_id = live.fire_id if live is not None else 0 if ended is None else ended.fire_id
    fire = _fire(connection, fire_id)
    execution = connection.execute(
        select(_EXECUTION.hostname, _EXECUTION.ip, _EXECUTION.app_name)
        .where(_EXECUTION.task_id == task_id)
        .limit(1)
    ).first()
    attempt = _attempt(connection, live, ended, lines, task_id, named)
    original_id = live.original_task_id if live is not None else lines[-1].original_task_id
    is_daemon = (
        fire.source is FireSource.DAEMON
        if fire is not None
        else _is_daemon("" if execution is None else execution.app_name)
    )
    return TaskDetail(
        task_id=task_id,
        job_name=named.job_name,
        app_name=live.app_name if live is not None else "" if fire is None else fire.app_name,
        run_id=0 if is_daemon else fire_id,
        item=named.item,
        type=named.type.value,
        attempt=attempt.attempt,
        agent_id=named.agent_id,
        hostname="" if execution is None else execution.hostname,
        ip="" if execution is None else execution.ip,
        state=attempt.state,
        success=attempt.success,
        staged_ms=attempt.staged_ms,
        start_ms=attempt.start_ms,
        end_ms=attempt.end_ms,
        exit_code=attempt.exit_code,
        signal=attempt.signal,
        summary=attempt.summary,
        detail=attempt.detail,
        kill_reason="" if live is None else live.kill_reason,
        original_task_id=original_id,
        original_summary=_summary_of(connection, original_id),
        later_task_ids=_later_ids(connection, task_id, fire_id, named.item, attempt),
        is_daemon=is_daemon,
        is_idle=live is not None and live.idle,
        configuration=None if fire is None else configuration_of_run(connection, fire),
        traces=[TaskTrace(row.creation_time, TaskState(row.state), row.source, row.message) for row in lines],
        has_all_traces=has_all,
    )


def _lines(connection: Connection, named: TaskId, task_id: str) -> tuple[list[Row[Any]], bool]:
    """Give a task's lines, oldest first, and whether these are all."""
    of_task = select(tables.job_status_trace_log).where(_TRACE.task_id == task_id)
    found = list(connection.execute(of_task.limit(TRACES_SHOWN + 1)))
    if len(found) <= TRACES_SHOWN:
        return sorted(found, key=lambda row: row.id), True
    # A daemon task: two lines for each execution. All but those are few, and the latest are looked for from the end.
    rare = list(
        connection.execute(of_task.where(_TRACE.state != TaskState.RUNNING.value).limit(TRACES_SHOWN))
    )
    ended_ms = max((row.creation_time for row in rare if TaskState(row.state).is_terminal), default=None)
    of_job = select(_TRACE.id, _TRACE.task_id).where(_TRACE.job_name == named.job_name)
    if ended_ms is not None:
        of_job = of_job.where(_TRACE.creation_time <= ended_ms)
    latest = of_job.order_by(_TRACE.creation_time.desc()).limit(_LINES_LOOKED_AT).subquery()
    ids = select(latest.c.id).where(latest.c.task_id == task_id).limit(TRACES_SHOWN - len(rare))
    chosen = list(connection.execute(ids).scalars())
    recent = list(connection.execute(select(tables.job_status_trace_log).where(_TRACE.id.in_(chosen))))
    by_id = {row.id: row for row in (*rare, *recent)}
    return [by_id[key] for key in sorted(by_id)], False


def _fire(connection: Connection, fire_id: int) -> FireRecord | None:
    if not fire_id:
        return None
    row = connection.execute(select(tables.fire).where(tables.fire.c.fire_id == fire_id)).first()
    return None if row is None else rows.fire_record(row)


def _is_daemon(app_of_execution: str) -> bool | None:
    return True if app_of_execution else None  # only executions of daemon jobs name their app


def _attempt(
    connection: Connection,
    live: TaskRecord | None,
    ended: Row[Any] | None,
    lines: Sequence[Row[Any]],
    task_id: str,
    named: TaskId,
) -> ShardAttempt:
    """Give how far the task has come, and how it ended. Of tasks of earlier versions only the lines tell."""
    if live is not None:
        return _unfinished(task_id, named, live.state, live.attempt, live.staged_ms, live.running_ms)
    if ended is not None:
        return attempts_of(connection, [ended])[0]
    last = lines[-1]
    state = TaskState(last.state)
    starts = [row.creation_time for row in lines if row.state == TaskState.RUNNING.value]
    stagings = [row.creation_time for row in lines if row.state == TaskState.STAGING.value]
    known = _unfinished(task_id, named, state, 0, min(stagings, default=0), min(starts, default=0))
    if not state.is_terminal:
        return known
    detail = "" if state is TaskState.FINISHED else last.message
    return ShardAttempt(
        task_id=task_id,
        item=named.item,
        attempt=0,
        agent_id=named.agent_id,
        staged_ms=known.staged_ms,
        start_ms=known.start_ms,
        end_ms=last.creation_time,
        state=state,
        success=None,
        exit_code=None,
        signal=0,
        summary="",
        detail=detail,
    )


def _unfinished(
    task_id: str, named: TaskId, state: TaskState, attempt: int, staged_ms: int, start_ms: int
) -> ShardAttempt:
    return ShardAttempt(
        task_id=task_id,
        item=named.item,
        attempt=attempt,
        agent_id=named.agent_id,
        staged_ms=staged_ms,
        start_ms=start_ms,
        end_ms=0,
        state=state,
        success=None,
        exit_code=None,
        signal=0,
        summary="",
        detail="",
    )


def _summary_of(connection: Connection, task_id: str) -> str:
    if not task_id:
        return ""
    ended = select(_TRACE.summary).where(_TRACE.task_id == task_id, _TRACE.summary != "").limit(1)
    return connection.execute(ended).scalar() or ""


def _later_ids(
    connection: Connection, task_id: str, fire_id: int, item: int, attempt: ShardAttempt
) -> tuple[str, ...]:
    """Give the attempts at the same shard after this one, the next first."""
    if not fire_id:
        return ()
    task = tables.task.c
    ended = (
        select(_TRACE.staged_ms, _TRACE.attempt, _TRACE.task_id)
        .where(
            text(tables.ENDS_ATTEMPT),
            _TRACE.fire_id == fire_id,
            _TRACE.sharding_item == item,
            _TRACE.staged_ms >= attempt.staged_ms,
        )
        .order_by(_TRACE.staged_ms, _TRACE.attempt)
        .limit(LATER_TASKS_SHOWN + 1)
    )
    live = select(task.staged_ms, task.attempt, task.task_id).where(
        task.fire_id == fire_id, task.item == item, task.staged_ms >= attempt.staged_ms
    )
    found = sorted(tuple(row) for query in (ended, live) for row in connection.execute(query))
    own = (attempt.staged_ms, attempt.attempt)
    later = [row[2] for row in found if row[2] != task_id and (row[0], row[1]) >= own]
    return tuple(later[:LATER_TASKS_SHOWN])
