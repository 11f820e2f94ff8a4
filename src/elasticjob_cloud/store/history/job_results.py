"""How the last runs of jobs ended: of many jobs in one statement, which PostgreSQL plans once."""

import itertools
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, TextClause, bindparam, select, text

from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.queries.runs import (
    ENDED_STATES,
    RECENT_RESULTS,
    RUN_SOURCES,
    EndedRun,
    JobResults,
)
from elasticjob_cloud.store import tables
from elasticjob_cloud.store.history.newest import Place
from elasticjob_cloud.store.history.runs import chunks, ended_part, runs_of

_JOIN_TEXTS: Final = {"sqlite": "group_concat", "postgresql": "string_agg"}
# A job's runs are found by app. It has one, unless it was registered again in another: then its first and last by name.
_KINDS: Final = list(itertools.product(RUN_SOURCES, ENDED_STATES, ("first_app", "last_app")))


def job_results(connection: Connection, job_names: Sequence[str]) -> dict[str, JobResults]:
    """Give the last results of these jobs, those of which nothing is known included."""
    recent: dict[str, list[tuple[Place, RunState]]] = {}
    latest: dict[str, Place] = {}
    for names in chunks(job_names):
        statement = _recent_statement(_JOIN_TEXTS[connection.dialect.name])
        for name, packed in connection.execute(statement, {"names": names}):
            if packed:
                recent[name] = sorted(_unpacked(packed), reverse=True)
                latest[name] = recent[name][0][0]
    for name, place in _running(connection, job_names):
        latest[name] = max(place, latest.get(name, place))
    last_runs = {run.run_id: run for run in runs_of(connection, [key for _, key in latest.values()])}
    return {
        name: JobResults(
            last_runs.get(latest[name][1]) if name in latest else None,
            tuple(state for _, state in recent.get(name, ())),
        )
        for name in job_names
    }


def latest_ended(
    connection: Connection, before: Place | None, limit: int
) -> tuple[list[EndedRun], Place | None]:
    """Give the runs that ended among the latest fires, newest first, and where to go on; None where that was all.

    Args:
        connection: In a transaction that reads.
        before: Where an earlier call ended; None begins with the newest.
        limit: How many fires to look at.
    """
    place = " WHERE recorded_ms <= :ms AND (recorded_ms < :ms OR fire_id < :id)" if before else ""
    statement = text(
        f"SELECT recorded_ms, fire_id, job_name, {tables.RUN_STATE} AS run_state, ended_ms, source FROM fire{place} "  # noqa: S608 - our own words
        f"ORDER BY recorded_ms DESC, fire_id DESC LIMIT {limit:d}"
    )
    rows = connection.execute(statement, {"ms": before[0], "id": before[1]} if before else {}).all()
    ended = [
        EndedRun(recorded_ms, fire_id, job_name, _ENDED[state], ended_ms or recorded_ms)
        for recorded_ms, fire_id, job_name, state, ended_ms, source in rows
        if state in _ENDED and source != FireSource.DAEMON.value
    ]
    return ended, (rows[-1][0], rows[-1][1]) if len(rows) == limit else None


_ENDED: Final = {state.value: state for state in ENDED_STATES}


def _unpacked(packed: str) -> Iterator[tuple[Place, RunState]]:
    for row in packed.split(","):
        time_ms, fire_id, kind = (int(number) for number in row.split("."))
        yield (time_ms, fire_id), _KINDS[kind][1]


@lru_cache
def _recent_statement(join_texts: str) -> TextClause:
    """Give the statement for the newest ended runs of each job: as many walks as kinds, see `newest.py`."""
    backwards = f"ORDER BY recorded_ms DESC, fire_id DESC LIMIT {RECENT_RESULTS}"
    walks = " UNION ALL ".join(
        "SELECT * FROM (SELECT recorded_ms, fire_id, "  # noqa: S608 - our own words
        f"recorded_ms || '.' || fire_id || '.{number}' AS packed FROM fire "
        f"WHERE {ended_part(source, state)} AND job_name = named.job_name AND app_name = named.{app} {backwards}) AS part{number}"
        for number, (source, state, app) in enumerate(_KINDS)
    )

    def app(least_or_greatest: str) -> str:
        of_job = f"{tables.ENDED_FIRE} AND fire.job_name = job.job_name"
        return f"(SELECT {least_or_greatest}(app_name) FROM fire WHERE {of_job})"  # noqa: S608 - our own words

    apps = f"SELECT job_name, {app('min')} AS first_app, {app('max')} AS last_app FROM job WHERE job_name IN :names"  # noqa: S608 - our own words
    return text(
        f"WITH apps AS MATERIALIZED ({apps}), named AS MATERIALIZED (SELECT job_name, first_app, "  # noqa: S608 - our own words
        "CASE WHEN last_app > first_app THEN last_app END AS last_app FROM apps) "
        f"SELECT named.job_name, (SELECT {join_texts}(packed, ',') FROM "
        f"(SELECT packed FROM ({walks}) AS parts {backwards}) AS newest) FROM named"
    ).bindparams(bindparam("names", expanding=True))


def _running(connection: Connection, job_names: Sequence[str]) -> Iterator[tuple[str, Place]]:
    fire = tables.fire.c
    for names in chunks(job_names):
        running = select(fire.job_name, fire.recorded_ms, fire.fire_id).where(
            text(tables.LIVE_FIRE), fire.state == "RUNNING", fire.job_name.in_(names)
        )
        for name, time_ms, fire_id in connection.execute(running):
            yield name, (time_ms, fire_id)
