"""An agent in this process for tests of scripts, with real processes."""

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.apps import AppCache
from elasticjob_cloud.agent.process.table import read_environment, read_processes
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import AgentEvents, Launch, TaskSpec, TaskStatus
from tests.waiting import PATIENCE_SECONDS, Told, run_in_selector_loop, until


class World(Told):
    """An agent in this process, whose events are kept and acknowledged."""

    def __init__(self, directory: Path, settings: AgentSettings, file_limit: int | None = None) -> None:
        super().__init__()
        (directory / "app.sh").write_text("#!/bin/sh\n")
        self.url = (directory / "app.sh").as_uri()
        self.ended: dict[str, TaskStatus] = {}
        self.running: set[str] = set()
        self.acknowledges = True
        cache = AppCache(directory / "apps", settings.app_limits)
        self.agent = Agent(directory / "agent", settings, cache, self._emit, directory, file_limit)

    def told(self) -> object:
        return self.running, self.ended

    def launch(
        self,
        command: str,
        task_id: str = "t",
        memory_mb: float = 256.0,
        timeout_seconds: int = 0,
        parameter: str = "",
        job_parameter: str = "",
        props: Mapping[str, str] | None = None,
    ) -> None:
        app = AppConfiguration(app_name="app", app_url=self.url, bootstrap_script="none")
        job = JobConfiguration(
            job_name="job",
            app_name="app",
            job_execution_type=JobExecutionType.TRANSIENT,
            sharding_total_count=1,
            cpu_count=0.1,
            memory_mb=memory_mb,
            timeout_seconds=timeout_seconds,
            job_parameter=job_parameter,
            props={"script.command.line": command, **(props or {})},
        )
        self.agent.handle([Launch(app, job, (TaskSpec(task_id, 0, parameter),))])

    async def end_of(self, task_id: str = "t", seconds: float = PATIENCE_SECONDS) -> TaskStatus:
        await self.until(lambda: task_id in self.ended, seconds)
        return self.ended[task_id]

    async def until_output(self, expected: bytes, task_id: str = "t") -> None:
        """Wait until it has printed so much."""
        await until(lambda: len(self.output(task_id)) >= len(expected), "its output is there")
        assert self.output(task_id) == expected

    def processes_left(self) -> set[int]:
        """Give all processes that this agent started and that still run, wherever they went."""
        mark = f"ELASTICJOB_AGENT_ID={self.agent.info.agent_id}\0".encode()
        return {
            pid for pid, row in read_processes().items() if not row.zombie and mark in read_environment(pid)
        }

    def output(self, task_id: str = "t") -> bytes:
        return self.agent.read_log(task_id, "stdout", 0, 1 << 24).content

    def _emit(self, batch: AgentEvents) -> None:
        for event in batch.events:
            if isinstance(event, TaskStatus):
                if event.state.is_terminal:
                    self.ended[event.task_id] = event
                else:
                    self.running.add(event.task_id)
        if self.acknowledges:
            self.agent.acknowledge(batch.sequence)
        self.note_change()


def play(
    directory: Path,
    scenario: Callable[[World], Coroutine[None, None, None]],
    settings: AgentSettings | None = None,
) -> None:
    """Run a scenario with an agent, and check that the agent leaves nothing behind at its end."""

    async def run() -> None:
        world = World(directory, settings or AgentSettings(kill_grace_seconds=0.3, memory_check_seconds=0.05))
        await world.agent.start()
        try:
            await scenario(world)
        finally:
            await world.agent.close("the test is over")
        assert world.processes_left() == set()

    run_in_selector_loop(run())
