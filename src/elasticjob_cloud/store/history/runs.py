"""Runs as people see them: pages of fires, newest first."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, TextClause, func, literal_column, select, text

from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.queries.runs import (
    ENDED_STATES,
    RUN_SOURCES,
    Run,
    RunPage,
    RunQuery,
    ShardCounts,
)
from elasticjob_cloud.model.records import FireRecord
from elasticjob_cloud.store import rows, tables
from elasticjob_cloud.store.history.newest import (
    RowsInOrder,
    bounds,
    name_conditions,
    newest,
    split_page,
)
from elasticjob_cloud.store.history.shard_states import shard_letters_of
from elasticjob_cloud.store.rows import storable_text

Item = TypeVar("Item")

FIRES: Final = RowsInOrder("fire", "recorded_ms", "fire_id")
_LIVE_STATES: Final = (RunState.WAITING, RunState.RUNNING)
_NAMES_AT_ONCE: Final = 500
# Runs in a list do not show their settings, which take more than all else.
_LISTED: Final = [
    literal_column("''").label(column.name) if column.name == "configuration" else column
    for column in tables.fire.c
]


def run_page(connection: Connection, query: RunQuery) -> RunPage:
    """Give a page of runs. All reads belong in one transaction.

    Raises:
        InvalidRequestError: the limit, the interval or the cursor cannot be.
    """
    place, values = bounds(query, FIRES)
    names, name_values = name_conditions(connection, FIRES, tables.ENDED_FIRE, query.job_name, query.app_name)
    sources = [query.source] if query.source else RUN_SOURCES
    parts = [
        f"{part}{name}{place}" for part, name in itertools.product(_ended_parts(sources, query.state), names)
    ]
    live = [it for it in _LIVE_STATES if query.state in {None, it}]
    parts += [f"{_live_part(query, state)}{place}" for state in live]
    values |= name_values | {
        "live_job": storable_text(query.job_name),
        "live_app": storable_text(query.app_name),
    }
    ids, following = split_page(newest(connection, FIRES, parts, values, query.limit + 1), query.limit)
    return RunPage(runs_of(connection, ids, with_shards=query.with_shards), following)


def runs_of(connection: Connection, fire_ids: Sequence[int], *, with_shards: bool = False) -> list[Run]:
    """Give the runs with these ids, newest first; those that are gone are left out. `with_shards`: and their shards' states."""
    found: list[FireRecord] = []
    for ids in chunks(fire_ids):
        listed = select(*_LISTED).where(tables.fire.c.fire_id.in_(ids))
        found += [rows.fire_record(row) for row in connection.execute(listed)]
    found.sort(key=lambda it: (it.recorded_ms, it.fire_id), reverse=True)
    counts = _live_counts(connection, [it for it in found if it.run_state is RunState.RUNNING])
    letters = shard_letters_of(connection, found) if with_shards else {}
    return [
        _run_of(fire, counts.get(fire.fire_id) or _settled_counts(fire), letters.get(fire.fire_id))
        for fire in found
    ]


def _ended_parts(sources: Iterable[FireSource], state: RunState | None) -> Iterator[str]:
    states = ENDED_STATES if state is None else [it for it in ENDED_STATES if it is state]
    for source in sources:
        for each in states:
            yield ended_part(source, each)


def ended_part(source: FireSource, state: RunState) -> str:
    """Give the condition that a run came from there and ended so, literally as in the indexes: only so are they used."""
    return (
        f"{tables.ENDED_FIRE} AND ({tables.RUN_SOURCE}) = '{source.value}' "
        f"AND ({tables.RUN_STATE}) = '{state.value}'"
    )


def _live_part(query: RunQuery, state: RunState) -> str:
    source = f"= '{query.source.value}'" if query.source else f"<> '{FireSource.DAEMON.value}'"
    job = " AND job_name = :live_job" if query.job_name else ""
    app = " AND app_name = :live_app" if query.app_name else ""
    return f"{tables.LIVE_FIRE} AND state = '{state.value}' AND ({tables.RUN_SOURCE}) {source}{job}{app}"


def _live_counts(connection: Connection, fires: Sequence[FireRecord]) -> dict[int, ShardCounts]:
    """Count the shards of runs that go on by their tasks and attempts: their own rows are not written for each shard."""
    counts = {}
    for chunk in chunks(fires):
        ids = [fire.fire_id for fire in chunk]
        task, failover, trace = tables.task.c, tables.failover.c, tables.job_status_trace_log.c
        running = _counted(connection, task.fire_id, task.fire_id.in_(ids))
        waiting = _counted(connection, failover.fire_id, failover.fire_id.in_(ids))
        ends = text(tables.ENDS_ATTEMPT)
        succeeded = _counted(connection, trace.fire_id, ends, trace.fire_id.in_(ids), trace.success == 1)
        for fire in chunk:
            key = fire.fire_id
            counts[key] = ShardCounts(
                fire.shard_total,
                waiting.get(key, 0),
                running.get(key, 0),
                succeeded.get(key, 0),
                fire.failed_tasks,
            )
    return counts


def _counted(
    connection: Connection, column: Column[Any], *conditions: ColumnElement[bool] | TextClause
) -> dict[int, int]:
    counted = select(column, func.count()).where(*conditions).group_by(column)
    return {row[0]: row[1] for row in connection.execute(counted)}


def _settled_counts(fire: FireRecord) -> ShardCounts:
    waiting = fire.shard_total if fire.run_state is RunState.WAITING else 0
    return ShardCounts(fire.shard_total, waiting, 0, fire.succeeded_shards, fire.failed_tasks)


def _run_of(fire: FireRecord, shards: ShardCounts, shard_states: str | None) -> Run:
    return Run(
        run_id=fire.fire_id,
        job_name=fire.job_name,
        app_name=fire.app_name,
        source=fire.source,
        due_ms=fire.due_ms,
        recorded_ms=fire.recorded_ms,
        start_ms=fire.started_ms,
        end_ms=fire.ended_ms,
        state=fire.run_state,
        reason=fire.reason,
        shards=shards,
        summary=fire.summary,
        triggered_by=fire.triggered_by,
        rerun_of=fire.rerun_of,
        count=fire.count,
        last_due_ms=fire.last_due_ms,
        shard_states=shard_states,
    )


def chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Part what one statement cannot have as parameters."""
    for start in range(0, len(items), _NAMES_AT_ONCE):
        yield items[start : start + _NAMES_AT_ONCE]
