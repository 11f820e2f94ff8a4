"""An engine whose tasks end at once, and an app and a job to run with it."""

import asyncio
from collections.abc import Sequence

from elasticjob_cloud.engine.contract import EventSink, Pieces
from elasticjob_cloud.model.errors import BugError, UnavailableError
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import SCRIPT_COMMAND_LINE, JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import (
    AgentEvents,
    AgentInfo,
    AgentJoined,
    Command,
    Inventory,
    Launch,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.commands import ApiCommand, PublishApp, RegisterJob
from elasticjob_cloud.service.scheduler import Scheduler
from tests.fakes.silent_engine import SilentEngine
from tests.waiting import PATIENCE_SECONDS

APP = PublishApp(AppConfiguration(app_name="app", app_url="http://a/b.sh", bootstrap_script="b"))

JOB = RegisterJob(
    JobConfiguration(
        job_name="job",
        app_name="app",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=1,
        cpu_count=0.1,
        memory_mb=1,
        props={SCRIPT_COMMAND_LINE: "b"},
    )
)


class InstantEngine(SilentEngine):
    """An engine whose one agent ends each task as soon as it gets it; keeps the contract otherwise."""

    def __init__(self, sequence: int = 0) -> None:
        """Count batches from this number: its agent is one and the same for all schedulers."""
        self.launched: list[str] = []
        self.acknowledged: list[int] = []
        self.reconciled = 0
        self._sink: EventSink | None = None
        self._sequence = sequence
        self._held: dict[str, TaskStatus] = {}

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        self._sink = sink
        self.reconcile(known_agents)

    async def prepare(self) -> None:
        pass

    def lead_until(self, deadline: float) -> None:
        pass

    def reserve(self, agent_id: str, cpus: float, memory_mb: float) -> None:
        pass

    def want_room(self, runs: Sequence[Pieces]) -> None:
        pass

    def reconcile(self, known_agents: frozenset[str]) -> None:
        assert self._sink is not None
        self.reconciled += 1
        info = AgentInfo("agent", "host", "127.0.0.1", 4, 4096)
        self._sink(AgentJoined(Inventory(info, tuple(self._held.values()))))

    def send(self, agent_id: str, commands: Sequence[Command]) -> None:
        assert self._sink is not None
        for command in commands:
            if isinstance(command, Launch):
                self.launched.extend(task.task_id for task in command.tasks)
                ends = tuple(TaskStatus(task.task_id, TaskState.FINISHED, 1) for task in command.tasks)
                self._held.update({status.task_id: status for status in ends})
                self._sequence += 1
                self._sink(AgentEvents(agent_id, self._sequence, ends))

    def acknowledge(self, agent_id: str, sequence: int) -> None:
        self.acknowledged.append(sequence)

    async def stop(self) -> None:
        self._sink = None


async def submit_at_last(scheduler: Scheduler, command: ApiCommand) -> None:
    """Submit until there is a leader again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await scheduler.submit(command)
            except (UnavailableError, BugError):
                await asyncio.sleep(0.01)
            else:
                return
