"""Executions of daemon jobs, each of which counts like a run of one shard."""

import itertools
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, RowMapping, select

from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.queries.runs import RECENT_RESULTS, DaemonExecution, DaemonExecutionPage, RunQuery
from elasticjob_cloud.store import tables
from elasticjob_cloud.store.history.newest import RowsInOrder, bounds, name_conditions, newest, split_page

EXECUTIONS: Final = RowsInOrder("job_execution_log", "start_time", "id")
_EXECUTION: Final = tables.job_execution_log.c
_SUCCESSES: Final[Mapping[RunState, int]] = {RunState.SUCCEEDED: 1, RunState.FAILED: 0}


def daemon_execution_page(connection: Connection, query: RunQuery) -> DaemonExecutionPage:
    """Give a page of executions. All reads belong in one transaction.

    Raises:
        InvalidRequestError: the limit, the interval or the cursor cannot be.
    """
    place, values = bounds(query, EXECUTIONS)
    if query.source not in {None, FireSource.DAEMON}:
        return DaemonExecutionPage([], None)
    names, name_values = name_conditions(
        connection, EXECUTIONS, tables.HAS_APP, query.job_name, query.app_name
    )
    states = _SUCCESSES if query.state is None else [it for it in _SUCCESSES if it is query.state]
    parts = [f"{execution_part(state)}{name}{place}" for state, name in itertools.product(states, names)]
    found = newest(connection, EXECUTIONS, parts, values | name_values, query.limit + 1)
    ids, following = split_page(found, query.limit)
    return DaemonExecutionPage(_executions_of(connection, ids), following)


def daemon_results(connection: Connection, job_name: str) -> tuple[RunState, ...]:
    """Give how the last executions of a daemon job ended, newest first."""
    names, values = name_conditions(connection, EXECUTIONS, tables.HAS_APP, job_name, "")
    kinds = list(itertools.product(_SUCCESSES, names))
    parts = [f"{execution_part(state)}{name}" for state, name in kinds]
    found = newest(connection, EXECUTIONS, parts, values, RECENT_RESULTS)
    return tuple(kinds[row.part][0] for row in found)


def execution_part(state: RunState) -> str:
    """Give the condition that an execution of a daemon job ended so, literally as in the indexes."""
    return f"{tables.HAS_APP} AND is_success = {_SUCCESSES[state]}"


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
