"""Speaks to an agent in its own frames, as a scheduler does."""

import asyncio
from pathlib import Path

import msgspec

from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.scheduler_link.frames import (
    AgentFrame,
    Commands,
    Events,
    FrameProtocol,
    Heartbeat,
    HeartbeatSeen,
    Hello,
    Ping,
    Welcome,
    decode_agent_frame,
)
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import Launch, TaskSpec, TaskStatus
from elasticjob_cloud.model.task import TaskState
from tests.waiting import PATIENCE_SECONDS, Told


class Peer(Told):
    """One connection to the agent, and what it has said."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[AgentFrame] = []
        self.is_lost = False
        self._protocol = FrameProtocol(self._heard, self._lost)

    def told(self) -> object:
        return self.frames

    async def connect(self, place: AgentDirectory) -> None:
        """Connect, and wait until the agent has answered."""
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self._protocol, str(place.socket))
        self.send(Ping())
        await self.until(lambda: bool(self.frames))

    def send(self, frame: msgspec.Struct) -> None:
        self._protocol.send(frame)

    def stand_still(self) -> None:
        """Read nothing any more, as one that is frozen."""
        transport = self._protocol._transport
        assert transport is not None
        transport.pause_reading()

    def close(self) -> None:
        self._protocol.abort()

    def heard(self, kind: type[msgspec.Struct]) -> bool:
        return any(isinstance(frame, kind) for frame in self.frames)

    def states(self, task_id: str) -> list[TaskState]:
        batches = (frame.batch for frame in self.frames if isinstance(frame, Events))
        statuses = (event for batch in batches for event in batch.events if isinstance(event, TaskStatus))
        return [status.state for status in statuses if status.task_id == task_id]

    def _heard(self, _: FrameProtocol, content: bytes) -> None:
        frame = decode_agent_frame(content)
        self.frames.append(frame)
        if isinstance(frame, Heartbeat):
            self.send(HeartbeatSeen(frame.number))
        elif isinstance(frame, Welcome):
            self.send(HeartbeatSeen(frame.heartbeat))
        self.note_change()

    def _lost(self, _: FrameProtocol) -> None:
        self.is_lost = True
        self.note_change()


async def peer_of(place: AgentDirectory) -> Peer:
    """Connect to the agent of this place, once it serves."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                peer = Peer()
                await peer.connect(place)
            except OSError:
                # It tells of its start by listening, and a killed one leaves its socket behind.
                await asyncio.sleep(0.01)
            else:
                return peer


async def scheduler_of(place: AgentDirectory, epoch: int) -> Peer:
    """Connect to the agent of this place as the leader of this epoch."""
    peer = await peer_of(place)
    peer.send(Hello(epoch))
    await peer.until(lambda: peer.heard(Welcome))
    return peer


def launch_script(
    directory: Path, command: str, task_id: str, url: str = "", *, cache: bool = True
) -> Commands:
    """Have a script run, in the app at this URL, or in one that is made in this directory."""
    file = directory / "app.sh"
    file.write_text("#!/bin/sh\n")
    app = AppConfiguration(
        app_name="app", app_url=url or file.as_uri(), bootstrap_script="none", app_cache_enable=cache
    )
    job = JobConfiguration(
        job_name="job",
        app_name="app",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=1,
        cpu_count=0.1,
        memory_mb=64.0,
        props={"script.command.line": command},
    )
    return Commands([Launch(app, job, (TaskSpec(task_id, 0, ""),))])
