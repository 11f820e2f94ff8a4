"""What the engine suite runs against: a way to make each engine over a directory, and to break it."""

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.engine.local import LocalEngine
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import (
    AgentDraining,
    AgentEvents,
    AgentJoined,
    AgentLost,
    EngineEvent,
    Launch,
    LogChunk,
    TaskSpec,
    TaskStatus,
)
from elasticjob_cloud.model.queries.logs import LogRead
from elasticjob_cloud.model.task import TaskState
from tests.contract.ray_world import RayWorld
from tests.fakes.engine import FakeCluster, FakeEngine
from tests.waiting import Told


class EngineWorld(Protocol):
    """One engine under test: makes schedulers' ends of it, and cleans up."""

    def make(self) -> Engine:
        """Give a scheduler's engine; each is a new scheduler over the same agents."""

    async def crash_agent(self) -> None:
        """End the agent as by `kill -9`."""

    async def terminate_agent(self) -> None:
        """Tell the agent to end, as by SIGTERM."""

    def close(self) -> None:
        """End everything."""


class LocalWorld:
    """The local engine over one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def make(self) -> Engine:
        return LocalEngine(
            self._directory,
            AgentSettings(kill_grace_seconds=0.5),
            cpus=4.0,
            memory_mb=1024.0,
            stranger_seconds=0.1,  # of the ids that the suite makes up
        )

    async def crash_agent(self) -> None:
        present = AgentDirectory(self._directory).read_process()
        assert present is not None
        os.kill(present.pid, signal.SIGKILL)

    async def terminate_agent(self) -> None:
        present = AgentDirectory(self._directory).read_process()
        assert present is not None
        os.kill(present.pid, signal.SIGTERM)

    def close(self) -> None:
        present = AgentDirectory(self._directory).read_process()
        if present is not None and present.runs():
            with contextlib.suppress(ProcessLookupError):
                os.kill(present.pid, signal.SIGTERM)


class FakeWorld:
    """The fake of the tests, with one machine."""

    def __init__(self, _: Path) -> None:
        self._cluster = FakeCluster()
        self._cluster.add("machine", cpus=4.0, memory_mb=1024.0)

    def make(self) -> Engine:
        return FakeEngine(self._cluster)

    async def crash_agent(self) -> None:
        self._cluster.crash_agent("machine")

    async def terminate_agent(self) -> None:
        self._cluster.terminate_agent("machine")

    def close(self) -> None:
        """Nothing outlives the event loop."""


WORLDS: dict[str, Callable[[Path], EngineWorld]] = {"fake": FakeWorld, "local": LocalWorld, "ray": RayWorld}


class Scheduler(Told):
    """The least of a scheduler: keeps what an engine tells, and can wait for it."""

    def __init__(self, engine: Engine, *, acknowledges: bool = True) -> None:
        super().__init__()
        self.engine = engine
        self.events: list[EngineEvent] = []
        self._acknowledges = acknowledges

    def told(self) -> object:
        return self.events

    async def read(self, task_id: str, stream: str = "stdout", offset: int = 0, limit: int = 100) -> LogChunk:
        """Read a part of a task's output."""
        reply = await self.engine.ask_log(self.agent_id, LogRead(task_id, stream, offset, limit))
        assert isinstance(reply, LogChunk)
        return reply

    async def start(self, epoch: int = 1, known: frozenset[str] = frozenset()) -> None:
        await self.engine.start(epoch, known, self._sink)
        await self.until(lambda: bool(self.joined))

    @property
    def joined(self) -> list[AgentJoined]:
        return [event for event in self.events if isinstance(event, AgentJoined)]

    @property
    def lost(self) -> list[str]:
        return [event.agent_id for event in self.events if isinstance(event, AgentLost)]

    @property
    def draining(self) -> list[str]:
        return [event.agent_id for event in self.events if isinstance(event, AgentDraining)]

    @property
    def agent_id(self) -> str:
        return self.joined[-1].inventory.agent.agent_id

    def statuses(self, task_id: str) -> list[TaskStatus]:
        """Give what was told of a task, in order, by inventories and by events."""
        found: list[TaskStatus] = []
        for event in self.events:
            if isinstance(event, AgentJoined):
                found += [status for status in event.inventory.tasks if status.task_id == task_id]
            elif isinstance(event, AgentEvents):
                found += [
                    status
                    for status in event.events
                    if isinstance(status, TaskStatus) and status.task_id == task_id
                ]
        return found

    def states(self, task_id: str) -> list[TaskState]:
        return [status.state for status in self.statuses(task_id)]

    def launch(self, command: str, *task_ids: str, url: str) -> None:
        """Launch script shards of this command."""
        self.engine.send(self.agent_id, [script_launch(command, task_ids, url)])

    async def ended(self, task_id: str) -> TaskStatus:
        """Wait for a task's end."""
        await self.until(lambda: any(state.is_terminal for state in self.states(task_id)))
        return next(status for status in self.statuses(task_id) if status.state.is_terminal)

    def _sink(self, event: EngineEvent) -> None:
        self.events.append(event)
        self.note_change()
        if self._acknowledges and isinstance(event, AgentEvents):
            self.engine.acknowledge(event.agent_id, event.sequence)


def empty_app(folder: Path) -> str:
    """Make an app without anything in it, and give its URL: the shards' commands are all that runs."""
    file = folder / "app.sh"
    file.write_text("#!/bin/sh\n")
    return file.as_uri()


def waiting_for(file: Path) -> str:
    """Give a command that runs until a file is there."""
    return f"while [ ! -e {file} ]; do sleep 0.02; done; true"


def script_launch(command: str, task_ids: tuple[str, ...], url: str) -> Launch:
    """Make the launch of script shards."""
    app = AppConfiguration(app_name="app", app_url=url, bootstrap_script="none")
    job = JobConfiguration(
        job_name="job",
        app_name="app",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=len(task_ids),
        cpu_count=0.1,
        memory_mb=256.0,
        props={"script.command.line": command},
    )
    return Launch(app, job, tuple(TaskSpec(task_id, item, "") for item, task_id in enumerate(task_ids)))


@contextlib.asynccontextmanager
async def running(
    world: EngineWorld, epoch: int = 1, known: frozenset[str] = frozenset(), *, acknowledges: bool = True
) -> AsyncIterator[Scheduler]:
    """A scheduler that has joined, and stops cleanly."""
    scheduler = Scheduler(world.make(), acknowledges=acknowledges)
    await scheduler.start(epoch, known)
    try:
        yield scheduler
    finally:
        await scheduler.engine.stop()
