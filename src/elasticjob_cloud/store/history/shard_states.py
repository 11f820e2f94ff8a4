"""The states of the shards of many runs, for a grid of runs and shards."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select, text

from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.shards import SHARDS_AT_MOST, shard_letters, shard_state
from elasticjob_cloud.model.records import FireRecord
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.store import tables

_LIVE_STATES: Final = (RunState.WAITING, RunState.RUNNING)
_Last = tuple[TaskState, bool | None]
_LastOfItems = dict[int, tuple[tuple[int, int], _Last]]  # with its place among the attempts at the item


def shard_letters_of(connection: Connection, fires: Sequence[FireRecord]) -> dict[int, str]:
    """Give the states of runs' shards as `shard_letters` writes them, by run; none of runs of which they are not known.

    Only runs of which some shards have another state than others are looked up in the traces.
    """
    known = [fire for fire in fires if fire.shard_total > 0 and _highest_item(fire) < SHARDS_AT_MOST]
    mixed = [fire.fire_id for fire in known if not _is_uniform(fire)]
    running = [fire.fire_id for fire in known if fire.run_state is RunState.RUNNING]
    lasts = _last_attempts(connection, mixed)
    _add_live_attempts(connection, running, lasts)
    waiting = _waiting_items(connection, running)
    letters = {}
    for fire in known:
        own = lasts.get(fire.fire_id, {})
        if fire.fire_id in lasts or _is_uniform(fire) or fire.run_state in _LIVE_STATES:
            letters[fire.fire_id] = _letters(fire, own, waiting.get(fire.fire_id, frozenset()))
    return letters


def _letters(fire: FireRecord, lasts: _LastOfItems, waiting: frozenset[int]) -> str:
    state = fire.run_state
    return shard_letters(
        (item, shard_state(state, lasts[item][1] if item in lasts else None, is_waiting=item in waiting))
        for item in fire.items or range(fire.shard_total)
    )


def _is_uniform(fire: FireRecord) -> bool:
    """Tell whether a run's own row says all."""
    state = fire.run_state
    if state is RunState.SUCCEEDED:
        return fire.succeeded_shards == fire.shard_total
    return state in {RunState.WAITING, RunState.DROPPED}


def _highest_item(fire: FireRecord) -> int:
    return max(fire.items, default=fire.shard_total - 1)


def _last_attempts(connection: Connection, fire_ids: Sequence[int]) -> dict[int, _LastOfItems]:
    trace = tables.job_status_trace_log.c
    lasts: dict[int, _LastOfItems] = {}
    for fire_id in fire_ids:  # one statement for each: few, and each a walk in the index
        ended = select(trace.sharding_item, trace.staged_ms, trace.attempt, trace.state, trace.success).where(
            text(tables.ENDS_ATTEMPT), trace.fire_id == fire_id
        )
        for item, staged_ms, attempt, state, success in connection.execute(ended):
            _put(lasts, fire_id, item, (staged_ms, attempt), (TaskState(state), bool(success)))
    return lasts


def _add_live_attempts(
    connection: Connection, fire_ids: Sequence[int], lasts: dict[int, _LastOfItems]
) -> None:
    if not fire_ids:
        return
    task = tables.task.c
    live = select(task.fire_id, task.item, task.staged_ms, task.attempt, task.state).where(
        task.fire_id.in_(fire_ids)
    )
    for fire_id, item, staged_ms, attempt, state in connection.execute(live):
        _put(lasts, fire_id, item, (staged_ms, attempt), (TaskState(state), None))


def _put(
    lasts: dict[int, _LastOfItems], fire_id: int, item: int, place: tuple[int, int], last: _Last
) -> None:
    of_run = lasts.setdefault(fire_id, {})
    if item not in of_run or of_run[item][0] <= place:
        of_run[item] = (place, last)


def _waiting_items(connection: Connection, fire_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    if not fire_ids:
        return {}
    failover = tables.failover.c
    waiting: dict[int, set[int]] = {}
    for fire_id, item in connection.execute(
        select(failover.fire_id, failover.item).where(failover.fire_id.in_(fire_ids))
    ):
        waiting.setdefault(fire_id, set()).add(item)
    return {fire_id: frozenset(items) for fire_id, items in waiting.items()}
