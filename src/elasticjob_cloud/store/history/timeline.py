"""Runs that ran at some moment of a time.

The indexes have runs by the time when they were recorded, not by when they ended. So those that were recorded in the time
are found at once, those that run now as well, and those that were recorded before and ended in it are looked for among
the latest that were recorded before. A job's runs come one after another: of one job, its last few are enough.
"""

import itertools
from typing import Any, Final

from sqlalchemy import Connection, text

from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.runs import RUN_SOURCES, RunQuery
from elasticjob_cloud.model.queries.timeline import PastRuns, TimelineQuery, TimelineRun
from elasticjob_cloud.store import tables
from elasticjob_cloud.store.history.newest import bounds, name_conditions, newest
from elasticjob_cloud.store.history.runs import FIRES, chunks, ended_part
from elasticjob_cloud.store.rows import storable_text

ROWS_LOOKED_BACK: Final = 20_000
_LOOKS_BACK_MS: Final = 86_400_000
_RUNS_OF_JOB: Final = 100
_STARTED_STATES: Final = (RunState.SUCCEEDED, RunState.FAILED, RunState.KILLED)


def past_runs(connection: Connection, query: TimelineQuery) -> PastRuns:
    """Give the runs, newest first. All reads belong in one transaction.

    Raises:
        InvalidRequestError: the limit or the interval cannot be.
    """
    place, values = bounds(RunQuery(start_ms=query.start_ms, end_ms=query.end_ms, limit=1), FIRES)
    names, name_values = name_conditions(connection, FIRES, tables.ENDED_FIRE, query.job_name, query.app_name)
    values |= name_values
    kinds = itertools.product(RUN_SOURCES, _STARTED_STATES, names)
    within = [f"{ended_part(source, state)}{name}{place}" for source, state, name in kinds]
    found = newest(connection, FIRES, within, values, query.limit + 1)
    ids = {row.place[1] for row in found}
    running = _running(connection, query)
    earlier, is_complete = _earlier(connection, query)
    runs = [
        run
        for run in _runs_of(connection, [*ids, *running, *earlier])
        if 0 < run.start_ms <= query.end_ms and (not run.end_ms or run.end_ms >= query.start_ms)
    ]
    runs.sort(key=lambda it: (it.start_ms, it.run_id), reverse=True)
    is_cut = len(found) > query.limit or len(running) > query.limit or len(runs) > query.limit
    return PastRuns(runs[: query.limit], is_complete and not is_cut)


def _running(connection: Connection, query: TimelineQuery) -> list[int]:
    condition = f"{tables.LIVE_FIRE} AND state = 'RUNNING' AND source <> 'DAEMON' AND recorded_ms <= :end_ms"
    condition += _names(query)
    values: dict[str, Any] = {**_name_values(query), "end_ms": query.end_ms}
    return [row.place[1] for row in newest(connection, FIRES, [condition], values, query.limit + 1)]


def _earlier(connection: Connection, query: TimelineQuery) -> tuple[list[int], bool]:
    """Give those that were recorded before the time and ended in it or after, and whether these are all of them."""
    if query.job_name:
        return _earlier_of_job(connection, query)
    values = {
        **_name_values(query),
        "start_ms": query.start_ms,
        "since_ms": query.start_ms - _LOOKS_BACK_MS,
    }
    before = "FROM fire WHERE recorded_ms < :start_ms AND recorded_ms >= :since_ms ORDER BY recorded_ms DESC"
    ended = text(
        f"SELECT fire_id FROM (SELECT fire_id, job_name, app_name, source, state, started_ms, ended_ms {before} "  # noqa: S608 - our own words
        f"LIMIT {ROWS_LOOKED_BACK}) AS latest WHERE ended_ms >= :start_ms AND started_ms > 0 AND {_ENDED}{_names(query)} "
        f"ORDER BY ended_ms LIMIT {query.limit + 1:d}"
    )
    ids = [row[0] for row in connection.execute(ended, values)]
    one_more = text(f"SELECT recorded_ms {before} LIMIT 1 OFFSET {ROWS_LOOKED_BACK}")
    is_whole = connection.execute(one_more, values).first() is None
    return ids, is_whole and len(ids) <= query.limit


_ENDED: Final = "state = 'COMPLETED' AND source <> 'DAEMON'"


def _earlier_of_job(connection: Connection, query: TimelineQuery) -> tuple[list[int], bool]:
    names, values = name_conditions(connection, FIRES, tables.ENDED_FIRE, query.job_name, query.app_name)
    kinds = itertools.product(RUN_SOURCES, _STARTED_STATES, names)
    parts = [
        f"{ended_part(source, state)}{name} AND recorded_ms < :start_ms" for source, state, name in kinds
    ]
    found = newest(connection, FIRES, parts, {**values, "start_ms": query.start_ms}, _RUNS_OF_JOB)
    # All before one that was over by then were over too.
    runs = _runs_of(connection, [row.place[1] for row in found])
    return [run.run_id for run in runs], len(found) < _RUNS_OF_JOB or any(
        run.end_ms < query.start_ms for run in runs
    )


def _names(query: TimelineQuery) -> str:
    job = " AND job_name = :job" if query.job_name else ""
    return job + (" AND app_name = :app" if query.app_name else "")


def _name_values(query: TimelineQuery) -> dict[str, Any]:
    named = (("job", query.job_name), ("app", query.app_name))
    return {name: storable_text(value) for name, value in named if value}


def _runs_of(connection: Connection, fire_ids: list[int]) -> list[TimelineRun]:
    runs = []
    for ids in chunks(list(dict.fromkeys(fire_ids))):
        listed = text(
            f"SELECT fire_id, job_name, app_name, started_ms, ended_ms, {tables.RUN_STATE} FROM fire "  # noqa: S608 - our own words
            f"WHERE fire_id IN ({', '.join(str(int(fire_id)) for fire_id in ids)})"
        )
        runs += [
            TimelineRun(run_id, job_name, app_name, start_ms, end_ms, RunState(state))
            for run_id, job_name, app_name, start_ms, end_ms, state in connection.execute(listed)
        ]
    return runs
