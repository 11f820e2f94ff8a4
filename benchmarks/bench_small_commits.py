"""Measure commits of two rows on SQLite and PostgreSQL, and what no commit on this machine can be quicker than.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_small_commits.py [--rounds 1000]

Each round does everything once, one after the other, so that a noisy machine is as noisy for all; ratios are medians of
the rounds' own. PostgreSQL is the one that the tests start, with its commits synced to the disk as those of SQLite are.
"""

import argparse
import contextlib
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import SqlStore
from tests.contract.store import samples
from tests.postgres.server import PostgresServer

WARM_UP = 50

Step = Callable[[int], object]


def two_rows(store: SqlStore) -> Step:
    """Commit a task and its first trace."""
    store.migrate()
    epoch = store.acquire_lease("bench", "", 3600)
    assert epoch is not None

    def commit(number: int) -> None:
        name = f"job@-@0@-@READY@-@agent@-@{number:032x}"
        changes = Changes(
            tasks={name: samples.task(name, number)}, status_traces=[samples.status_trace(name)]
        )
        assert store.commit(epoch, changes)

    return commit


def bare_sqlite(file: Path) -> Step:
    """Commit one row with nothing but sqlite3, as safely."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE bare (number INTEGER PRIMARY KEY, text TEXT)")
    return lambda number: connection.execute("INSERT INTO bare VALUES (?, ?)", (number, "x" * 100))


def bare_postgresql(connection: psycopg.Connection[tuple[object, ...]]) -> Step:
    """Commit one row with nothing but psycopg: one exchange with the server, of one prepared statement."""
    connection.execute("CREATE TABLE bare (number BIGINT PRIMARY KEY, text TEXT)")
    statement = "INSERT INTO bare VALUES (%s, %s)"
    return lambda number: connection.execute(statement, (number, "x" * 100), prepare=True)


def sync(file: Path) -> Step:
    """Write a block of a file that has its size already, and sync it: what a log does for each commit."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    os.write(descriptor, bytes(16 * 2**20))
    os.fsync(descriptor)

    def step(number: int) -> None:
        os.pwrite(descriptor, b"x" * 8192, number % 2048 * 8192)
        os.fdatasync(descriptor)

    return step


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=1000)
    rounds: int = parser.parse_args().rounds
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(PostgresServer(durable=True))
        server.create_database("store")
        stores = [SqlStore(f"sqlite:///{directory}/store.db"), SqlStore(server.url("store"))]
        connection = stack.enter_context(psycopg.connect(server.url("store"), autocommit=True))
        steps: dict[str, Step] = {
            "SQLite: two rows": two_rows(stores[0]),
            "PostgreSQL: two rows": two_rows(stores[1]),
            "SQLite: one bare row": bare_sqlite(directory / "bare.db"),
            "PostgreSQL: one bare row": bare_postgresql(connection),
            "PostgreSQL: an exchange": lambda _: connection.execute("SELECT 1", prepare=True),
            "the disk: 8 KiB synced": sync(directory / "synced"),
        }
        taken: dict[str, list[float]] = {name: [] for name in steps}
        cpu: dict[str, list[float]] = {name: [] for name in steps}
        for number in range(rounds + WARM_UP):
            for name, step in steps.items():
                began, cpu_began = time.perf_counter(), time.thread_time()
                step(number)
                cpu[name].append((time.thread_time() - cpu_began) * 1e6)
                taken[name].append((time.perf_counter() - began) * 1e6)
        for store in stores:
            store.close()
    reference = taken["SQLite: two rows"][WARM_UP:]
    for name in steps:
        kept = taken[name][WARM_UP:]
        ratio = statistics.median(mine / other for mine, other in zip(kept, reference, strict=True))
        print(
            f"{name:25} {statistics.median(kept):7.0f} us (p90 {statistics.quantiles(kept, n=10)[-1]:7.0f}), "
            f"our CPU {statistics.median(cpu[name][WARM_UP:]):5.0f} us; {ratio:5.2f} times SQLite's two rows"
        )


if __name__ == "__main__":
    main()
