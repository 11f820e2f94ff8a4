"""Measure the store: commits against bare sqlite3 and of one product against another, loading, a large history.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_store.py [--tasks 20000] [--jobs 100000] [--history 0]
        [--no-postgresql]

PostgreSQL is the one that the tests start (`tests/postgres/server.py`), on this machine, with its commits synced to the
disk as those of SQLite are; its data is in the directory for temporary files too. Small commits have a measurement of
their own, `bench_small_commits.py`.
`--history 1000000` fills both trace tables to that many rows first, which takes some minutes.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.model.records import (
    AttemptEnd,
    Changes,
    ExecutionTrace,
    FireRecord,
    JobRecord,
    StatusTrace,
    TaskRecord,
)
from elasticjob_cloud.model.task import TaskState, TaskType
from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.commit import ChangesWriter
from elasticjob_cloud.store.databases.sqlite.connection import connect_writer
from elasticjob_cloud.store.databases.sqlite.database import SqliteDatabase
from elasticjob_cloud.store.rows import Row
from tests.postgres.server import PostgresServer

BATCH = 500
SHARDS = 10
JOBS = 1000
NOW_MS = 1_795_000_000_000


def one_turn(number: int) -> Iterator[Changes]:
    """The rows of 500 tasks, as the loop writes them: staged in one turn, run and ended in the next."""
    staged, ended = Changes(), Changes()
    for index in range(BATCH):
        sequence = number * BATCH + index
        item, run = index % SHARDS, sequence // SHARDS
        # The same jobs come again and again, in another order, as they do in life.
        job = f"job-{run * 7919 % JOBS}"
        agent = f"agent-{run % 3}"
        task_id = f"{job}@-@{item}@-@READY@-@{agent}@-@{(sequence * 0x9E3779B97F4A7C15) % 2**128:032x}"
        time_ms = NOW_MS + sequence // 10
        if item == 0:
            fire = (run + 1, job, FireSource.CRON, time_ms)
            record = FireRecord(*fire, FireState.RUNNING, time_ms, app_name="app", shard_total=SHARDS)
            staged.fires[run + 1] = record
            ended.fires[run + 1] = msgspec.structs.replace(
                record,
                state=FireState.COMPLETED,
                ended_ms=time_ms + 5,
                outcome=RunState.SUCCEEDED,
                succeeded_shards=SHARDS,
            )
            staged.schedules[job] = time_ms
        staged.tasks[task_id] = TaskRecord(
            task_id, run + 1, job, "app", item, TaskType.READY, agent, TaskState.STAGING, time_ms, 0.001, 1.0
        )
        ended.tasks[task_id] = None
        failed = sequence % 1000 == 0
        end = AttemptEnd(run + 1, 1, time_ms, time_ms, success=not failed, exit_code=0)
        for changes, state, attempt_end in (
            (staged, "TASK_STAGING", None),
            (ended, "TASK_RUNNING", None),
            (ended, "TASK_FAILED" if failed else "TASK_FINISHED", end),
        ):
            source = "CLOUD_SCHEDULER" if changes is staged else "CLOUD_EXECUTOR"
            trace = (job, "", task_id, agent, source, "READY", item, state, "", time_ms, attempt_end)
            changes.status_traces.append(StatusTrace(*trace))
        cause = "ValueError: no such city" if failed else ""
        ended.executions.append(
            ExecutionTrace(
                job,
                task_id,
                agent,
                f"10.0.0.{run % 3}",
                item,
                "NORMAL_TRIGGER",
                cause,
                not failed,
                time_ms,
                time_ms + 1,
            )
        )
    yield staged
    yield ended


def row_count(changes: Changes) -> int:
    return sum(len(getattr(changes, field)) for field in changes.__struct_fields__)


class Recorder:
    """A batch that keeps what it is told to execute."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Row]]] = []

    def require(self, query: str, parameters: Row) -> None:
        self.calls.append((query, [parameters]))

    def execute(self, statement: str, parameters: Row) -> None:
        self.calls.append((statement, [parameters]))

    def execute_many(self, statement: str, rows: Sequence[Row]) -> None:
        if rows:
            self.calls.append((statement, list(rows)))


def bench_commits(directory: Path, tasks: int) -> None:
    store = SqlStore(f"sqlite:///{directory}/store.db")
    twin = SqlStore(f"sqlite:///{directory}/bare.db")
    store.migrate()
    twin.migrate()
    twin.close()
    epoch = store.acquire_lease("bench", "", 3600)
    assert epoch is not None
    database = SqliteDatabase(f"{directory}/bare.db")
    writer = ChangesWriter(database)
    bare = connect_writer(directory / "bare.db")  # the same settings
    ratios, store_us, bare_us, cpu_us = [], [], [], []
    for number in range(tasks // BATCH):
        turns = list(one_turn(number))
        rows = sum(map(row_count, turns))
        recorder = Recorder()
        for changes in turns:
            recorder.calls.append(("BEGIN IMMEDIATE", []))
            writer.write(recorder, epoch, changes)
            recorder.calls.append(("COMMIT", []))
        began = time.perf_counter()
        for statement, parameters in recorder.calls:
            if len(parameters) > 1:
                bare.executemany(statement, parameters)
            else:
                bare.execute(statement, *parameters)
        middle, cpu = time.perf_counter(), time.thread_time()
        for changes in turns:
            assert store.commit(epoch, changes)
        ended = time.perf_counter()
        cpu_us.append((time.thread_time() - cpu) / rows * 1e6)
        bare_us.append((middle - began) / rows * 1e6)
        store_us.append((ended - middle) / rows * 1e6)
        ratios.append((ended - middle) / (middle - began))
    bare.close()
    print(
        f"commit: {rows / BATCH:.1f} rows a task, {statistics.median(store_us):.2f} us a row (mean {statistics.mean(store_us):.2f}, CPU {statistics.median(cpu_us):.2f}); "
        f"bare sqlite3 {statistics.median(bare_us):.2f} (mean {statistics.mean(bare_us):.2f}); ratio {statistics.median(ratios):.2f}"
    )
    store.close()


def bench_products(urls: Mapping[str, str], tasks: int) -> None:
    """Commit the same turns to each product in turn, so that a noisy machine is as noisy for all."""
    stores = {name: SqlStore(url) for name, url in urls.items()}
    epochs = {}
    for name, store in stores.items():
        store.migrate()
        epochs[name] = store.acquire_lease("bench", "", 3600, steal=True)
    walls: dict[str, list[float]] = {name: [] for name in stores}
    cpus: dict[str, list[float]] = {name: [] for name in stores}
    for number in range(tasks // BATCH):
        turns = list(one_turn(number))
        rows = sum(map(row_count, turns))
        for name, store in stores.items():
            began, cpu = time.perf_counter(), time.thread_time()
            for changes in turns:
                assert store.commit(epochs[name] or 0, changes)
            cpus[name].append((time.thread_time() - cpu) / rows * 1e6)
            walls[name].append((time.perf_counter() - began) / rows * 1e6)
    reference = next(iter(stores))
    for name, store in stores.items():
        ratio = statistics.median(
            wall / other for wall, other in zip(walls[name], walls[reference], strict=True)
        )
        print(
            f"{name}: {statistics.median(walls[name]):.2f} us a row (mean {statistics.mean(walls[name]):.2f}, "
            f"our CPU {statistics.median(cpus[name]):.2f}); {ratio:.2f} times {reference}"
        )
        store.close()


def bench_load(url: str, jobs: int) -> None:
    store = SqlStore(url)
    store.migrate()
    epoch = store.acquire_lease("bench", "", 3600)
    assert epoch is not None
    began = time.perf_counter()
    for start in range(0, jobs, 1000):
        changes = Changes()
        for number in range(start, min(start + 1000, jobs)):
            name = f"job-{number}"
            configuration = JobConfiguration(
                job_name=name,
                app_name="app",
                job_execution_type=JobExecutionType.TRANSIENT,
                sharding_total_count=1,
                cpu_count=0.1,
                memory_mb=1,
                cron=f"{number % 60} {number // 60 % 60} * * * ?",
                time_zone="Asia/Shanghai",
            )
            changes.jobs[name] = JobRecord(configuration)
            changes.schedules[name] = NOW_MS
        assert store.commit(epoch, changes)
    written = time.perf_counter()
    snapshot = store.load()
    loaded = time.perf_counter()
    assert len(snapshot.jobs) == jobs
    tracemalloc.start()
    snapshot = store.load()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    print(
        f"{jobs} jobs: written in {written - began:.2f} s, loaded in {loaded - written:.2f} s, {size / jobs:.0f} bytes each"
    )
    store.close()
    store = SqlStore(url)
    began = time.perf_counter()
    store.migrate()
    print(f"start-up with the schema in place: {(time.perf_counter() - began) * 1e3:.1f} ms")
    store.close()


def bench_history(directory: Path, rows: int) -> None:
    store = SqlStore(f"sqlite:///{directory}/history.db")
    store.migrate()
    epoch = store.acquire_lease("bench", "", 3600)
    assert epoch is not None
    began = time.perf_counter()
    for number in range(rows // BATCH):
        staged, ended = one_turn(number)
        staged.status_traces += ended.status_traces
        staged.executions = ended.executions
        if number % 3:  # three traces a task: a third of the turns fills that table
            staged.status_traces = []
        assert store.commit(epoch, Changes(status_traces=staged.status_traces, executions=staged.executions))
    print(
        f"history of {rows} executions written in {time.perf_counter() - began:.0f} s, file {(directory / 'history.db').stat().st_size / 1e6:.0f} MB"
    )
    middle = NOW_MS + rows // 20
    newest = store.executions(HistoryQuery()).rows[0]
    executions = [
        HistoryQuery(),
        HistoryQuery(per_page=100, ascending=True),
        HistoryQuery(filters={"jobName": "job-7"}),
        HistoryQuery(filters={"taskId": newest["taskId"]}),
        HistoryQuery(filters={"ip": "10.0.0.1"}),
        HistoryQuery(filters={"ip": "10.9.9.9"}),
        HistoryQuery(filters={"isSuccess": "false"}),
        HistoryQuery(filters={"isSuccess": "true"}),
        HistoryQuery(filters={"isSuccess": "false", "jobName": "job-7"}),
        HistoryQuery(start_ms=middle, end_ms=middle + 1000),
        HistoryQuery(start_ms=middle),
        HistoryQuery(page=1000),
    ]
    traces = [
        HistoryQuery(),
        HistoryQuery(filters={"jobName": "job-7"}),
        HistoryQuery(filters={"taskId": newest["taskId"]}),
        HistoryQuery(filters={"slaveId": "agent-1"}),
        HistoryQuery(filters={"slaveId": "nobody"}),
        HistoryQuery(filters={"source": "CLOUD_EXECUTOR"}),
        HistoryQuery(filters={"source": "LITE_EXECUTOR"}),
        HistoryQuery(filters={"executionType": "READY"}),
        HistoryQuery(filters={"executionType": "FAILOVER"}),
        HistoryQuery(filters={"state": "TASK_FINISHED"}),
        HistoryQuery(filters={"state": "TASK_FAILED"}),
        HistoryQuery(filters={"state": "TASK_LOST"}),
        HistoryQuery(start_ms=middle, end_ms=middle + 1000),
    ]
    for ask, queries in ((store.executions, executions), (store.status_traces, traces)):
        for query in queries:
            taken = []
            for _ in range(5):
                began = time.perf_counter()
                page = ask(query)
                taken.append((time.perf_counter() - began) * 1e3)
            asked = {
                field: getattr(query, field)
                for field in query.__struct_fields__
                if getattr(query, field) != getattr(HistoryQuery(), field)
            }
            print(
                f"  {ask.__name__:14} {asked!s:100.100} total {page.total:8} {statistics.median(taken):8.2f} ms"
            )
    began = time.perf_counter()
    count = store.prune_history(middle, 100_000)
    print(f"pruned {count} rows in {time.perf_counter() - began:.1f} s")
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--history", type=int, default=0)
    parser.add_argument("--no-postgresql", action="store_true")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = None
        if not arguments.no_postgresql:
            server = stack.enter_context(PostgresServer(durable=True))
            for database in ("store", "jobs"):
                server.create_database(database)
        if arguments.tasks:
            bench_commits(directory, arguments.tasks)
            urls = {"sqlite": f"sqlite:///{directory}/product.db"}
            if server is not None:
                urls["postgresql"] = server.url("store")
            bench_products(urls, arguments.tasks)
        if arguments.jobs:
            bench_load(f"sqlite:///{directory}/jobs.db", arguments.jobs)
            if server is not None:
                print("PostgreSQL:")
                bench_load(server.url("jobs"), arguments.jobs)
        if arguments.history:
            bench_history(directory, arguments.history)


if __name__ == "__main__":
    main()
