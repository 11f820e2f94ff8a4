"""An agent's server, spoken to in its own frames: who is obeyed, and what happens at its end."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import msgspec
import pytest

from elasticjob_cloud.agent.frames import (
    AgentFrame,
    Commands,
    Events,
    FrameProtocol,
    Hello,
    Ping,
    Retire,
    Welcome,
    decode_agent_frame,
)
from elasticjob_cloud.agent.place import AgentPlace
from elasticjob_cloud.agent.server import AgentServer
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.app import AppConfiguration
from elasticjob_cloud.model.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import Launch, TaskSpec, TaskStatus
from elasticjob_cloud.model.task import TaskState

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]
_DEADLINE_SECONDS = 20.0


class Peer:
    """One connection to the agent, and what it has said."""

    def __init__(self) -> None:
        self.frames: list[AgentFrame] = []
        self.is_lost = False
        self._changed = asyncio.Event()
        self._protocol = FrameProtocol(self._heard, self._lost)

    async def connect(self, place: AgentPlace) -> None:
        """Connect, and wait until the agent has answered."""
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self._protocol, str(place.socket))
        self.send(Ping())
        await self.until(lambda: bool(self.frames))

    def send(self, frame: msgspec.Struct) -> None:
        self._protocol.send(frame)

    def heard(self, kind: type[msgspec.Struct]) -> bool:
        return any(isinstance(frame, kind) for frame in self.frames)

    def states(self, task_id: str) -> list[TaskState]:
        batches = (frame.batch for frame in self.frames if isinstance(frame, Events))
        statuses = (event for batch in batches for event in batch.events if isinstance(event, TaskStatus))
        return [status.state for status in statuses if status.task_id == task_id]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def _heard(self, _: FrameProtocol, content: bytes) -> None:
        self.frames.append(decode_agent_frame(content))
        self._changed.set()

    def _lost(self, _: FrameProtocol) -> None:
        self.is_lost = True
        self._changed.set()


class World:
    """A server in this process, and the place that it has."""

    def __init__(self, directory: Path, settings: AgentSettings) -> None:
        (directory / "app.sh").write_text("#!/bin/sh\n")
        self._url = (directory / "app.sh").as_uri()
        self.place = AgentPlace(directory / "agent")
        self.place.ensure_socket_directory()
        self._server = AgentServer(self.place, settings)
        self.running = asyncio.get_running_loop().create_task(self._server.run())

    async def peer(self) -> Peer:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            while not self.place.socket.exists():  # noqa: ASYNC110 - the agent tells of its start by listening
                await asyncio.sleep(0.01)
        peer = Peer()
        await peer.connect(self.place)
        return peer

    async def scheduler(self, epoch: int) -> Peer:
        peer = await self.peer()
        peer.send(Hello(epoch))
        await peer.until(lambda: peer.heard(Welcome))
        return peer

    def launch(self, command: str, task_id: str) -> Commands:
        app = AppConfiguration(app_name="app", app_url=self._url, bootstrap_script="none")
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


def play(
    directory: Path, settings: AgentSettings, scenario: Callable[[World], Coroutine[None, None, None]]
) -> None:
    async def run() -> None:
        world = World(directory, settings)
        try:
            await scenario(world)
        finally:
            world._server._stop("the test is over")
            await world.running

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(run())


def test_agent_that_stops_takes_no_scheduler_and_starts_nothing(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        first = await world.scheduler(1)
        late = await world.peer()
        first.send(world.launch("trap '' TERM; while true; do sleep 0.05; done; true", "t"))
        await first.until(lambda: TaskState.RUNNING in first.states("t"))
        first.send(Retire("its tasks count as lost."))
        await first.until(lambda: first.is_lost)
        late.send(Hello(2))
        late.send(world.launch(f"touch {tmp_path}/started; sleep 300; true", "late"))
        await world.running
        assert not (tmp_path / "started").exists()
        assert not late.heard(Welcome)
        await late.until(lambda: late.is_lost)

    # Half a second for what ignores SIGTERM: long enough for the late one to be heard.
    play(tmp_path, AgentSettings(fence_seconds=5.0), scenario)
