"""Failed runs and executions, counted by job and summary: at most so many of the latest, whatever the time."""

import itertools
from typing import Any, Final

from sqlalchemy import Connection, text

from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.failures import (
    GROUPS_SHOWN,
    FailureGroups,
    FailureQuery,
    Failures,
    grouped,
)
from elasticjob_cloud.model.queries.runs import RUN_SOURCES, RunQuery
from elasticjob_cloud.store import tables
from elasticjob_cloud.store.history.daemon_executions import EXECUTIONS, execution_part
from elasticjob_cloud.store.history.newest import RowsInOrder, bounds, name_conditions
from elasticjob_cloud.store.history.runs import FIRES, ended_part

ROWS_LOOKED_AT: Final = 5_000  # of runs, and as many executions


def failure_groups(connection: Connection, query: FailureQuery) -> FailureGroups:
    """Give the groups. All reads belong in one transaction.

    Raises:
        InvalidRequestError: the interval cannot be.
    """
    runs = [ended_part(source, RunState.FAILED) for source in RUN_SOURCES]
    executions = [execution_part(RunState.FAILED)]
    found = _failures(connection, FIRES, runs, tables.ENDED_FIRE, query, run_id="fire_id", ended="ended_ms")
    found += _failures(
        connection, EXECUTIONS, executions, tables.HAS_APP, query, run_id="0", ended="complete_time"
    )
    looked_at = sum(it.count for it in found)
    groups = grouped(found)
    # Whether there is one more of either kind is not asked for: a full count says that there may be.
    counts = [sum(it.count for it in found if bool(it.last_run_id) is is_run) for is_run in (True, False)]
    is_complete = max(counts) < ROWS_LOOKED_AT and len(groups) <= GROUPS_SHOWN
    return FailureGroups(groups[:GROUPS_SHOWN], looked_at, is_complete)


def _failures(
    connection: Connection,
    table: RowsInOrder,
    parts: list[str],
    condition: str,
    query: FailureQuery,
    *,
    run_id: str,
    ended: str,
) -> list[Failures]:
    place, values = bounds(RunQuery(start_ms=query.start_ms, end_ms=query.end_ms, limit=1), table)
    names, name_values = name_conditions(connection, table, condition, query.job_name, query.app_name)
    if not names:  # no row of the table is of this job
        return []
    values |= name_values
    order = f"ORDER BY {table.time} DESC, {table.key} DESC LIMIT {ROWS_LOOKED_AT}"
    # Each walk brings what is grouped along: joined to its table afterwards, PostgreSQL might read all of that.
    columns = f"{table.time}, {table.key}, summary, job_name, {ended} AS ended, {run_id} AS run_id"
    walks = " UNION ALL ".join(
        f"SELECT * FROM (SELECT {columns} FROM {table.table} WHERE {part}{name}{place} {order}) AS part{number}"  # noqa: S608 - our own words
        for number, (part, name) in enumerate(itertools.product(parts, names))
    )
    statement = text(
        "SELECT summary, job_name, count(*), max(ended), max(run_id) FROM "  # noqa: S608 - our own words
        f"(SELECT * FROM ({walks}) AS parts {order}) AS latest GROUP BY summary, job_name"
    )
    rows: list[Any] = list(connection.execute(statement, values))
    return [Failures(*row) for row in rows]
