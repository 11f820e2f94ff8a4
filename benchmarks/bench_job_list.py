"""Measure the job list: what a client that lists all jobs does to lateness, and how long pages, searches and sorts take.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_job_list.py [--jobs 100000] [--due 20] [--seconds 15] [--rounds 3]

A whole standalone server with that many jobs, of which `--due` run each second. Lateness is from the due time to the
first line of job code, which includes the commit. It is measured in turns: in one nobody lists jobs, in the next one a
client lists all of them over and over, in the third one another pages, searches and sorts without a pause.
"""

import argparse
import multiprocessing
import random
import sqlite3
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.records import AppRecord, Changes, JobRecord
from elasticjob_cloud.store import SqlStore
from tests.acceptance.standalone import Standalone

_APP = "def run(context):\n    pass\n"
_AT_ONCE = 5_000
_WORDS = ("billing", "report", "night", "import", "export", "mail", "stock", "price", "audit", "sync")
_SORTS = ("jobName", "appName", "state", "lastRun", "nextFire", "runningShards")
_LARGEST_PAGE_BYTES = 200_000


def job_of(number: int, due: int) -> JobConfiguration:
    """Give a job: one that runs each second, or one that runs once a year."""
    is_due = number < due
    word = _WORDS[number % len(_WORDS)]
    moment = f"{number % 60} {number // 60 % 60} {number // 3600 % 24} 1 1 ?"
    return JobConfiguration(
        job_name=f"due-{number}" if is_due else f"{word}-{number:06}",
        app_name="app" if is_due else f"app-{number % 50}",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=1,
        cpu_count=0.001,
        memory_mb=1,
        cron="* * * * * ?" if is_due else moment,
        description=f"The {word} of branch {number % 997}",
        job_parameter=f"branch={number % 997}",
    )


def fill(data_dir: Path, app_url: str, jobs: int, due: int) -> None:
    """Register the jobs in a new database, each with a run that is over."""
    data_dir.mkdir(mode=0o700)
    path = data_dir / "elasticjob.db"
    store = SqlStore(f"sqlite:///{path}")
    store.migrate()
    epoch = store.acquire_lease("bench", "http://127.0.0.1:1", 60)
    assert epoch is not None
    names = ["app", *(f"app-{number}" for number in range(50))]
    bootstrap = "exec python -m elasticjob_cloud bench_jobs:run"
    apps = {
        name: AppRecord(
            AppConfiguration(app_name=name, app_url=app_url, bootstrap_script=bootstrap, cpu_count=0.1)
        )
        for name in names
    }
    store.commit(epoch, Changes(apps=dict(apps)))
    since_ms = time.time_ns() // 1_000_000
    for start in range(0, jobs, _AT_ONCE):
        configurations = [job_of(number, due) for number in range(start, min(jobs, start + _AT_ONCE))]
        records = {it.job_name: JobRecord(it, since_ms=since_ms) for it in configurations}
        schedules = dict.fromkeys(records, since_ms)
        store.commit(epoch, Changes(jobs=dict(records), schedules=dict(schedules)))
    store.release_lease(epoch)
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO fire (fire_id, job_name, source, due_ms, state, recorded_ms, reason, count, last_due_ms, "
            "started_ms, ended_ms, failed_tasks, configuration, app_name, outcome, shard_total, succeeded_shards, "
            "summary, triggered_by, run_source) "
            "SELECT rowid, job_name, 'CRON', :now - rowid, 'COMPLETED', :now - rowid, '', 1, 0, :now - rowid, :now - rowid, "
            "0, '', app_name, CASE WHEN rowid % 20 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END, 1, 1, '', '', '' FROM (SELECT row_number() OVER () AS rowid, job_name, json_extract(configuration, '$.appName') AS app_name FROM job)",
            {"now": since_ms},
        )
    connection.close()


def list_all(url: str, until: float, results: "multiprocessing.Queue[tuple[float, int]]") -> None:
    """List all jobs over and over: tell how long each list took, and its size."""
    with httpx.Client(timeout=60) as client:
        while time.time() < until:
            started = time.perf_counter()
            size = len(client.get(f"{url}/api/job/jobs").content)
            results.put((time.perf_counter() - started, size))


def look_for(url: str, until: float, results: "multiprocessing.Queue[tuple[float, int]]") -> None:
    """Page, search and sort without a pause."""
    chance = random.Random(0)
    with httpx.Client(timeout=60) as client:
        while time.time() < until:
            query: dict[str, str | int] = {"per_page": 100, "sort": chance.choice(_SORTS)}
            query["order"] = chance.choice(("asc", "desc"))
            query["page"] = chance.randrange(1, 10)
            if chance.random() < 0.7:
                query["search"] = chance.choice((*_WORDS, "BRANCH 5", "000", "nothing like this"))
            if chance.random() < 0.2:
                query["state"] = chance.choice(("FAILED", "RUNNING", "ENABLED"))
            started = time.perf_counter()
            answer = client.get(f"{url}/api/job/jobs", params=query)
            results.put((time.perf_counter() - started, len(answer.content)))
            assert answer.status_code == 200, answer.text


Client = Callable[[str, float, Any], None]


def measure(
    server: Standalone, client: Client | None, seconds: float
) -> tuple[list[float], list[tuple[float, int]]]:
    """Let a client do its work for a time: lateness of the runs in it in milliseconds, and what the client tells."""
    results: multiprocessing.Queue[tuple[float, int]] = multiprocessing.get_context("spawn").Queue()
    begin = time.time()
    process = None
    if client is not None:
        process = multiprocessing.get_context("spawn").Process(
            target=client, args=(server.url, begin + seconds, results)
        )
        process.start()
    told: list[tuple[float, int]] = []
    while time.time() < begin + seconds or (process is not None and process.is_alive()):
        while not results.empty():
            told.append(results.get())
        time.sleep(0.05)
    while not results.empty():
        told.append(results.get())
    end = time.time()
    time.sleep(1)
    with sqlite3.connect(f"file:{server.data_dir}/elasticjob.db?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT start_time FROM job_execution_log WHERE start_time BETWEEN ? AND ?",
            (begin * 1000, end * 1000),
        ).fetchall()
    connection.close()
    return [start % 1000 for (start,) in rows], told


def show(what: str, values: list[float], unit: str) -> None:
    """Print the median, 95 %, 99 % and the most of some figures."""
    if len(values) < 2:
        print(f"{what:<44} {values} {unit}")
        return
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    print(
        f"{what:<44} p50 {cuts[49]:8.1f}  p95 {cuts[94]:8.1f}  p99 {cuts[98]:8.1f}  most {max(values):8.1f} {unit}  ({len(values)})",
        flush=True,
    )


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=20, help="of them due each second")
    parser.add_argument("--seconds", type=float, default=15, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "bench_jobs.py").write_text(_APP)
        with tarfile.open(directory / "app.tar.gz", "w:gz") as archive:
            archive.add(directory / "bench_jobs.py", "bench_jobs.py")
        started = time.perf_counter()
        fill(directory / "data", (directory / "app.tar.gz").as_uri(), options.jobs, options.due)
        print(f"{options.jobs:,} jobs filled in {time.perf_counter() - started:.1f} s", flush=True)
        sizes = ("--cpus", "1000", "--memory-mb", "1000000", "--log-level", "warning")
        with Standalone(directory / "data", *sizes) as server:
            measure_all(server, options.seconds, options.rounds)


def measure_all(server: Standalone, seconds: float, rounds: int) -> None:
    """Measure in turns, and print what came of it."""
    query = {"per_page": 100, "sort": "lastRun"}
    started = time.perf_counter()
    answer = server.client.get("/job/jobs", params=query)
    print(f"first page by last run after {time.perf_counter() - started:.1f} s", flush=True)
    while answer.status_code == 503 or not answer.json().get("complete", True):
        time.sleep(0.5)
        answer = server.client.get("/job/jobs", params=query)
    print(f"all last results known after {time.perf_counter() - started:.1f} s", flush=True)
    time.sleep(5)
    clients: dict[str, Client | None] = {"nobody": None, "a list of all": list_all, "pages": look_for}
    late: dict[str, list[float]] = {name: [] for name in clients}
    told: dict[str, list[tuple[float, int]]] = {name: [] for name in clients}
    for _ in range(rounds):
        for name, client in clients.items():
            lateness, answers = measure(server, client, seconds)
            late[name] += lateness
            told[name] += answers
    for name in clients:
        show(f"lateness, while asked for: {name}", late[name], "ms")
    for name in ("a list of all", "pages"):
        show(f"an answer: {name}", [taken * 1000 for taken, _ in told[name]], "ms")
        print(f"{'':<44} largest {max(size for _, size in told[name]):,} bytes")
    assert max(size for _, size in told["pages"]) <= _LARGEST_PAGE_BYTES


if __name__ == "__main__":
    main()
