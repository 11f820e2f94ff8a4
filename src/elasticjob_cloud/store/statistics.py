"""The statistics tables: written once a minute by the leader, from the counts that each commit keeps.

A result is what job code came to (`model/results.py`): a task that finished although its code raised has failed, and each
execution of a daemon job counts. Minutes are counted from the status traces and from `result_count`, hours are the sums of minutes, and days of hours, so that days outlive the
traces. Intervals that ended lately are counted again, as the trace of a task may come late from an agent that was cut
off. A count never goes down: what has been counted stays, whatever was pruned meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, Table, delete, func, select

from elasticjob_cloud.model.queries.statistics import (
    JobRegisterStatistics,
    RunCounts,
    RunningStatistics,
    StatisticInterval,
    StatisticsSample,
    TaskResultStatistics,
)
from elasticjob_cloud.store import tables
from elasticjob_cloud.store.databases.conflicts import upsert
from elasticjob_cloud.store.databases.database import Database
from elasticjob_cloud.store.rows import DAEMON_FAILED, DAEMON_SUCCEEDED, RAISED, RUN_FAILED, RUN_SUCCEEDED

_MINUTE_MS: Final = StatisticInterval.MINUTE.milliseconds
_HOUR_MS: Final = StatisticInterval.HOUR.milliseconds
_DAY_MS: Final = StatisticInterval.DAY.milliseconds
_SUCCESSES: Final = ("TASK_FINISHED",)
_FAILURES: Final = ("TASK_FAILED", "TASK_ERROR", "TASK_LOST")

_RESULTS: Final = {
    StatisticInterval.MINUTE: tables.task_result_statistics_minute,
    StatisticInterval.HOUR: tables.task_result_statistics_hour,
    StatisticInterval.DAY: tables.task_result_statistics_day,
}
_FINER: Final = {
    StatisticInterval.HOUR: StatisticInterval.MINUTE,
    StatisticInterval.DAY: StatisticInterval.HOUR,
}
# How far back an interval is counted again, and how far back those are made up that nobody counted.
_AGAIN_MS: Final = {
    StatisticInterval.MINUTE: _HOUR_MS,
    StatisticInterval.HOUR: 2 * _HOUR_MS,
    StatisticInterval.DAY: _DAY_MS,
}
_MADE_UP_MS: Final = {
    StatisticInterval.MINUTE: 2 * _DAY_MS,
    StatisticInterval.HOUR: 2 * _DAY_MS,
    StatisticInterval.DAY: 30 * _DAY_MS,
}
_KEPT_MS: Final = {
    tables.task_result_statistics_minute: 3 * _DAY_MS,
    tables.task_result_statistics_hour: 40 * _DAY_MS,
    tables.task_result_statistics_day: 3660 * _DAY_MS,
    tables.task_running_statistics: 8 * _DAY_MS,
    tables.job_running_statistics: 8 * _DAY_MS,
    tables.job_register_statistics: 3660 * _DAY_MS,
}

Result = tuple[int, int]  # successes, failures

_BEYOND_STATES: Final[dict[str, Result]] = {
    RAISED: (-1, 1),
    DAEMON_SUCCEEDED: (1, 0),
    DAEMON_FAILED: (0, 1),
}


class StatisticsWriter:
    """Writes statistics within a transaction that its caller began. What is there already is replaced, or stays."""

    def __init__(self, database: Database) -> None:
        self._upserts = {table: upsert(database, table, table.c.statistics_time) for table in _KEPT_MS}

    def write_results(self, connection: Connection, now_ms: int) -> None:
        """Write the results of all intervals that have ended, from the shortest to the longest."""
        for interval, table in _RESULTS.items():
            span = _span(connection, interval, now_ms)
            counted: defaultdict[int, Result] = defaultdict(lambda: (0, 0))
            for start_ms, (successes, failures) in _counted(connection, interval, span):
                before = counted[start_ms]
                counted[start_ms] = (before[0] + successes, before[1] + failures)
            known = dict(_known(connection, table, span))
            rows = []
            for start_ms in span:
                old, new = known.get(start_ms, (-1, -1)), counted[start_ms]
                result = (max(old[0], new[0], 0), max(old[1], new[1], 0))
                if result != old:
                    rows.append(_row(("success_count", "failed_count"), result, start_ms, now_ms))
            if rows:
                connection.execute(self._upserts[table], rows)

    def write_sample(self, connection: Connection, now_ms: int, sample: StatisticsSample) -> None:
        """Write what runs in this minute, and what is registered on this day."""
        for table, name, count, interval in (
            (tables.task_running_statistics, "running_count", sample.running_task_count, _MINUTE_MS),
            (tables.job_running_statistics, "running_count", sample.running_job_count, _MINUTE_MS),
            (tables.job_register_statistics, "registered_count", sample.registered_job_count, _DAY_MS),
        ):
            row = _row((name,), (count,), now_ms - now_ms % interval, now_ms)
            connection.execute(self._upserts[table], row)

    def prune(self, connection: Connection, now_ms: int) -> None:
        """Delete what is older than its table's limit, and what was written while the clock was ahead."""
        for table, kept_ms in _KEPT_MS.items():
            time = table.c.statistics_time
            connection.execute(delete(table).where(time < now_ms - kept_ms))
            connection.execute(delete(table).where(time > now_ms))
        counted = tables.result_count.c.start_ms
        kept_ms = _KEPT_MS[tables.task_result_statistics_minute]
        connection.execute(
            delete(tables.result_count).where((counted < now_ms - kept_ms) | (counted > now_ms))
        )


def task_results(
    connection: Connection, interval: StatisticInterval, since_ms: int
) -> list[TaskResultStatistics]:
    table = _RESULTS[interval]
    return [
        TaskResultStatistics(successes, failures, interval, start_ms)
        for start_ms, (successes, failures) in _known(connection, table, range(since_ms, 2**62))
    ]


def run_counts(connection: Connection, since_ms: int) -> RunCounts:
    """Add up the minutes that began since then: at most a few thousand rows a day, however many runs there are."""
    counts = tables.result_count.c
    found = connection.execute(
        select(counts.kind, func.sum(counts["count"]))
        .where(counts.start_ms >= since_ms)
        .group_by(counts.kind)
    )
    of_kind = {kind: int(count) for kind, count in found}
    return RunCounts(
        sum(of_kind.get(kind, 0) for kind in (RUN_SUCCEEDED, DAEMON_SUCCEEDED)),
        sum(of_kind.get(kind, 0) for kind in (RUN_FAILED, DAEMON_FAILED)),
    )


def summed_task_results(connection: Connection, since_ms: int) -> TaskResultStatistics | None:
    """Add up whole days, then the hours after them, then the minutes after those: up to the last minute that ended."""
    successes = failures = 0
    first_ms: int | None = None
    reached_ms = since_ms
    for interval in (StatisticInterval.DAY, StatisticInterval.HOUR, StatisticInterval.MINUTE):
        for result in task_results(connection, interval, reached_ms):
            successes += result.success_count
            failures += result.failed_count
            first_ms = result.statistics_ms if first_ms is None else first_ms
            reached_ms = result.statistics_ms + interval.milliseconds
    if first_ms is None:
        return None
    return TaskResultStatistics(successes, failures, StatisticInterval.DAY, first_ms)


def running_tasks(connection: Connection, since_ms: int) -> list[RunningStatistics]:
    return [RunningStatistics(*row) for row in _samples(connection, tables.task_running_statistics, since_ms)]


def running_jobs(connection: Connection, since_ms: int) -> list[RunningStatistics]:
    return [RunningStatistics(*row) for row in _samples(connection, tables.job_running_statistics, since_ms)]


def registered_jobs(connection: Connection, since_ms: int) -> list[JobRegisterStatistics]:
    return [
        JobRegisterStatistics(*row) for row in _samples(connection, tables.job_register_statistics, since_ms)
    ]


def _row(names: Sequence[str], counts: Sequence[int], start_ms: int, now_ms: int) -> dict[str, int]:
    return {**dict(zip(names, counts, strict=True)), "statistics_time": start_ms, "creation_time": now_ms}


def _samples(connection: Connection, table: Table, since_ms: int) -> list[tuple[int, int]]:
    count = table.c[1]
    time = table.c.statistics_time
    rows = connection.execute(select(count, time).where(time >= since_ms).order_by(time))
    return [(int(row[0]), int(row[1])) for row in rows]


def _bounds(connection: Connection, table: Table) -> tuple[int | None, int | None]:
    """Give the oldest and the newest interval that a table knows."""
    time = table.c.statistics_time
    oldest = connection.execute(select(func.min(time))).scalar()
    return oldest, connection.execute(select(func.max(time))).scalar()


def _span(connection: Connection, interval: StatisticInterval, now_ms: int) -> range:
    """Choose the intervals to count: those that nobody counted yet, and those that ended lately."""
    step = interval.milliseconds
    oldest_ms, newest_ms = _bounds(connection, _RESULTS[interval])
    begins = [begin for begin in (oldest_ms, _source_begin(connection, interval)) if begin is not None]
    if not begins:
        return range(0)
    start_ms = interval.start_ms(now_ms - _AGAIN_MS[interval])
    if newest_ms is None:
        start_ms = min(begins)
    elif newest_ms + step < start_ms:
        start_ms = newest_ms + step
    start_ms = max(start_ms, min(begins), now_ms - _MADE_UP_MS[interval])
    return range(interval.start_ms(start_ms), interval.start_ms(now_ms), step)


def _source_begin(connection: Connection, interval: StatisticInterval) -> int | None:
    """Give when that begins which an interval is counted from."""
    if interval is not StatisticInterval.MINUTE:
        return _bounds(connection, _RESULTS[_FINER[interval]])[0]
    counts = tables.status_trace_count.c
    begin = select(func.min(counts.start_ms)).where(counts.span_ms == _MINUTE_MS)
    return connection.execute(begin).scalar()


def _counted(
    connection: Connection, interval: StatisticInterval, span: range
) -> Iterator[tuple[int, Result]]:
    if interval is not StatisticInterval.MINUTE:
        for start_ms, (successes, failures) in _known(connection, _RESULTS[_FINER[interval]], span):
            yield interval.start_ms(start_ms), (successes, failures)
        return
    counts = tables.status_trace_count.c
    rows = connection.execute(
        select(counts.start_ms, counts.state, func.sum(counts.count))
        .where(
            counts.span_ms == _MINUTE_MS,
            counts.start_ms >= span.start,
            counts.start_ms < span.stop,
            counts.state.in_((*_SUCCESSES, *_FAILURES)),
        )
        .group_by(counts.start_ms, counts.state)
    )
    for start_ms, state, count in rows:
        yield start_ms, (int(count), 0) if state in _SUCCESSES else (0, int(count))
    yield from _results_beyond_states(connection, span)


def _results_beyond_states(connection: Connection, span: range) -> Iterator[tuple[int, Result]]:
    """Give what is to be added where a task finished that failed, and for each execution of a daemon job."""
    counts = tables.result_count.c
    found = select(counts.start_ms, counts.kind, counts["count"]).where(
        counts.start_ms >= span.start, counts.start_ms < span.stop, counts.kind.in_(_BEYOND_STATES)
    )
    for start_ms, kind, count in connection.execute(found):
        successes, failures = _BEYOND_STATES[kind]
        yield start_ms, (successes * int(count), failures * int(count))


def _known(connection: Connection, table: Table, span: range) -> Iterator[tuple[int, Result]]:
    time = table.c.statistics_time
    rows = connection.execute(
        select(time, table.c.success_count, table.c.failed_count)
        .where(time >= span.start, time < span.stop)
        .order_by(time)
    )
    for start_ms, successes, failures in rows:
        yield start_ms, (int(successes), int(failures))
