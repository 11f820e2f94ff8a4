"""Script shards through the Agent, against bare asyncio processes in the same run.

Both start the same command so often, rounds taking turns since the machine drifts. The goal (targets): the agent, with
output capture, memory watch, journal, statuses and the search for what is left behind, reaches 80 % of bare asyncio.
"""

import argparse
import asyncio
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.apps import AppCache
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import AgentEvents, Launch, TaskSpec, TaskStatus
from elasticjob_cloud.model.task import TaskState


class Counter:
    """Counts ended tasks and acknowledges them, as a scheduler would."""

    def __init__(self) -> None:
        self.agent: Agent | None = None
        self.ended = 0
        self.changed = asyncio.Event()

    def emit(self, batch: AgentEvents) -> None:
        assert self.agent is not None
        for event in batch.events:
            if isinstance(event, TaskStatus) and event.state.is_terminal:
                assert event.state is TaskState.FINISHED, event
                self.ended += 1
        self.agent.acknowledge(batch.sequence)
        self.changed.set()

    async def wait_for(self, count: int) -> None:
        while self.ended < count:
            self.changed.clear()
            await self.changed.wait()


async def run_bare(command: str, count: int, at_once: int) -> float:
    """Start bare processes, so many at once; give the seconds that it took."""
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            process = await asyncio.create_subprocess_exec(command, stdin=asyncio.subprocess.DEVNULL)
            await process.wait()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return time.perf_counter() - began


async def run_agent(
    counter: Counter, launch_round: int, command: str, url: str, count: int, at_once: int
) -> float:
    """Run as many script shards, launched in runs of `at_once`; give the seconds that it took."""
    assert counter.agent is not None
    app = AppConfiguration(app_name="bench", app_url=url, bootstrap_script="none")
    job = JobConfiguration(
        job_name="bench",
        app_name="bench",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=at_once,
        cpu_count=0.1,
        memory_mb=64.0,
        props={"script.command.line": command},
    )
    goal = counter.ended
    began = time.perf_counter()
    for first in range(0, count, at_once):
        specs = tuple(
            TaskSpec(f"bench@-@{item}@-@READY@-@a@-@{launch_round}-{first}", item, "")
            for item in range(min(at_once, count - first))
        )
        goal += len(specs)
        counter.agent.handle([Launch(app, job, specs)])
        # The next run is there before the last one has wholly ended, as with many jobs.
        await counter.wait_for(goal - at_once // 2)
    await counter.wait_for(goal)
    return time.perf_counter() - began


def cpu_seconds() -> float:
    """Give the user and system time of this process alone."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def compare(command: str, count: int, at_once: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-spawn-") as name:
        directory = Path(name)
        file = directory / "app.sh"
        file.write_text("#!/bin/sh\n")
        counter = Counter()
        settings = AgentSettings()
        agent = Agent(
            directory, settings, AppCache(directory / "apps", settings.app_limits), counter.emit, directory
        )
        counter.agent = agent
        await agent.start()
        bare_rates, agent_rates, bare_cpu, agent_cpu = [], [], [], []
        for number in range(rounds):
            before = cpu_seconds()
            bare_rates.append(count / await run_bare(command, count, at_once))
            between = cpu_seconds()
            agent_rates.append(
                count / await run_agent(counter, number, command, file.as_uri(), count, at_once)
            )
            bare_cpu.append((between - before) * 1000 / count)
            agent_cpu.append((cpu_seconds() - between) * 1000 / count)
        await agent.close("the benchmark is over")
    bare, ours = statistics.median(bare_rates), statistics.median(agent_rates)
    ratio = statistics.median(mine / theirs for mine, theirs in zip(agent_rates, bare_rates, strict=True))
    print(f"bare asyncio  {bare:7.0f} a second, {statistics.median(bare_cpu):.3f} CPU s per 1000")
    print(f"agent         {ours:7.0f} a second, {statistics.median(agent_cpu):.3f} CPU s per 1000")
    print(f"ratio         {ratio:7.2f} (goal 0.80), median of {rounds} rounds of {count}, {at_once} at once")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--command", default="/bin/true")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        if sys.version_info < (3, 12):
            # Later ones choose pidfds by themselves.
            watcher = asyncio.PidfdChildWatcher()
            asyncio.get_event_loop_policy().set_child_watcher(watcher)
            watcher.attach_loop(runner.get_loop())
        runner.run(compare(arguments.command, arguments.count, arguments.at_once, arguments.rounds))


if __name__ == "__main__":
    main()
