"""Measure pages of a long history, over every filter that the API offers, and what retention costs.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_history.py [--rows 1000000] [--days 30] [--rounds 20] [--keep FILE]
        [--postgresql]

Both trace tables are filled to that many rows, spread evenly over the days. Ten million take 3 to 5 minutes and 7 GB in
the directory for temporary files. `--keep` makes the database there, or measures one that is there already.
`--postgresql` measures the server that the tests start (`tests/postgres/server.py`) instead of SQLite.
"""

import argparse
import contextlib
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg

from benchmarks.bench_store import one_turn
from elasticjob_cloud.model.queries.history import HistoryPage, HistoryQuery
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.tables import SPANS_MS, metadata
from tests.postgres.server import PostgresServer

NOW_MS = 1_795_000_000_000
DAY_MS = 86_400_000
HISTORY_TABLES = ("job_execution_log", "job_status_trace_log")

_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {rows})",
    "postgresql": "WITH numbers AS (SELECT generate_series(0, {rows} - 1) AS n)",
}
_RANDOM = {"sqlite": "hex(randomblob(16))", "postgresql": "md5(random()::text)"}
# One job has a fifth of all rows, 999 share the rest; one agent of 21 is hardly ever used; one in 1,000 fails.
_SHAPED = """
    shaped AS (
        SELECT n, CASE WHEN n % 5 = 0 THEN 'busy-job' ELSE 'job-' || (n * 7919 % 999) END AS job,
            CASE WHEN n % 1000000 = 77 THEN 'agent-rare' ELSE 'agent-' || (n / 7 % 20) END AS agent,
            {start} + n * {span} / {rows} AS time, n % 1000 = 3 AS failed FROM (SELECT CAST(n AS BIGINT) AS n FROM numbers) AS n
    )
"""
_FILL_EXECUTIONS = """
    INSERT INTO job_execution_log (job_name, task_id, hostname, ip, sharding_item, execution_source, failure_cause,
        is_success, start_time, complete_time)
    SELECT job, job || '@-@0@-@READY@-@' || agent || '@-@' || {random}, agent, '10.0.' || substr(agent, 7),
        0, 'NORMAL_TRIGGER', CASE WHEN failed THEN 'ValueError: no such city' ELSE '' END,
        CASE WHEN failed THEN 0 ELSE 1 END, time, time + 5
    FROM shaped
"""
_FILL_TRACES = """
    INSERT INTO job_status_trace_log (job_name, original_task_id, task_id, slave_id, source, execution_type,
        sharding_item, state, message, creation_time)
    SELECT job, '', job || '@-@0@-@READY@-@' || agent || '@-@' || {random}, agent,
        CASE WHEN n % 3 = 0 THEN 'CLOUD_SCHEDULER' ELSE 'CLOUD_EXECUTOR' END,
        CASE WHEN n % 2000 = 5 THEN 'FAILOVER' ELSE 'READY' END, 0,
        CASE WHEN n % 3 = 0 THEN 'TASK_STAGING' WHEN n % 3 = 1 THEN 'TASK_RUNNING'
            WHEN failed THEN 'TASK_FAILED' ELSE 'TASK_FINISHED' END,
        '', time
    FROM shaped
"""
_COUNT_EXECUTIONS = """
    INSERT INTO execution_count (span_ms, start_ms, is_success, count)
        SELECT {span}, start_time - start_time % {span}, is_success, count(*) FROM job_execution_log GROUP BY 2, 3
"""
_COUNT_TRACES = """
    INSERT INTO status_trace_count (span_ms, start_ms, source, execution_type, state, count)
        SELECT {span}, creation_time - creation_time % {span}, source, execution_type, state, count(*)
        FROM job_status_trace_log GROUP BY 2, 3, 4, 5
"""


def filling(product: str, rows: int, days: float) -> Iterator[str]:
    """Give the statements that fill the tables, which is many times quicker than commits."""
    span = int(days * DAY_MS)
    values = {"rows": rows, "start": NOW_MS - span, "span": span, "random": _RANDOM[product]}
    for fill_table in (_FILL_EXECUTIONS, _FILL_TRACES):
        insert, select = fill_table.split("SELECT", 1)
        yield f"{insert} {_NUMBERS[product]}, {_SHAPED} SELECT {select}".format(**values)
    for span_ms in SPANS_MS:
        yield _COUNT_EXECUTIONS.format(span=span_ms)
        yield _COUNT_TRACES.format(span=span_ms)
    yield f"UPDATE counter SET value = {rows} WHERE name <> 'next_fire_id'"


def history_indexes() -> list[str]:
    return [
        str(index.name)
        for table in metadata.sorted_tables
        if table.name in HISTORY_TABLES
        for index in table.indexes
    ]


def refill(
    execute: Callable[[str], object], definitions: Mapping[str, str], statements: Iterator[str]
) -> None:
    """Fill the tables while they have no indexes, which are made at the end, from their definitions."""
    for index in history_indexes():
        execute(f"DROP INDEX {index}")
    for statement in statements:
        execute(statement)
    for index in history_indexes():
        execute(definitions[index])


def fill_sqlite(file: Path, rows: int, days: float) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    with contextlib.closing(connection):
        connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000"
        )
        definitions = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index'"))
        refill(connection.execute, definitions, filling("sqlite", rows, days))
        connection.execute("PRAGMA journal_mode = WAL")
    print(f"{file.stat().st_size / 1e6:.0f} MB")


def fill_postgresql(url: str, rows: int, days: float) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        definitions = dict(connection.execute("SELECT indexname, indexdef FROM pg_indexes").fetchall())
        refill(connection.execute, definitions, filling("postgresql", rows, days))
        # As the server does by itself before long.
        connection.execute("VACUUM (ANALYZE)")
        size = connection.execute("SELECT pg_database_size(current_database()) / 1e6").fetchone()
        print(f"{size[0] if size else 0:.0f} MB")


def execution_queries(rows: int, days: float, task_id: str) -> Iterator[HistoryQuery]:
    middle = NOW_MS - int(days * DAY_MS / 2)
    yield HistoryQuery()
    yield HistoryQuery(page=rows // 20)
    yield HistoryQuery(page=rows // 10, ascending=True)
    yield HistoryQuery(filters={"taskId": task_id})
    yield HistoryQuery(filters={"jobName": "job-7"})
    yield HistoryQuery(filters={"jobName": "busy-job"})
    yield HistoryQuery(filters={"jobName": "busy-job"}, page=9_000)
    yield HistoryQuery(filters={"ip": "10.0.3"})
    yield HistoryQuery(filters={"ip": "10.0.rare"})
    yield HistoryQuery(filters={"ip": "10.9.9.9"})
    yield HistoryQuery(filters={"isSuccess": "true"})
    yield HistoryQuery(filters={"isSuccess": "true"}, page=rows // 20)
    yield HistoryQuery(filters={"isSuccess": "false"})
    yield HistoryQuery(filters={"isSuccess": "false"}, page=rows // 20_000)
    yield HistoryQuery(filters={"isSuccess": "false", "jobName": "busy-job"})
    yield HistoryQuery(filters={"isSuccess": "true", "jobName": "busy-job"})
    yield HistoryQuery(filters={"jobName": "busy-job", "ip": "10.0.rare"})
    yield HistoryQuery(filters={"jobName": "busy-job", "ip": "10.0.3"})
    yield HistoryQuery(start_ms=middle, end_ms=middle + 3_600_000)
    yield HistoryQuery(start_ms=middle)
    yield HistoryQuery(start_ms=middle, page=rows // 40)
    yield HistoryQuery(start_ms=middle, filters={"isSuccess": "true"})
    yield HistoryQuery(start_ms=middle, filters={"jobName": "busy-job"})
    yield HistoryQuery(sort="jobName", ascending=True)
    yield HistoryQuery(sort="failureCause", filters={"ip": "10.0.3"})


def trace_queries(rows: int, days: float, task_id: str) -> Iterator[HistoryQuery]:
    middle = NOW_MS - int(days * DAY_MS / 2)
    yield HistoryQuery()
    yield HistoryQuery(page=rows // 20)
    yield HistoryQuery(filters={"taskId": task_id})
    yield HistoryQuery(filters={"jobName": "busy-job"})
    yield HistoryQuery(filters={"slaveId": "agent-3"})
    yield HistoryQuery(filters={"slaveId": "agent-rare"})
    yield HistoryQuery(filters={"slaveId": "nobody"})
    yield HistoryQuery(filters={"source": "CLOUD_EXECUTOR"})
    yield HistoryQuery(filters={"source": "CLOUD_EXECUTOR"}, page=rows // 20)
    yield HistoryQuery(filters={"source": "LITE_EXECUTOR"})
    yield HistoryQuery(filters={"executionType": "READY"})
    yield HistoryQuery(filters={"executionType": "FAILOVER"})
    yield HistoryQuery(filters={"state": "TASK_FINISHED"})
    yield HistoryQuery(filters={"state": "TASK_FINISHED"}, page=rows // 40)
    yield HistoryQuery(filters={"state": "TASK_FAILED"})
    yield HistoryQuery(filters={"state": "TASK_LOST"})
    yield HistoryQuery(filters={"state": "TASK_STAGING", "source": "CLOUD_EXECUTOR"})
    yield HistoryQuery(filters={"state": "TASK_FAILED", "executionType": "FAILOVER"})
    yield HistoryQuery(filters={"state": "TASK_FAILED", "slaveId": "agent-3"})
    yield HistoryQuery(filters={"state": "TASK_FINISHED", "slaveId": "agent-3"})
    yield HistoryQuery(filters={"state": "TASK_FINISHED", "jobName": "busy-job"})
    yield HistoryQuery(filters={"jobName": "busy-job", "slaveId": "agent-rare"})
    yield HistoryQuery(start_ms=middle, end_ms=middle + 3_600_000, filters={"source": "CLOUD_SCHEDULER"})
    yield HistoryQuery(start_ms=middle, filters={"slaveId": "agent-3"})
    yield HistoryQuery(sort="state", ascending=True)
    yield HistoryQuery(sort="message", filters={"jobName": "busy-job"}, page=5_000)


def measure(
    ask: Callable[[HistoryQuery], HistoryPage], queries: Iterator[HistoryQuery], rounds: int
) -> list[float]:
    everything = []
    for query in queries:
        taken = []
        for _ in range(rounds):
            began = time.perf_counter()
            page = ask(query)
            taken.append((time.perf_counter() - began) * 1e3)
        everything += taken
        default = HistoryQuery()
        asked = {
            field: value
            for field in query.__struct_fields__
            if (value := getattr(query, field)) != getattr(default, field)
        }
        print(
            f"  {ask.__name__:14} {asked!s:95.95} total {page.total:9} rows {len(page.rows):3} "
            f"median {statistics.median(taken):7.2f} worst {max(taken):7.2f} ms"
        )
    return everything


def bench_pages(store: SqlStore, rows: int, days: float, rounds: int) -> None:
    execution = store.executions(HistoryQuery(page=3)).rows[0]["taskId"]
    trace = store.status_traces(HistoryQuery(page=3)).rows[0]["taskId"]
    everything = measure(store.executions, execution_queries(rows, days, execution), rounds)
    everything += measure(store.status_traces, trace_queries(rows, days, trace), rounds)
    everything.sort()
    print(
        f"{len(everything)} pages: p50 {everything[len(everything) // 2]:.1f}, "
        f"p99 {everything[int(len(everything) * 0.99)]:.1f}, worst {everything[-1]:.1f} ms"
    )


def commit_latencies(store: SqlStore, epoch: int, done: threading.Event, pause_seconds: float) -> list[float]:
    """Commit a hundred tasks again and again, as a busy scheduler does, until told to stop."""
    taken, number = [], 0
    while not done.is_set():
        staged, ended = one_turn(number)
        number += 1
        changes = Changes(
            status_traces=(staged.status_traces + ended.status_traces)[:300],
            executions=ended.executions[:100],
        )
        began = time.perf_counter()
        assert store.commit(epoch, changes)
        taken.append((time.perf_counter() - began) * 1e3)
        done.wait(pause_seconds)
    return sorted(taken)


def bench_retention(store: SqlStore, rows: int) -> None:
    """Delete a tenth of the history while commits go on: 400 rows in each, with and without pruning beside them."""
    epoch = store.acquire_lease("bench", "", 3600, steal=True)
    assert epoch is not None
    for label, limit in (("without pruning", 0), ("while pruning", max(rows // 10, 50_000))):
        done = threading.Event()
        results: list[list[float]] = []
        committer = threading.Thread(
            target=lambda done=done, results=results: results.append(  # type: ignore[misc]
                commit_latencies(store, epoch, done, 0.01)
            )
        )
        began = time.perf_counter()
        committer.start()
        pruned = store.prune_history(NOW_MS - 1, limit) if limit else 0
        if not limit:
            done.wait(5)
        seconds = time.perf_counter() - began
        done.set()
        committer.join()
        taken = results[0]
        print(
            f"{label}: {pruned / seconds:.0f} rows/s deleted, {400 * len(taken) / seconds:.0f} rows/s written; "
            f"commit p50 {taken[len(taken) // 2]:.1f}, p99 {taken[int(len(taken) * 0.99)]:.1f}, worst {taken[-1]:.1f} ms"
        )


def bench(url: str, fill: Callable[[], None] | None, arguments: argparse.Namespace) -> None:
    store = SqlStore(url)
    store.migrate()
    if fill is not None:
        store.close()
        began = time.perf_counter()
        fill()
        print(f"{arguments.rows} rows in each table in {time.perf_counter() - began:.0f} s")
        store = SqlStore(url)
        store.migrate()
    bench_pages(store, arguments.rows, arguments.days, arguments.rounds)
    if not arguments.no_retention:
        bench_retention(store, arguments.rows)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--no-retention", action="store_true")
    parser.add_argument("--postgresql", action="store_true")
    arguments = parser.parse_args()
    rows, days = arguments.rows, arguments.days
    if arguments.postgresql:
        with PostgresServer(durable=True) as server:
            server.create_database("history")
            url = server.url("history")
            bench(url, lambda: fill_postgresql(url, rows, days), arguments)
        return
    with tempfile.TemporaryDirectory(prefix="bench-history-") as directory:
        file = arguments.keep or Path(directory) / "history.db"
        fill = None if file.exists() else lambda: fill_sqlite(file, rows, days)
        bench(f"sqlite:///{file}", fill, arguments)


if __name__ == "__main__":
    main()
