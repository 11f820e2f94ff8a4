"""Measure pages of runs and of daemon executions, over every filter that the API offers, and all else about runs.

That is: timelines, failures by summary, one run, and job results.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_runs.py [--rows 1000000] [--days 30] [--rounds 20] [--keep FILE]
        [--postgresql]

`fire` is filled with that many runs and `job_execution_log` with as many executions of daemon jobs, spread evenly over
the days. `--keep` makes the database there, or measures one that is there already. `--postgresql` measures the server
that the tests start (`tests/postgres/server.py`) instead of SQLite.
"""

import argparse
import contextlib
import itertools
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psycopg

from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.queries.failures import FailureQuery
from elasticjob_cloud.model.queries.runs import DaemonExecutionPage, RunPage, RunQuery
from elasticjob_cloud.model.queries.timeline import TimelineQuery
from elasticjob_cloud.model.records import Changes, JobRecord
from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.tables import metadata
from tests.postgres.server import PostgresServer

NOW_MS = 1_795_000_000_000
DAY_MS = 86_400_000
FILLED_TABLES = ("fire", "job_execution_log")
LIVE_RUNS = 100_000
JOBS_OF_A_PAGE = 100

_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})",
    "postgresql": "WITH numbers AS (SELECT generate_series(1, {rows}) AS n)",
}
# One job has a fifth of all rows, 999 share the rest; one app has two rows of three, and one has two rows in all. One run
# in 1,000 fails and one takes an hour, four in all were killed, one in 5,000 is a rerun. All runs of one job failed. The
# last ones are live.
_FILL_FIRES = """
    INSERT INTO fire (fire_id, job_name, source, due_ms, state, recorded_ms, reason, count, last_due_ms, started_ms, ended_ms,
        failed_tasks, configuration, app_name, outcome, shard_total, succeeded_shards, summary, triggered_by, run_source)
    {numbers} SELECT n, CASE WHEN n % 5 = 0 THEN 'busy-job' WHEN n % 5 = 1 THEN 'bad-job' ELSE 'job-' || (n * 7919 % 999) END,
        CASE WHEN n % 100 = 7 OR n % 5000 = 9 THEN 'TRIGGER' ELSE 'CRON' END, {start} + n * {span} / {rows},
        CASE WHEN n > {rows} - {live} THEN 'WAITING' WHEN n % 50 = 3 THEN 'DROPPED' ELSE 'COMPLETED' END,
        {start} + n * {span} / {rows}, '', 1, 0,
        CASE WHEN n > {rows} - {live} OR n % 50 = 3 THEN 0 ELSE {start} + n * {span} / {rows} END,
        CASE WHEN n > {rows} - {live} THEN 0 ELSE {start} + n * {span} / {rows} + CASE WHEN n % 1000 = 4 THEN 3600000 ELSE 5000 END END,
        0, '', CASE WHEN n % ({rows} / 2) = 77 THEN 'rare-app' WHEN n % 3 = 0 THEN 'app-1' ELSE 'app-2' END,
        CASE WHEN n > {rows} - {live} OR n % 50 = 3 THEN '' WHEN n % 5 = 1 OR n % 1000 = 2 THEN 'FAILED'
            WHEN n * 4 % {rows} = 0 THEN 'KILLED' ELSE 'SUCCEEDED' END,
        1, CASE WHEN n % 5 = 1 OR n % 1000 = 2 OR n * 4 % {rows} = 0 THEN 0 ELSE 1 END,
        CASE WHEN n % 5 = 1 OR n % 1000 = 2 THEN 'ValueError: no city ' || n || ' in table ' || substr('abcdefgh', CAST(n % 8 + 1 AS INTEGER), 1) ELSE '' END, '', CASE WHEN n % 5000 = 9 THEN 'RERUN' ELSE '' END
    FROM (SELECT CAST(n AS BIGINT) AS n FROM numbers) AS n
"""
_FILL_EXECUTIONS = """
    INSERT INTO job_execution_log (job_name, task_id, hostname, ip, sharding_item, execution_source, failure_cause,
        is_success, start_time, complete_time, app_name, summary)
    {numbers} SELECT CASE WHEN n % 5 = 0 THEN 'busy-job' WHEN n % 5 = 1 THEN 'bad-job' ELSE 'job-' || (n * 7919 % 999) END,
        'task-' || n, 'host', '10.0.0.1', 0, 'NORMAL_TRIGGER', '', CASE WHEN n % 5 = 1 OR n % 1000 = 2 THEN 0 ELSE 1 END,
        {start} + n * {span} / {rows}, {start} + n * {span} / {rows} + 5,
        CASE WHEN n % ({rows} / 2) = 77 THEN 'rare-app' WHEN n % 3 = 0 THEN 'app-1' ELSE 'app-2' END,
        CASE WHEN n % 5 = 1 OR n % 1000 = 2 THEN 'exit code 3: no row ' || n ELSE '' END
    FROM (SELECT CAST(n AS BIGINT) AS n FROM numbers) AS n
"""


def filling(product: str, rows: int, days: float) -> Iterator[str]:
    """Give the statements that fill the tables."""
    span = int(days * DAY_MS)
    values = {"rows": rows, "start": NOW_MS - span, "span": span, "live": min(LIVE_RUNS, rows // 10)}
    for statement in (_FILL_FIRES, _FILL_EXECUTIONS):
        yield statement.format(numbers=_NUMBERS[product].format(**values), **values)


def indexes() -> list[str]:
    """Give the indexes that are made after the rows: that is many times quicker."""
    filled = [table for table in metadata.sorted_tables if table.name in FILLED_TABLES]
    return [str(index.name) for table in filled for index in table.indexes]


def fill_sqlite(file: Path, rows: int, days: float) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    with contextlib.closing(connection):
        connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000"
        )
        definitions = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index'"))
        for index in indexes():
            connection.execute(f"DROP INDEX {index}")
        for statement in filling("sqlite", rows, days):
            connection.execute(statement)
        for index in indexes():
            connection.execute(definitions[index])
        connection.execute("PRAGMA journal_mode = WAL")
    print(f"{file.stat().st_size / 1e6:.0f} MB")


def fill_postgresql(url: str, rows: int, days: float) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        definitions = dict(connection.execute("SELECT indexname, indexdef FROM pg_indexes").fetchall())
        for index in indexes():
            connection.execute(f"DROP INDEX {index}".encode())
        for statement in filling("postgresql", rows, days):
            connection.execute(statement.encode())
        for index in indexes():
            connection.execute(definitions[index].encode())
        connection.execute("VACUUM (ANALYZE)")  # as the server does by itself before long
        size = connection.execute("SELECT pg_database_size(current_database()) / 1e6").fetchone()
        print(f"{size[0] if size else 0:.0f} MB")


def run_queries() -> Iterator[RunQuery]:
    """Give every combination of filters, of values that many rows have and that hardly any has."""
    names = ("", "busy-job", "bad-job", "job-7", "no-job")
    apps = ("", "app-1", "rare-app")
    sources = (None, FireSource.CRON, FireSource.RERUN)
    for name, app, state, source in itertools.product(names, apps, (None, *RunState), sources):
        yield RunQuery(job_name=name, app_name=app, state=state, source=source)


def execution_queries() -> Iterator[RunQuery]:
    states = (None, RunState.SUCCEEDED, RunState.FAILED)
    names, apps = ("", "busy-job", "bad-job", "job-7", "no-job"), ("", "app-1", "rare-app")
    for name, app, state in itertools.product(names, apps, states):
        yield RunQuery(job_name=name, app_name=app, state=state)


def measure(
    ask: Callable[[RunQuery], RunPage] | Callable[[RunQuery], DaemonExecutionPage],
    queries: Iterator[RunQuery],
    days: float,
    rounds: int,
) -> None:
    """Ask each query from the newest row on, from a row in the middle of the days on, and in an interval."""
    choose = random.Random(1)
    taken: list[tuple[float, RunQuery]] = []
    for query in queries:
        for number in range(rounds):
            middle = NOW_MS - choose.randrange(1, int(days * DAY_MS))
            asked = (
                query,
                msgspec.structs.replace(query, cursor=f"{middle}.{2**40}"),
                msgspec.structs.replace(query, start_ms=middle, end_ms=middle + DAY_MS),
            )[number % 3]
            began = time.perf_counter()
            ask(asked)
            taken.append(((time.perf_counter() - began) * 1e3, asked))
    report(ask.__name__, [milliseconds for milliseconds, _ in taken])
    for milliseconds, query in sorted(taken, key=lambda it: -it[0])[:5]:
        shown = {name: value for name in query.__struct_fields__ if (value := getattr(query, name))}
        print(f"    {milliseconds:7.2f} ms {shown}")


def bench_times(store: SqlStore, days: float, rounds: int) -> None:
    """Ask for an hour, a day or a week: what ran in it, and what failed in it."""
    choose = random.Random(2)
    names, apps = ("", "busy-job", "job-7", "no-job"), ("", "app-1", "rare-app")
    runs, failures = [], []
    for name, app, hours in itertools.product(names, apps, (1, 24, 168)):
        for number in range(rounds):
            end = NOW_MS - (0 if number % 2 else choose.randrange(int(days * DAY_MS)))
            start = end - hours * 3_600_000
            began = time.perf_counter()
            store.past_runs(TimelineQuery(start, end, name, app, 500))
            runs.append((time.perf_counter() - began) * 1e3)
            began = time.perf_counter()
            store.failure_groups(FailureQuery(start, end, name, app))
            failures.append((time.perf_counter() - began) * 1e3)
    report("past_runs", runs)
    report("failure_groups", failures)


def report(name: str, taken: list[float]) -> None:
    taken = sorted(taken)
    print(
        f"{name}: {len(taken)} asked, p50 {statistics.median(taken):.2f}, p99 {taken[int(len(taken) * 0.99)]:.2f}, "
        f"worst {taken[-1]:.2f} ms"
    )


def bench_job_results(store: SqlStore, rounds: int) -> None:
    epoch = store.acquire_lease("bench", "", 3600, steal=True)
    assert epoch is not None
    jobs = {
        name: JobRecord(
            JobConfiguration(
                job_name=name,
                app_name="app-1",
                job_execution_type=JobExecutionType.TRANSIENT,
                sharding_total_count=1,
                cpu_count=0.1,
                memory_mb=64,
            )
        )
        for name in (f"job-{number}" for number in range(999))
    }
    assert store.commit(epoch, Changes(jobs={**jobs}))
    taken = []
    for number in range(rounds):
        names = [f"job-{(number * JOBS_OF_A_PAGE + index) % 999}" for index in range(JOBS_OF_A_PAGE)]
        began = time.perf_counter()
        store.job_results(names)
        taken.append((time.perf_counter() - began) * 1e3)
    report(f"job_results of {JOBS_OF_A_PAGE} jobs", taken)


def bench(url: str, fill: Callable[[], None] | None, days: float, rounds: int) -> None:
    store = SqlStore(url)
    store.migrate()
    if fill is not None:
        store.close()
        began = time.perf_counter()
        fill()
        print(f"filled in {time.perf_counter() - began:.0f} s")
        store = SqlStore(url)
        store.migrate()
    measure(store.runs, run_queries(), days, rounds)
    measure(store.daemon_executions, execution_queries(), days, rounds)
    bench_times(store, days, rounds)
    bench_job_results(store, rounds)
    began = time.perf_counter()
    assert store.run(1) is not None
    print(f"run: {(time.perf_counter() - began) * 1e3:.2f} ms")
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--postgresql", action="store_true")
    arguments = parser.parse_args()
    rows, days, rounds = arguments.rows, arguments.days, arguments.rounds
    if arguments.postgresql:
        with PostgresServer(durable=True) as server:
            server.create_database("runs")
            url = server.url("runs")
            bench(url, lambda: fill_postgresql(url, rows, days), days, rounds)
        return
    with tempfile.TemporaryDirectory(prefix="bench-runs-") as directory:
        file = arguments.keep or Path(directory) / "runs.db"
        fill = None if file.exists() else lambda: fill_sqlite(file, rows, days)
        bench(f"sqlite:///{file}", fill, days, rounds)


if __name__ == "__main__":
    main()
