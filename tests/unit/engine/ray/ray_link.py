"""The Ray engine over a gateway that a test speaks for, in virtual time."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from elasticjob_cloud.agent.scheduler_link.frames import (
    AgentFrame,
    Commands,
    SchedulerFrame,
    Welcome,
    decode_scheduler_frame,
    encode_frame,
)
from elasticjob_cloud.engine.ray import engine as engine_module
from elasticjob_cloud.engine.ray.engine import RayEngine
from elasticjob_cloud.engine.ray.frames import (
    Arrived,
    Forward,
    FromGateway,
    GatewaySettings,
    Hold,
    NodeSeen,
    Ready,
    SessionOpened,
    ToGateway,
)
from elasticjob_cloud.model.messages import (
    AgentEvents,
    AgentInfo,
    AgentJoined,
    AgentLost,
    EngineEvent,
    Inventory,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState
from tests.unit.virtual_loop import run_in_virtual_time

SETTINGS = GatewaySettings(address="auto", namespace="n", agent_dir="/a", agent_settings="{}")

LOST_SECONDS = 15.0


class FakeGateway:
    """Stands where the gateway's process does: keeps what it is sent, and says what a test has it say."""

    def __init__(self, *arguments: Any) -> None:
        _, self.say, self.die, _ = arguments
        self.sent: list[ToGateway] = []

    def start(self) -> None:
        """It is there at once."""

    def send(self, frame: ToGateway) -> None:
        self.sent.append(frame)

    async def stop(self) -> None:
        self.die()


class Clock:
    """The monotonic clock, which may be ahead of the loop's: that one is read once a turn."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def read(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead_seconds


class World:
    """An engine over a fake gateway, and what it told."""

    def __init__(self, engine: RayEngine, gateway: FakeGateway, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self.gateway = gateway
        self.events: list[EngineEvent] = []
        self.on_event: Callable[[EngineEvent], None] = lambda _: None

    def take(self, event: EngineEvent) -> None:
        """Stand where the scheduler does."""
        self.events.append(event)
        self.on_event(event)

    def say(self, *frames: FromGateway) -> None:
        for frame in frames:
            self.gateway.say(frame)

    def agent_says(self, node: str, session: str, *frames: AgentFrame) -> None:
        self.say(Arrived(node, session, [encode_frame(frame) for frame in frames]))

    def join(self, node: str = "n1", session: str = "s1", agent_id: str = "a1", **content: Any) -> None:
        """Have a node's agent join; `content`: of its welcome."""
        self.say(NodeSeen(node, "host", "10.0.0.1", 4000, 1 << 20), SessionOpened(node, session))
        self.agent_says(node, session, welcome(agent_id, **content))

    def to_agent(self, node: str = "n1") -> list[SchedulerFrame]:
        """Give what was sent to a node's agent."""
        return [
            decode_scheduler_frame(content)
            for frame in self.gateway.sent
            if isinstance(frame, Forward) and frame.node_id == node
            for content in frame.frames
        ]

    def commands(self, node: str = "n1") -> list[object]:
        """Give the commands among it."""
        return [it for frame in self.to_agent(node) if isinstance(frame, Commands) for it in frame.commands]

    def holds(self) -> list[Hold]:
        return [frame for frame in self.gateway.sent if isinstance(frame, Hold)]

    def dropped(self) -> list[str]:
        """Give the tasks that were told to have never started."""
        return [
            status.task_id
            for event in self.events
            if isinstance(event, AgentEvents)
            for status in event.events
            if isinstance(status, TaskStatus) and status.state is TaskState.DROPPED
        ]

    def joined(self) -> list[Inventory]:
        return [event.inventory for event in self.events if isinstance(event, AgentJoined)]

    def lost(self) -> list[str]:
        return [event.agent_id for event in self.events if isinstance(event, AgentLost)]


def welcome(agent_id: str, heartbeat: int = 0, **inventory: Any) -> Welcome:
    return Welcome(Inventory(AgentInfo(agent_id, "h", "i", 64.0, 1.0), **inventory), heartbeat)


def gateway_of(engine: RayEngine) -> FakeGateway:
    gateway: object = engine._gateway
    assert isinstance(gateway, FakeGateway)
    return gateway


def play(
    monkeypatch: pytest.MonkeyPatch,
    scenario: Callable[[World], Awaitable[None]],
    known: frozenset[str] = frozenset(),
) -> None:
    """Run a scenario with an engine that leads, in virtual time."""
    monkeypatch.setattr(engine_module, "GatewayProcess", FakeGateway)

    async def run() -> None:
        clock = Clock()
        engine = RayEngine(SETTINGS, LOST_SECONDS, monotonic_seconds=clock.read)
        engine.lead_until(math.inf)
        await engine.prepare()
        gateway = gateway_of(engine)
        world = World(engine, gateway, clock)
        world.say(Ready())
        starting = asyncio.get_running_loop().create_task(engine.start(7, known, world.take))
        await asyncio.sleep(0)
        try:
            await scenario(world)
        finally:
            await asyncio.gather(starting, return_exceptions=True)
            await engine.stop()

    run_in_virtual_time(run())
