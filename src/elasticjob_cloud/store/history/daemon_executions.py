"""Executions of daemon jobs, each of which counts like a run of one shard."""

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection, RowMapping, select

from elasticjob_cloud.model.queries.runs import RECENT_RESULTS, DaemonExecution, DaemonExecutionPage, RunQuery
from elasticjob_cloud.model.records import FireSource, RunState
from elasticjob_cloud.store import tables
from elasticjob_cloud.store.history.newest import bounds, newest, split_page
from elasticjob_cloud.store.rows import storable_text

_ORDER: Final = ("start_time", "id")
_EXECUTION: Final = tables.job_execution_log.c
_SUCCESSES: Final[Mapping[RunState, int]] = {RunState.SUCCEEDED: 1, RunState.FAILED: 0}


def daemon_execution_page(connection: Connection, query: RunQuery) -> DaemonExecutionPage:
    """Give a page of executions. All reads belong in one transaction.

    Raises:
        InvalidRequestError: the limit, the interval or the cursor cannot be.
    """
    place, values = bounds(query, _ORDER)
    values |= {"job_name": storable_text(query.job_name), "app_name": storable_text(query.app_name)}
    if query.source not in {None, FireSource.DAEMON}:
        return DaemonExecutionPage([], None)
    states = _SUCCESSES if query.state is None else [it for it in _SUCCESSES if it is query.state]
    parts = [f"{part}{_names(query)}{place}" for part in _parts(states)]
    places = newest(connection, _EXECUTION.id.table.name, _ORDER, parts, values, query.limit + 1)
    ids, following = split_page(places, query.limit)
    return DaemonExecutionPage(_executions_of(connection, ids), following)


def daemon_results(connection: Connection, job_name: str) -> tuple[RunState, ...]:
    """Give how the last executions of a daemon job ended, newest first."""
    parts = [f"{part} AND job_name = :job_name" for part in _parts(_SUCCESSES)]
    values = {"job_name": storable_text(job_name)}
    places = newest(connection, _EXECUTION.id.table.name, _ORDER, parts, values, RECENT_RESULTS)
    ids = [key for _, key in places]
    return tuple(execution.state for execution in _executions_of(connection, ids))


def _parts(states: Iterable[RunState]) -> list[str]:
    return [f"{tables.HAS_APP} AND is_success = {_SUCCESSES[state]}" for state in states]


def _names(query: RunQuery) -> str:
    if query.job_name:
        # A job's executions are of one app, unless it was registered anew: no index is to be used for it.
        app = " AND app_name || '' = :app_name" if query.app_name else ""
        return f" AND job_name = :job_name{app}"
    return " AND app_name = :app_name" if query.app_name else ""


def _executions_of(connection: Connection, ids: list[int]) -> list[DaemonExecution]:
    order = (_EXECUTION.start_time.desc(), _EXECUTION.id.desc())
    found = connection.execute(
        select(tables.job_execution_log).where(_EXECUTION.id.in_(ids)).order_by(*order)
    )
    return [_execution_of(row) for row in found.mappings()]


def _execution_of(row: RowMapping) -> DaemonExecution:
    return DaemonExecution(
        execution_id=row["id"],
        job_name=row["job_name"],
        app_name=row["app_name"],
        task_id=row["task_id"],
        item=row["sharding_item"],
        hostname=row["hostname"],
        ip=row["ip"],
        start_ms=row["start_time"],
        end_ms=row["complete_time"],
        state=RunState.SUCCEEDED if row["is_success"] else RunState.FAILED,
        summary=row["summary"],
        detail=row["failure_cause"],
    )
