"""An agent in this process for tests of daemon scripts, with real processes."""

from collections.abc import Callable, Coroutine
from pathlib import Path

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.apps import AppCache
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import AgentEvents, Kill, Launch, TaskSpec, TaskStatus
from tests.waiting import Told, run_in_selector_loop

EVERY_SECOND = "* * * * * ?"


class World(Told):
    """An agent in this process, and all statuses that it told."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        (directory / "app.sh").write_text("#!/bin/sh\n")
        self._url = (directory / "app.sh").as_uri()
        settings = AgentSettings(kill_grace_seconds=0.3, memory_check_seconds=0.05)
        self.statuses: list[TaskStatus] = []
        cache = AppCache(directory / "apps", settings.app_limits)
        self.agent = Agent(directory / "agent", settings, cache, self._emit, directory)

    def told(self) -> object:
        return self.statuses

    def launch(
        self,
        command: str,
        cron: str = EVERY_SECOND,
        time_zone: str = "",
        sampling: int = 0,
        memory_mb: float = 256.0,
        timeout_seconds: int = 0,
    ) -> None:
        app = AppConfiguration(
            app_name="app", app_url=self._url, bootstrap_script="none", event_trace_sampling_count=sampling
        )
        job = JobConfiguration(
            job_name="job",
            app_name="app",
            job_execution_type=JobExecutionType.DAEMON,
            cron=cron,
            time_zone=time_zone,
            timeout_seconds=timeout_seconds,
            sharding_total_count=1,
            cpu_count=0.1,
            memory_mb=memory_mb,
            props={"script.command.line": command},
        )
        self.agent.handle([Launch(app, job, (TaskSpec("t", 0, ""),))])

    def kill(self) -> None:
        self.agent.handle([Kill(("t",), "enough")])

    @property
    def executions(self) -> list[TaskStatus]:
        return [status for status in self.statuses if status.execution is not None]

    @property
    def skipped(self) -> list[TaskStatus]:
        return [status for status in self.statuses if status.message.startswith("SKIPPED")]

    @property
    def end(self) -> TaskStatus | None:
        return next((status for status in self.statuses if status.state.is_terminal), None)

    async def ended(self) -> TaskStatus:
        await self.until(lambda: self.end is not None)
        assert self.end is not None
        return self.end

    def _emit(self, batch: AgentEvents) -> None:
        self.statuses += [event for event in batch.events if isinstance(event, TaskStatus)]
        self.agent.acknowledge(batch.sequence)
        self.note_change()


def play(directory: Path, scenario: Callable[[World], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        world = World(directory)
        await world.agent.start()
        try:
            await scenario(world)
        finally:
            await world.agent.close("the test is over")
        assert world.agent.is_idle

    run_in_selector_loop(run())
