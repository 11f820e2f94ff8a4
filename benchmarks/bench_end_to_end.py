"""Measure a whole standalone server: shards a second, lateness, and how soon a trigger runs.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_end_to_end.py [--shards 5000] [--rounds 5] [--jobs 1 100 1000]

Everything is durable and traced: SQLite with synchronous=FULL, a row for every state of every shard. Times are the
medians of the rounds, with the fastest and the slowest. Script shards are compared with a bare asyncio spawn of
`/bin/true`, round by round, on the same machine at the same time.
"""

import argparse
import asyncio
import datetime as dt
import statistics
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.acceptance.standalone import Standalone

_APP = """
import os
import time

def run(context):
    if context.job_name == "note":
        with open(os.environ["ENTERED"], "a") as file:
            file.write(f"{time.time_ns()}\\n")
"""
_SMALL: dict[str, Any] = {"cpuCount": 0.001, "memoryMB": 1}
_PERIOD_MS = 5_000
# Each look renders all metrics on the scheduler's loop. Looks that are too frequent make shards late, and their processor
# time counts as that of shards.
LOOK_SECONDS = 0.02
SELDOM_SECONDS = 0.25


@contextmanager
def warm_server() -> Iterator[tuple[Standalone, Path]]:
    """A server with room for everything and one app, whose executor runs; and the file that the job `note` fills."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "bench_jobs.py").write_text(_APP)
        with tarfile.open(directory / "app.tar.gz", "w:gz") as archive:
            archive.add(directory / "bench_jobs.py", "bench_jobs.py")
        options = ("--cpus", "1000", "--memory-mb", "1000000", "--log-level", "warning")
        with Standalone(directory / "data", *options) as server:
            bootstrap = f"ENTERED={directory}/entered exec python -m elasticjob_cloud bench_jobs:run"
            server.publish("app", (directory / "app.tar.gz").as_uri(), bootstrapScript=bootstrap)
            server.register("warm", "app", **_SMALL)
            server.call("POST", "/job/trigger", "warm")
            server.ended("warm")
            yield server, directory / "entered"


def finished(server: Standalone) -> int:
    """Count the tasks that have finished, by the scheduler's metrics: they are committed then."""
    for line in server.client.get(server.url + "/metrics").text.splitlines():
        if line.startswith('elasticjob_tasks_ended_total{state="TASK_FINISHED"}'):
            return int(float(line.split()[-1]))
    return 0


def wait_until_finished(server: Standalone, count: int, seconds: float, look_seconds: float) -> None:
    """Wait until so many tasks have finished since the server started."""
    deadline = time.monotonic() + seconds
    while finished(server) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Only {finished(server)} of {count} tasks have finished.")
        time.sleep(look_seconds)


def processor_seconds(server: Standalone) -> float:
    """Give the CPU time of scheduler, agent and executors so far."""
    assert server.process is not None
    agent = psutil.Process(server.agent_pid())
    processes = [psutil.Process(server.process.pid), agent, *agent.children(recursive=True)]
    return sum(sum(process.cpu_times()[:4]) for process in processes)


def run_shards(server: Standalone, job_name: str, shards: int) -> tuple[float, float]:
    """Trigger a run and wait for its recorded end: seconds, and CPU seconds of all processes."""
    before = finished(server)
    cpu, started = processor_seconds(server), time.perf_counter()
    server.call("POST", "/job/trigger", job_name)
    wait_until_finished(server, before + shards, 300, LOOK_SECONDS)
    return time.perf_counter() - started, processor_seconds(server) - cpu


def spawn_rate(count: int) -> float:
    """Give how many `/bin/true` a second a bare asyncio loop starts and waits for, 8 at a time."""

    async def spawn_all() -> None:
        room = asyncio.Semaphore(8)

        async def spawn() -> None:
            async with room:
                process = await asyncio.create_subprocess_exec("/bin/true")
                await process.wait()

        await asyncio.gather(*(spawn() for _ in range(count)))

    started = time.perf_counter()
    asyncio.run(spawn_all())
    return count / (time.perf_counter() - started)


def show(what: str, values: list[float], unit: str) -> None:
    """Print a figure's median, with the least and the most."""
    print(f"{what:<58} {statistics.median(values):>10.2f}  ({min(values):.2f} to {max(values):.2f}) {unit}")


def measure_sdk_shards(server: Standalone, shards: int, rounds: int) -> None:
    """Shards of a no-op SDK job, from trigger to recorded finish."""
    server.register("noop", "app", shardingTotalCount=shards, **_SMALL)
    runs = [run_shards(server, "noop", shards) for _ in range(rounds)]
    show(f"SDK no-op shards, {shards} in a run", [shards / seconds for seconds, _ in runs], "a second")
    show("  processor time, all processes", [cpu / shards * 1000 for _, cpu in runs], "s per 1,000")


def measure_script_shards(server: Standalone, shards: int, rounds: int) -> None:
    """Script shards against bare spawns, round by round."""
    script = {"script.command.line": "exec /bin/true"}
    server.register("true", "app", shardingTotalCount=shards, props=script, cpuCount=0.001, memoryMB=16)
    ours, bare = [], []
    for _ in range(rounds):
        seconds, _ = run_shards(server, "true", shards)
        ours.append(shards / seconds)
        bare.append(spawn_rate(shards))
    show(f"script shards (`exec /bin/true` in a shell), {shards} in a run", ours, "a second")
    show("  bare asyncio spawn of /bin/true", bare, "a second")
    show("  ratio", [one / other for one, other in zip(ours, bare, strict=True)], "")


def measure_trigger(server: Standalone, entered: Path, rounds: int) -> None:
    """From the trigger's answer to the first line of job code, one shard, warm executor."""
    server.register("note", "app", **_SMALL)
    delays = []
    for _ in range(rounds * 20):
        count = finished(server) + 1
        server.call("POST", "/job/trigger", "note")
        answered_ns = time.time_ns()
        wait_until_finished(server, count, 30, LOOK_SECONDS)
        delays.append((int(entered.read_text().splitlines()[-1]) - answered_ns) / 1e6)
    show("trigger answered -> job code entered", delays, "ms")


def measure_lateness(server: Standalone, jobs: int, rounds: int) -> None:
    """How long after their due time shards enter job code, with so many one-shard jobs due in the same second."""
    names = [f"due-{jobs}-{number}" for number in range(jobs)]
    for name in names:
        server.register(name, "app", cron="0/5 * * * * ?", misfire=True, **_SMALL)
    before = finished(server)
    wait_until_finished(server, before + rounds * jobs, rounds * 5 + 60, SELDOM_SECONDS)
    late = [delay for name in names for delay in _lateness_ms(server, name)]
    for name in names:
        server.call("DELETE", "/job/deregister", name)
    cuts = statistics.quantiles(late, n=100, method="inclusive")
    what = f"lateness of {jobs} jobs due at once"
    print(
        f"{what:<50} p50 {cuts[49]:.1f}, p99 {cuts[98]:.1f}, most {max(late):.1f}, least {min(late):.1f} ms"
    )


def _lateness_ms(server: Standalone, job_name: str) -> list[float]:
    rows = server.client.get("/job/events/executions", params={"jobName": job_name, "per_page": 100}).json()[
        "rows"
    ]
    starts = [dt.datetime.fromisoformat(row["startTime"]).timestamp() * 1000 for row in rows]
    return [start % _PERIOD_MS for start in starts]


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=5000, help="in an SDK run; script runs have a fifth")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 100, 1000], help="due in the same second")
    options = parser.parse_args()
    with warm_server() as (server, entered):
        measure_sdk_shards(server, options.shards, options.rounds)
        measure_script_shards(server, max(1, options.shards // 5), options.rounds)
        measure_trigger(server, entered, options.rounds)
        for jobs in options.jobs:
            measure_lateness(server, jobs, options.rounds)


if __name__ == "__main__":
    main()
