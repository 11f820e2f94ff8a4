"""All odd scripts at once, several shards each: no hang, no line in a wrong log, and no process left."""

import asyncio
import sys
from pathlib import Path

import pytest

from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import Kill, Launch, TaskSpec
from tests.integration.agent.scripts.script_world import World, play
from tests.odd_jobs.rounds import LONG_ROUNDS
from tests.odd_jobs.script_jobs import JOBS, OddJob

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]
_SHARDS = 3
_ROUND_SECONDS = 120.0
_SETTINGS = AgentSettings(kill_grace_seconds=4.0, memory_check_seconds=0.05)


class Round:
    """All jobs of one round: what they are called, and what became of them."""

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self._number = number

    def task_ids(self, job: OddJob) -> list[str]:
        return [f"{job.name}@-@{item}@-@{self._number}" for item in range(_SHARDS)]

    def launch(self, job: OddJob) -> None:
        app = AppConfiguration(app_name="app", app_url=self._world.url, bootstrap_script="none")
        configuration = JobConfiguration(
            job_name=job.name,
            app_name="app",
            job_execution_type=JobExecutionType.TRANSIENT,
            sharding_total_count=_SHARDS,
            cpu_count=0.1,
            memory_mb=job.memory_mb,
            timeout_seconds=job.timeout_seconds,
            props={"script.command.line": job.command, **job.props},
        )
        specs = [TaskSpec(task_id, item, job.parameter) for item, task_id in enumerate(self.task_ids(job))]
        self._world.agent.handle([Launch(app, configuration, tuple(specs))])

    async def kill(self, job: OddJob) -> None:
        for task_id in self.task_ids(job):
            while not self._world.output(task_id).endswith(b"\n"):  # noqa: ASYNC110 - a process tells
                await asyncio.sleep(0.01)
            self._world.agent.handle([Kill((task_id,), "enough")])

    def check(self, job: OddJob) -> None:
        for item, task_id in enumerate(self.task_ids(job)):
            status = self._world.ended[task_id]
            assert status.state is job.state, (task_id, status.message)
            assert job.says in status.message, task_id
            told = self._world.agent.read_log(task_id, "stderr", 0, 1 << 20).content.decode()
            lines = self._world.output(task_id).decode().splitlines()
            if job.check is not None:
                assert job.check(lines), (task_id, lines)
            else:
                assert lines == [f"{job.name}-{item} {line}" for line in job.lines], (task_id, told)
            assert job.tells in told, task_id
            assert not any(f"{other.name}-" in told for other in JOBS), (task_id, told)


async def run_rounds(world: World, rounds: int) -> None:
    for number in range(rounds):
        this = Round(world, number)
        async with asyncio.timeout(_ROUND_SECONDS):
            for job in JOBS:
                this.launch(job)
            await asyncio.gather(*(this.kill(job) for job in JOBS if job.kill))
            await world.until(lambda: len(world.ended) == len(JOBS) * _SHARDS, _ROUND_SECONDS)
        for job in JOBS:
            this.check(job)
        assert world.processes_left() == set()
        world.ended.clear()


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def play_rounds(directory: Path, rounds: int) -> None:
    before = open_descriptors()
    play(directory, lambda world: run_rounds(world, rounds), _SETTINGS)
    assert open_descriptors() <= before + 2  # what asyncio keeps


@pytest.mark.timeout(300)
def test_odd_scripts_end_as_they_should_and_leave_nothing(tmp_path: Path) -> None:
    play_rounds(tmp_path, 2)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_odd_scripts_end_as_they_should_many_times(tmp_path: Path) -> None:
    play_rounds(tmp_path, LONG_ROUNDS)
