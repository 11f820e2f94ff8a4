"""What placement costs over many agents: alone, against a plain first fit in the same run, and in the core.

Run it with `PYTHONPATH=. python benchmarks/bench_placement.py`; `--quick` leaves out planning 10,000 shards, and `--core`
all but the cost in the core. The goals: thousands of shards over hundreds of agents in milliseconds, and a cost for each
shard in the core that is the same within 20 % from 1 to 500 agents. How much of that cost is planning is told; what else
grows with the agents that a run is spread over is what their commands cost. `docs/placement.md` has the figures, and says
how instructions are counted with `--play`, which other load does not change.
"""

import argparse
import asyncio
import gc
import itertools
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self
from unittest.mock import patch

from bench_core import START_MS, make_core, run_and_end

from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import AgentInfo, EngineEvent
from elasticjob_cloud.model.records import AppRecord, JobRecord, Snapshot
from elasticjob_cloud.scheduling import Core, CoreSettings, Now, PlacementPolicy, Request
from elasticjob_cloud.scheduling.commands import TriggerJob
from elasticjob_cloud.scheduling.placement.agent import AgentState
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.fleet import Fleet
from elasticjob_cloud.scheduling.placement.planner import Planner
from elasticjob_cloud.scheduling.placement.policies import POLICIES, Placement
from elasticjob_cloud.scheduling.placement.room import Room
from tests.fakes.engine import FakeCluster, FakeEngine

AGENTS = (1, 10, 100, 500)
EXECUTOR = Room.of(0.5, 128)


class Load(NamedTuple):
    """Runs that are placed one after another on agents with room for `fill` times all of them."""

    name: str
    demands: list[Demand]
    fill: float = 1.5
    avoids: bool = False


def loads(shards: int) -> list[Load]:
    """Give what is placed: this many shards in all (of single shards, a tenth)."""
    few = shards // 10
    sizes = itertools.cycle((0.1, 0.25, 0.5, 1.0, 2.0))
    mixed = [_demand(f"app-{number % 20}", 10, next(sizes)) for number in range(shards // 10)]
    return [
        Load("one run", [_demand("app", shards, 0.1)]),
        Load("runs of 100", [_demand("app", 100, 0.1)] * (shards // 100)),
        Load("runs of 1", [_demand("app", 1, 0.1)] * few),
        Load("mixed sizes, 20 apps, runs of 10", mixed),
        Load("too full: half is refused", [_demand("app", 100, 0.1)] * (shards // 100), fill=0.5),
        Load("failover: each avoids an agent", [_demand("app", 1, 0.1)] * few, avoids=True),
    ]


def _demand(app_name: str, shards: int, cpus: float) -> Demand:
    return Demand(app_name, shards, Room.of(cpus, 64 * cpus), EXECUTOR)


def make_fleet(policy: PlacementPolicy, agents: int, load: Load) -> Fleet:
    """Make idle agents that have room for the load, as far as it is to have room."""
    apps = len({demand.app_name for demand in load.demands})
    wanted = sum(demand.shards * demand.shard.milli_cpus for demand in load.demands) / 1000 * load.fill
    size = wanted / agents + apps * EXECUTOR.milli_cpus / 1000
    fleet = Fleet(POLICIES[policy])
    for number in range(agents):
        fleet.join(AgentInfo(f"agent-{number:04}", "host", "127.0.0.1", max(size, 4.0), 1e6))
    return fleet


def planned(fleet: Fleet, demand: Demand, avoid: str) -> Placement | None:
    """Plan as the core does, in a pass of its own: room may have been freed before each run."""
    return Planner(fleet).plan(demand, avoid)


def first_fit(fleet: Fleet, demand: Demand, avoid: str) -> Placement | None:
    """Plan by looking at one agent after another, as whoever begins would write it."""
    placement: Placement = []
    missing = demand.shards
    last = [agent for agent in fleet.agents.values() if agent.info.agent_id == avoid]
    for agent in (*(it for it in fleet.agents.values() if it.info.agent_id != avoid), *last):
        room = agent.free
        if demand.executor is not None and demand.app_name not in agent.executors:
            room = room.minus(demand.executor)
        count = min(room.count_of(demand.shard), missing)
        if count:
            placement.append((agent, count))
            missing -= count
            if not missing:
                return placement
    return None


def place(
    fleet: Fleet, load: Load, plan: Callable[[Fleet, Demand, str], Placement | None]
) -> tuple[float, int]:
    """Give the seconds that planning takes, without taking the room, and how many shards were placed."""
    gc.collect()
    seconds, placed = 0.0, 0
    avoided = itertools.cycle(list(fleet.agents)) if load.avoids else itertools.repeat("")
    for demand, avoid in zip(load.demands, avoided, strict=False):
        started = time.process_time()
        placement = plan(fleet, demand, avoid)
        seconds += time.process_time() - started
        for agent, count in placement or ():
            _take_room(agent, demand, count)
            placed += count
    return seconds, placed


def _take_room(agent: AgentState, demand: Demand, count: int) -> None:
    if demand.executor is not None:
        agent.executor_started(demand.app_name, demand.executor)
    shards = Room(demand.shard.milli_cpus * count, demand.shard.memory_kib * count)
    agent.free = agent.free.minus(shards)
    agent.task_ids.add("a task")
    agent.touch()


def compare(agents: int, load: Load) -> None:
    """Print the cost of both policies and of a first fit."""
    cells = []
    base = 0.0
    for name, policy, plan in (
        ("first fit", PlacementPolicy.SPREAD, first_fit),
        ("spread", PlacementPolicy.SPREAD, planned),
        ("pack", PlacementPolicy.PACK, planned),
    ):
        seconds, placed = min(place(make_fleet(policy, agents, load), load, plan) for _ in range(3))
        base = base or seconds
        asked = sum(demand.shards for demand in load.demands)
        cells.append(f"{name} {seconds * 1e3:8.2f} ms {seconds / asked * 1e6:7.2f} µs x{seconds / base:5.2f}")
        assert placed if load.fill < 1 else placed == asked, "what has room is placed"
    print(f"{agents:>4} agents {load.name:<34}{'   '.join(cells)}", flush=True)


# In the core


class Cost(NamedTuple):
    """The µs of a shard from its fire to its end, and how many of them are planning."""

    whole: float
    planning: float


class _PlanningTime:
    """Adds up what planning takes while it is entered."""

    def __init__(self) -> None:
        self.seconds = 0.0
        plan = Planner.plan

        def timed_plan(planner: Planner, demand: Demand, avoid: str = "") -> Placement | None:
            started = time.process_time()
            placement = plan(planner, demand, avoid)
            self.seconds += time.process_time() - started
            return placement

        self._patch = patch.object(Planner, "plan", timed_plan)

    def __enter__(self) -> Self:
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()


def cost_in_core(jobs: int, shards: int, agents: int, policy: PlacementPolicy) -> Cost:
    """Give the cost of a shard when all jobs are due in the same second."""
    core = make_core(jobs, shards, agents, script=False, placement=policy)
    now = Now(START_MS + 60_000, 60_000)
    gc.collect()
    with _PlanningTime() as planning:
        started = time.process_time()
        count = run_and_end(core, core.handle([], now), now)
        seconds = time.process_time() - started
    assert count == jobs * shards, "every shard of every job ran"
    return Cost(seconds / count * 1e6, planning.seconds / count * 1e6)


def cost_of_single_triggers(jobs: int, agents: int, policy: PlacementPolicy) -> Cost:
    """Give the cost of a run of one shard that has a turn of the loop for itself."""
    core = make_core(jobs, 1, agents, script=False, placement=policy)
    now = Now(START_MS + 1_000, 1_000)
    gc.collect()
    count = 0
    with _PlanningTime() as planning:
        started = time.process_time()
        for number in range(jobs):
            count += run_and_end(core, core.handle([Request(number, TriggerJob(f"job-{number}"))], now), now)
        seconds = time.process_time() - started
    return Cost(seconds / count * 1e6, planning.seconds / count * 1e6)


def play(policy: str, jobs: str, shards: str, agents: str, minutes: str) -> None:
    """Let all jobs run once in each of so many minutes, for a profiler or a counter of instructions."""
    core = make_core(int(jobs), int(shards), int(agents), script=False, placement=PlacementPolicy(policy))
    for minute in range(1, int(minutes) + 1):
        now = Now(START_MS + minute * 60_000, minute * 60_000)
        count = run_and_end(core, core.handle([], now), now)
        assert count == int(jobs) * int(shards), "every shard of every job ran"


def report_costs_in_core(policy: PlacementPolicy) -> None:
    """Print what a shard costs with one agent and with more."""
    print(f"in the core, {policy}: µs a shard (of which planning), and against 1 agent")
    measures: tuple[tuple[str, Callable[[int], Cost]], ...] = (
        ("1,500 jobs of 1 due at once", lambda agents: cost_in_core(1_500, 1, agents, policy)),
        ("200 jobs of 10 due at once", lambda agents: cost_in_core(200, 10, agents, policy)),
        ("30 jobs of 100 due at once", lambda agents: cost_in_core(30, 100, agents, policy)),
        ("3 jobs of 1,000 due at once", lambda agents: cost_in_core(3, 1_000, agents, policy)),
        ("1 job of 10,000", lambda agents: cost_in_core(1, 10_000, agents, policy)),
        ("400 triggers, a turn each", lambda agents: cost_of_single_triggers(400, agents, policy)),
    )
    for name, measure in measures:
        # In turns, so that what else the machine does weighs on all alike.
        rounds = [[measure(agents) for agents in AGENTS] for _ in range(12)]
        costs = [min(of_agents) for of_agents in zip(*rounds, strict=True)]
        cells = (
            f"{agents} agents {it.whole:5.1f} ({it.planning:4.1f}) x{it.whole / costs[0].whole:4.2f}"
            for agents, it in zip(AGENTS, costs, strict=True)
        )
        print(f"    {name:<30}{'   '.join(cells)}", flush=True)


def cost_of_look(waiting: int, agents: int) -> tuple[float, float]:
    """Give the ms for what is asked for (each second) and for who is warned of (each five), as distinct jobs wait."""
    core = make_core(waiting, 1, agents, script=True, distinct=True)
    for agent in core.state.agents.values():
        agent.free = agent.free._replace(milli_cpus=0)
        agent.touch()
    now = Now(START_MS + 60_000, 60_000)
    while core.next_due_ms() == now.wall_ms or not core.state.waiting:
        core.handle([], now)
    assert len(core.unmet_room(200)) == 200, "there is room for none"
    return _milliseconds(lambda: core.unmet_room(200)), _milliseconds(core.unplaceable_jobs)


def _milliseconds(look: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(5):
        look()
    return (time.process_time() - started) / 5 * 1e3


# With the fake engine


def cost_with_engine(shards: int, agents: int, policy: PlacementPolicy) -> tuple[float, float]:
    """Give the wall ms until a run's launches are sent, and until its last end is known, with fake agents."""
    return asyncio.run(_run_with_engine(shards, agents, policy))


async def _run_with_engine(shards: int, agents: int, policy: PlacementPolicy) -> tuple[float, float]:
    cluster = FakeCluster()
    for number in range(agents):
        cluster.add(f"machine-{number}", cpus=shards / agents * 0.1 + 2, memory_mb=1e6)
    app = AppConfiguration(app_name="app", app_url="http://host/app.zip", bootstrap_script="b", cpu_count=0.5)
    job = JobConfiguration(
        job_name="job",
        app_name="app",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=shards,
        cpu_count=0.1,
        memory_mb=1,
    )
    snapshot = Snapshot(apps={"app": AppRecord(app)}, jobs={"job": JobRecord(job, since_ms=START_MS)})
    new_id = map("{:032x}".format, itertools.count()).__next__
    core = Core(snapshot, CoreSettings(placement=policy), new_id)
    now = Now(START_MS, 0)
    core.take_over(now)
    events: list[EngineEvent] = []
    engine = FakeEngine(cluster)
    await engine.start(1, frozenset(), events.append)

    def turn(*requests: Request) -> None:
        taken: Iterable[EngineEvent] = [events.pop(0) for _ in range(len(events))]
        for agent_id, commands in core.handle([*taken, *requests], now).commands.items():
            engine.send(agent_id, commands)

    turn()
    started = time.perf_counter()
    turn(Request(1, TriggerJob("job")))
    sent = time.perf_counter()
    while core.state.tasks:
        await asyncio.sleep(0)
        turn()
    ended = time.perf_counter()
    await engine.stop()
    return (sent - started) * 1e3, (ended - started) * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out 10,000 shards")
    parser.add_argument("--core", action="store_true", help="measure only what a shard costs in the core")
    parser.add_argument(
        "--play",
        nargs=5,
        metavar=("POLICY", "JOBS", "SHARDS", "AGENTS", "MINUTES"),
        help="only play one case in the core, for a counter of instructions",
    )
    arguments = parser.parse_args()
    if arguments.play:
        play(*arguments.play)
        return
    sizes = (1_000,) if arguments.quick else (1_000, 10_000)
    for shards in () if arguments.core else sizes:
        print(f"planning {shards:,} shards (runs of 1: a tenth): total, for each shard, against first fit")
        for agents in AGENTS:
            for load in loads(shards):
                compare(agents, load)
    for policy in PlacementPolicy:
        report_costs_in_core(policy)
    if arguments.core:
        return
    print("a look of the placement watch at 10,000 distinct jobs that wait")
    for agents in AGENTS:
        asked, warned = cost_of_look(10_000, agents)
        print(
            f"    {agents:>4} agents: what is asked for {asked:6.1f} ms, warnings {warned:6.1f} ms",
            flush=True,
        )
    print("one run with fake agents: until its launches are sent, until its last end is known")
    for policy, shards, agents in itertools.product(PlacementPolicy, sizes, AGENTS):
        sent, ended = min(cost_with_engine(shards, agents, policy) for _ in range(3))
        print(
            f"    {policy:<8}{shards:>6,} shards {agents:>4} agents {sent:8.1f} ms {ended:8.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
