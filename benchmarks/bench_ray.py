"""Measure the Ray engine against the local one, in one run: shards a second, and how soon a launched shard runs.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_ray.py [--shards 2000] [--rounds 5] [--nodes 3]

Engines alone, without scheduler and database: both get the same launches, and their agents share this machine. Rounds
of the two take turns.
"""

import argparse
import asyncio
import itertools
import math
import os
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.engine.local import LocalEngine
from elasticjob_cloud.engine.ray.engine import RayEngine
from elasticjob_cloud.engine.ray.frames import GatewaySettings
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import (
    AgentEvents,
    AgentJoined,
    EngineEvent,
    Launch,
    TaskSpec,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState
from tests.clusters.ray_nodes import RayCluster
from tests.contract.ray_world import end_agents_for_good

_JOBS = "def run(context):\n    pass\n"
_SETTINGS = AgentSettings(fence_seconds=60.0)
_LATENCIES = 300


class Load:
    """Launches shards through an engine, and counts what becomes of them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.agents: list[str] = []
        self._waiting: set[str] = set()
        self._begun_at: dict[str, float] = {}
        self._done = asyncio.Event()
        self._expected = 0
        self._joined = asyncio.Event()

    async def start(self, agents: int) -> None:
        """Wait for so many agents."""
        await self.engine.start(1, frozenset(), self._take)
        self._expected = agents
        self._note_agents()
        await asyncio.wait_for(self._joined.wait(), 120)

    async def run(self, launches: dict[str, Launch]) -> float:
        """Launch on each agent what is its, and wait for all ends; give the seconds."""
        self._waiting = {spec.task_id for launch in launches.values() for spec in launch.tasks}
        self._done.clear()
        began = time.perf_counter()
        for agent_id, launch in launches.items():
            self.engine.reserve(agent_id, 1.0, 512.0)
            self.engine.send(agent_id, [launch])
        await asyncio.wait_for(self._done.wait(), 300)
        return time.perf_counter() - began

    async def latency(self, agent_id: str, launch: Launch) -> float:
        """Launch one shard; give the seconds until the scheduler knows that it runs."""
        began = time.perf_counter()
        await self.run({agent_id: launch})
        return self._begun_at[launch.tasks[0].task_id] - began

    def _take(self, event: EngineEvent) -> None:
        match event:
            case AgentJoined(inventory):
                if inventory.agent.agent_id not in self.agents:
                    self.agents.append(inventory.agent.agent_id)
                self._note_agents()
            case AgentEvents(agent_id, sequence, events):
                self.engine.acknowledge(agent_id, sequence)
                for status in events:
                    if isinstance(status, TaskStatus):
                        self._note(status)
            case _:
                raise RuntimeError(f"An agent was lost: {event}")

    def _note_agents(self) -> None:
        if 0 < self._expected <= len(self.agents):
            self._joined.set()

    def _note(self, status: TaskStatus) -> None:
        if status.state is TaskState.RUNNING:
            self._begun_at.setdefault(status.task_id, time.perf_counter())
        elif status.state.is_terminal:
            if status.state is not TaskState.FINISHED:
                raise RuntimeError(f"A shard did not finish: {status}")
            self._waiting.discard(status.task_id)
            if not self._waiting:
                self._done.set()


class Launches:
    """Makes launches whose task ids are new."""

    def __init__(self, directory: Path) -> None:
        (directory / "bench_ray_jobs.py").write_text(_JOBS)
        with tarfile.open(directory / "app.tar.gz", "w:gz") as archive:
            archive.add(directory / "bench_ray_jobs.py", "bench_ray_jobs.py")
        self._app = AppConfiguration(
            app_name="bench",
            app_url=(directory / "app.tar.gz").as_uri(),
            bootstrap_script="exec python -m elasticjob_cloud bench_ray_jobs:run",
        )
        self._numbers = itertools.count()

    def make(self, shards: int, *, script: bool) -> Launch:
        """Give a launch of so many shards that do nothing."""
        job = JobConfiguration(
            job_name="script" if script else "job",
            app_name="bench",
            job_execution_type=JobExecutionType.TRANSIENT,
            sharding_total_count=shards,
            cpu_count=0.001,
            memory_mb=16.0,
            props={"script.command.line": "exec /bin/true"} if script else {},
        )
        tasks = tuple(TaskSpec(f"t{next(self._numbers)}", item, "") for item in range(shards))
        return Launch(self._app, job, tasks)


@contextmanager
def ray_engine(nodes: int) -> Iterator[RayEngine]:
    """An engine over a Ray cluster of this machine."""
    with tempfile.TemporaryDirectory(prefix="agents-", ignore_cleanup_errors=True) as folder:
        with RayCluster.started() as cluster:
            for _ in range(nodes):
                cluster.add_node(cpus=4, memory_mb=2048)
            os.environ.update(cluster.environment)
            settings = GatewaySettings(
                address=cluster.address,
                namespace="bench",
                agent_dir=folder,
                agent_settings=msgspec.json.encode(_SETTINGS).decode(),
            )
            engine = RayEngine(settings, 90.0)
            engine.lead_until(math.inf)
            yield engine
        end_agents_for_good(Path(folder))  # relays outlive their cluster for a moment, and start them again


def show(what: str, values: list[float], unit: str) -> None:
    """Print a figure's median, with the least and the most."""
    print(f"{what:<50} {statistics.median(values):>10.2f}  ({min(values):.2f} to {max(values):.2f}) {unit}")


async def _rates(loads: dict[str, Load], make: Callable[[int], Launch], shards: int, rounds: int) -> None:
    rates: dict[str, list[float]] = {name: [] for name in loads}
    for round_number in range(rounds + 1):
        for name, load in loads.items():
            share = shards // len(load.agents)
            seconds = await load.run({agent_id: make(share) for agent_id in load.agents})
            if round_number:  # the first one starts executors and leases
                rates[name].append(share * len(load.agents) / seconds)
    for name, values in rates.items():
        show(f"  {name}", values, "shards a second")
    show("  local / ray", [a / b for a, b in zip(rates["local"], rates["ray"], strict=True)], "times")


async def _latencies(loads: dict[str, Load], launches: Launches) -> None:
    delays: dict[str, list[float]] = {name: [] for name in loads}
    for _ in range(_LATENCIES):
        for name, load in loads.items():
            delay = await load.latency(load.agents[0], launches.make(1, script=False))
            delays[name].append(delay * 1000)
    for name, values in delays.items():
        cuts = statistics.quantiles(values, n=100, method="inclusive")
        print(f"  {name:<48} p50 {cuts[49]:.1f}, p99 {cuts[98]:.1f}, most {max(values):.1f} ms")


async def measure(options: argparse.Namespace, directory: Path, ray: RayEngine) -> None:
    """Measure both engines, in turns."""
    local = LocalEngine(directory / "agent", AgentSettings(), cpus=64.0, memory_mb=1e6)
    loads = {"local": Load(local), "ray": Load(ray)}
    await loads["local"].start(1)
    await loads["ray"].start(options.nodes)
    launches = Launches(directory)
    try:
        print(f"SDK no-op shards, {options.shards} in a run")
        await _rates(loads, lambda count: launches.make(count, script=False), options.shards, options.rounds)
        print(f"script shards (`exec /bin/true`), {options.shards // 5} in a run")
        await _rates(
            loads, lambda count: launches.make(count, script=True), options.shards // 5, options.rounds
        )
        print("launched -> the scheduler knows that it runs, one SDK shard")
        await _latencies(loads, launches)
    finally:
        await ray.stop()
        await local.stop()


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=2000, help="in an SDK run; script runs have a fifth")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ray_engine(options.nodes) as ray:
        asyncio.run(measure(options, Path(folder), ray))


if __name__ == "__main__":
    main()
