"""Measure whole schedulers: `--engine ray` over nodes of this machine against `--engine local`, in one run.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_ray_server.py [--shards 3000] [--rounds 5] [--jobs 1 100]

Both schedulers have a database of their own on one PostgreSQL, which writes to the disk what is committed. Runs of the
two take turns. Jobs that are due by cron are due at one scheduler in the even seconds of four, and at the other in the
odd ones, so that both are measured in the same minutes. Processor time is that of schedulers, gateway, Ray, relays,
agents and executors, without the database.
"""

import argparse
import contextlib
import datetime as dt
import os
import statistics
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.bench_end_to_end import LOOK_SECONDS, SELDOM_SECONDS, finished, show, wait_until_finished
from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from tests.acceptance.standalone import Standalone
from tests.clusters.ray_nodes import RayCluster
from tests.contract.ray_world import end_agents_for_good
from tests.postgres.server import PostgresServer
from tests.waiting import wait_for

_JOBS = "def run(context):\n    pass\n"
_SMALL: dict[str, Any] = {"cpuCount": 0.001, "memoryMB": 1}
_PERIOD_SECONDS = 4
_NODE_CPUS = 4
_NODE_MEMORY_MB = 4096


class WholeScheduler(Standalone):
    """A scheduler with what the benchmark knows of it: how its engine's processes are found, and when its jobs are due."""

    def __init__(
        self,
        data_dir: Path,
        settings: dict[str, str],
        agents: Path,
        others: Collection[psutil.Process],
        due_second: int,
    ) -> None:
        """Choose what `start` starts: `settings` make a `scheduler` of it.

        `agents`: where its agents have their directories. `others`: more processes whose time counts, with their
        children. `due_second`: of each period, when its jobs are due.
        """
        super().__init__(data_dir, "--log-level", "warning", settings=settings)
        self.due_second = due_second
        self._agents = agents
        self._others = others

    @property
    def agent_count(self) -> int:
        """How many agents are there, as its metrics say."""
        for line in self.client.get(self.url + "/metrics").text.splitlines():
            if line.startswith("elasticjob_agents "):
                return int(float(line.split()[-1]))
        return 0

    def processor_seconds(self) -> float:
        """Give the processor time of all that it needs, so far."""
        assert self.process is not None
        roots = [psutil.Process(self.process.pid), *self._others]
        for directory in self._agents.glob("*"):
            present = AgentDirectory(directory).read_process()
            if present is not None and present.runs():
                roots.append(psutil.Process(present.pid))
        processes = {each for root in roots for each in (root, *root.children(recursive=True))}
        return sum(map(_seconds_of, processes))

    def run_shards(self, job_name: str, shards: int) -> tuple[float, float]:
        """Trigger a run and wait for its recorded end: shards a second, and processor seconds for 1,000 of them."""
        before, cpu, began = finished(self), self.processor_seconds(), dt.datetime.now(dt.UTC)
        self.call("POST", "/job/trigger", job_name)
        wait_until_finished(self, before + shards, 300, LOOK_SECONDS)
        seconds = (dt.datetime.now(dt.UTC) - began).total_seconds()
        return shards / seconds, (self.processor_seconds() - cpu) / shards * 1000

    def lateness_ms(self, job_name: str) -> dict[int, list[float]]:
        """Give how long after their due time the job's shards entered its code, by the period in which they were due."""
        query: dict[str, str | int] = {"jobName": job_name, "per_page": 1000}
        rows = self.client.get("/job/events/executions", params=query).json()["rows"]
        period_ms = _PERIOD_SECONDS * 1000
        late = defaultdict(list)
        for row in rows:
            start_ms = dt.datetime.fromisoformat(row["startTime"]).timestamp() * 1000 - self.due_second * 1000
            late[int(start_ms // period_ms)].append(start_ms % period_ms)
        return late


def _seconds_of(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        return sum(process.cpu_times()[:4])
    return 0.0


@contextlib.contextmanager
def warm_schedulers(nodes: int) -> Iterator[dict[str, WholeScheduler]]:
    """Both schedulers, with an app whose executor runs on all agents."""
    with (
        tempfile.TemporaryDirectory(prefix="ejb-", ignore_cleanup_errors=True) as folder,
        PostgresServer(durable=True) as database,
        contextlib.ExitStack() as stack,
    ):
        directory = Path(folder)
        stack.callback(end_agents_for_good, directory / "ray-agents")
        before = set(psutil.Process().children())
        cluster = stack.enter_context(RayCluster.started())
        rays_own = set(psutil.Process().children()) - before
        os.environ.update(cluster.environment)
        for _ in range(nodes):
            cluster.add_node(cpus=_NODE_CPUS, memory_mb=_NODE_MEMORY_MB)
        schedulers = {}
        for engine in ("local", "ray"):
            database.create_database(engine)
            is_ray = engine == "ray"
            schedulers[engine] = stack.enter_context(
                WholeScheduler(
                    directory / engine,
                    {"DATABASE_URL": database.url(engine), **_settings(engine, nodes, cluster, directory)},
                    directory / ("ray-agents" if is_ray else engine),
                    rays_own if is_ray else (),
                    _PERIOD_SECONDS // 2 if is_ray else 0,
                )
            )
        app_url = _make_app(directory)
        for engine, scheduler in schedulers.items():
            count = nodes if engine == "ray" else 1
            wait_for(lambda s=scheduler, n=count: s.agent_count == n, "all agents are there", 60)  # type: ignore[misc]
            scheduler.publish(
                "app", app_url, bootstrapScript="exec python -m elasticjob_cloud bench_jobs:run"
            )
            scheduler.register("warm", "app", shardingTotalCount=60, **_SMALL)
            scheduler.run_shards("warm", 60)
        yield schedulers


def _settings(engine: str, nodes: int, cluster: RayCluster, directory: Path) -> dict[str, str]:
    if engine == "local":
        return {"CPUS": str(nodes * _NODE_CPUS), "MEMORY_MB": str(nodes * _NODE_MEMORY_MB)}
    return {
        "ENGINE": "ray",
        "RAY_ADDRESS": cluster.address,
        "AGENT_DIR": str(directory / "ray-agents"),
        # Longer than this machine may stand still under the load.
        "FENCE_SECONDS": "60",
        "LOST_SECONDS": "90",
    }


def _make_app(directory: Path) -> str:
    (directory / "bench_jobs.py").write_text(_JOBS)
    with tarfile.open(directory / "app.tar.gz", "w:gz") as archive:
        archive.add(directory / "bench_jobs.py", "bench_jobs.py")
    return (directory / "app.tar.gz").as_uri()


def measure_rates(
    schedulers: dict[str, WholeScheduler], name: str, shards: int, rounds: int, **fields: Any
) -> None:
    """Runs of one job at both schedulers, in turns."""
    for scheduler in schedulers.values():
        scheduler.register(name, "app", shardingTotalCount=shards, **{**_SMALL, **fields})
        scheduler.run_shards(name, shards)  # starts executors, and leases room
    runs: dict[str, list[tuple[float, float]]] = {engine: [] for engine in schedulers}
    for _ in range(rounds):
        for engine, scheduler in schedulers.items():
            runs[engine].append(scheduler.run_shards(name, shards))
    print(f"{name}, {shards} shards in a run")
    for engine, results in runs.items():
        show(f"  {engine}", [rate for rate, _ in results], "shards a second")
        show(f"  {engine}, processor time", [cpu for _, cpu in results], "s per 1,000")
    pairs = list(zip(runs["local"], runs["ray"], strict=True))
    show("  local / ray", [one[0] / other[0] for one, other in pairs], "times")
    show("  processor time, ray / local", [other[1] / one[1] for one, other in pairs], "times")


def measure_lateness(schedulers: dict[str, WholeScheduler], jobs: int, rounds: int) -> None:
    """How late shards enter job code, with so many one-shard jobs due in the same second."""
    names = [f"due-{jobs}-{number}" for number in range(jobs)]
    before = {}
    for engine, scheduler in schedulers.items():
        cron = f"{scheduler.due_second}/{_PERIOD_SECONDS} * * * * ?"
        for name in names:
            scheduler.register(name, "app", cron=cron, misfire=True, **_SMALL)
        before[engine] = finished(scheduler)
    print(f"lateness of {jobs} one-shard SDK jobs due at once")
    for engine, scheduler in schedulers.items():
        wait_until_finished(scheduler, before[engine] + rounds * jobs, rounds * 5 + 60, SELDOM_SECONDS)
    for engine, scheduler in schedulers.items():
        by_period: dict[int, list[float]] = defaultdict(list)
        for name in names:
            for period, delays in scheduler.lateness_ms(name).items():
                by_period[period] += delays
            scheduler.call("DELETE", "/job/deregister", name)
        late = [delay for delays in by_period.values() for delay in delays]
        # Of a machine that others use, the latest shard of most rounds tells more than that of the worst one.
        last = statistics.median(map(max, by_period.values()))
        cuts = statistics.quantiles(late, n=100, method="inclusive")
        figures = f"p50 {cuts[49]:.1f}, p99 {cuts[98]:.1f}, most {max(late):.1f} ms"
        print(f"  {engine:<8} {figures}; the last of a round {last:.1f} ms, median ({len(by_period)} rounds)")


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=3000, help="in an SDK run; script runs have a fifth")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 100], help="due in the same second")
    parser.add_argument("--due-rounds", type=int, default=25, help="how often those are due")
    parser.add_argument("--nodes", type=int, default=3)
    options = parser.parse_args()
    script = {"props": {"script.command.line": "exec /bin/true"}, "memoryMB": 16}
    with warm_schedulers(options.nodes) as schedulers:
        if options.rounds:
            measure_rates(schedulers, "sdk-no-op", options.shards, options.rounds)
            measure_rates(schedulers, "script", options.shards // 5, options.rounds, **script)
        for jobs in options.jobs:
            measure_lateness(schedulers, jobs, options.due_rounds)


if __name__ == "__main__":
    main()
