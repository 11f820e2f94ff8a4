"""What a shard costs in the core, from its fire to its end, without any I/O: microseconds of CPU for each shard.

Run it with `PYTHONPATH=. python benchmarks/bench_core.py`; `--quick` takes a few seconds. The goal is below 30 µs, and the
same within 20 % from 100 to 100,000 jobs and from 1 to 500 agents (docs/semantics.md, promises 8 and 11).
"""

import argparse
import gc
import itertools
import time
from collections.abc import Callable

from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import SCRIPT_COMMAND_LINE, JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import AgentEvents, AgentInfo, AgentJoined, Inventory, Launch, TaskStatus
from elasticjob_cloud.model.records import AppRecord, JobRecord, Snapshot
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import Core, CoreSettings, Decisions, Now, PlacementPolicy, Request
from elasticjob_cloud.scheduling.commands import TriggerJob

START_MS = 1_793_016_000_000
TURN = 1_000  # events in a turn of the loop
_SEQUENCES = itertools.count(1)


def make_core(
    jobs: int,
    shards: int,
    agents: int,
    *,
    script: bool,
    distinct: bool = False,
    placement: PlacementPolicy = PlacementPolicy.SPREAD,
) -> Core:
    """Build a core with idle agents that have room for all shards at once; `distinct`: each asks for something else."""
    configurations = (
        JobConfiguration(
            job_name=f"job-{number}",
            app_name="app",
            job_execution_type=JobExecutionType.TRANSIENT,
            sharding_total_count=shards,
            cpu_count=0.001,
            memory_mb=1 + number if distinct else 1,
            cron="0 * * * * ?",
            props={SCRIPT_COMMAND_LINE: "run"} if script else {},
        )
        for number in range(jobs)
    )
    app = AppConfiguration(
        app_name="app", app_url="http://host/app.zip", bootstrap_script="start", cpu_count=0.001
    )
    core = Core(
        Snapshot(
            apps={"app": AppRecord(app)},
            jobs={it.job_name: JobRecord(it, since_ms=START_MS) for it in configurations},
        ),
        CoreSettings(job_state_queue_size=200_000, placement=placement),
        map("{:032x}".format, itertools.count()).__next__,
    )
    core.take_over(Now(START_MS, 0))
    room = (jobs * shards // agents + shards + 1) * 0.001
    for number in range(agents):
        info = AgentInfo(f"agent-{number:04}", "host", "127.0.0.1", room + 1, 1e9)
        core.handle([AgentJoined(Inventory(info))], Now(START_MS, 0))
    return core


def run_and_end(core: Core, decisions: Decisions, now: Now) -> int:
    """Let all that is due be launched, run and end, in turns of the loop's size; give how many shards that were."""
    turns = [decisions]
    count = 0
    while True:
        events = [status for turn in turns for status in _run_and_end_all(turn, now)]
        due_ms = core.next_due_ms()
        if not events and (due_ms is None or due_ms > now.wall_ms):
            return count
        count += len(events) // 2
        batches = itertools.batched(events, TURN) if hasattr(itertools, "batched") else _batches(events)
        turns = [
            core.handle(
                [AgentEvents(agent_id, next(_SEQUENCES), (status,)) for agent_id, status in batch], now
            )
            for batch in batches
        ] or [core.handle([], now)]


def _run_and_end_all(decisions: Decisions, now: Now) -> list[tuple[str, TaskStatus]]:
    events = []
    for agent_id, commands in decisions.commands.items():
        for command in commands:
            assert isinstance(command, Launch)
            for spec in command.tasks:
                events.append((agent_id, TaskStatus(spec.task_id, TaskState.RUNNING, now.wall_ms)))
                events.append((agent_id, TaskStatus(spec.task_id, TaskState.FINISHED, now.wall_ms)))
    return events


def _batches(events: list[tuple[str, TaskStatus]]) -> list[list[tuple[str, TaskStatus]]]:
    return [events[first : first + TURN] for first in range(0, len(events), TURN)]


def cost_of_due_jobs(jobs: int, shards: int, agents: int, *, script: bool) -> float:
    """Give the µs of a shard when all jobs are due in the same second."""
    core = make_core(jobs, shards, agents, script=script)
    now = Now(START_MS + 60_000, 60_000)
    started = time.process_time()
    count = run_and_end(core, core.handle([], now), now)
    seconds = time.process_time() - started
    assert count == jobs * shards, "every shard of every job ran"
    return seconds / count * 1e6


def cost_of_triggers(jobs: int, shards: int, agents: int, *, script: bool) -> float:
    """Give the µs of a shard when jobs are triggered a few at a time, among many that are registered."""
    core = make_core(jobs, shards, agents, script=script)
    now = Now(START_MS + 1_000, 1_000)
    count = 0
    started = time.process_time()
    for first in range(0, min(jobs, 10_000), 50):
        requests = [Request(number, TriggerJob(f"job-{number}")) for number in range(first, first + 50)]
        count += run_and_end(core, core.handle(requests, now), now)
    return (time.process_time() - started) / count * 1e6


def cost_of_blocked_turns(waiting: int, agents: int) -> float:
    """Give the ms of a turn that frees room while jobs of so many distinct demands wait in vain."""
    core = make_core(waiting, 1, agents, script=True, distinct=True)
    for agent in core.state.agents.values():
        agent.free = agent.free._replace(milli_cpus=0)
        agent.touch()
    now = Now(START_MS + 60_000, 60_000)
    core.handle([], now)
    while core.next_due_ms() == now.wall_ms:
        core.handle([], now)
    assert len(core.state.waiting) == waiting, "there is room for none"
    turns = 20
    started = time.process_time()
    for _ in range(turns):
        core._state.free_room()  # noqa: SLF001 - what a task's end would do, without its own cost
        core.handle([], now)
    return (time.process_time() - started) / turns * 1e3


def _report(title: str, measure: Callable[[], float], unit: str = "µs a shard") -> None:
    gc.collect()
    best = min(measure() for _ in range(3))
    print(f"{title:<62}{best:8.1f} {unit}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the large cases")
    large = 10_000 if parser.parse_args().quick else 100_000
    for script in (True, False):
        kind = "script" if script else "SDK"
        for jobs, shards, agents in (
            (100, 1, 1),
            (10_000, 1, 1),
            (large, 1, 1),
            (10_000, 1, 20),
            (10_000, 1, 500),
            (100, 100, 1),
            (100, 100, 500),
            (large // 100, 100, 20),
            (1, 10_000, 500),
        ):
            title = f"{kind}: {jobs:,} jobs of {shards:,} due at once, {agents} agents"
            _report(title, lambda j=jobs, s=shards, a=agents, k=script: cost_of_due_jobs(j, s, a, script=k))  # type: ignore[misc]
    for jobs, agents in ((100, 1), (10_000, 1), (large, 1), (10_000, 500)):
        title = f"SDK: triggered by fifties among {jobs:,} jobs, {agents} agents"
        _report(title, lambda j=jobs, a=agents: cost_of_triggers(j, 1, a, script=False))  # type: ignore[misc]
    _report(
        "10,000 distinct demands wait in vain, 500 agents",
        lambda: cost_of_blocked_turns(10_000, 500),
        "ms a turn",
    )


if __name__ == "__main__":
    main()
