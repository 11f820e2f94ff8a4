"""The actor on each node: hands messages on between gateways and the node's agent, and keeps the agent running."""

import asyncio
import os
from pathlib import Path
from typing import NamedTuple

import msgspec
import ray

from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.engine.ray.relays.keeper import AgentKeeper, take_place
from elasticjob_cloud.engine.ray.relays.session import Session
from elasticjob_cloud.model.errors import UnavailableError

_UP_SECONDS = 10.0
_MONITOR = "RAY_memory_monitor_refresh_ms"


class RelayFacts(NamedTuple):
    """What a relay knows of its own process: its name in Ray, and whether its node's environment lets Ray kill it for memory."""

    worker_id: str
    monitors_memory: bool


@ray.remote
class Relay:
    """The actor's class, which workers find by this name (`gateway.py`).

    Args:
        agent_dir: Under which the agent has its directory; `~` is the home of the node's user.
        agent_settings: `AgentSettings` as JSON.
        build: What tells this relay, with these arguments, from others.
    """

    def __init__(self, agent_dir: str, agent_settings: str, build: str) -> None:
        settings = msgspec.json.decode(agent_settings, type=AgentSettings)
        place, self._lock = take_place(Path(agent_dir).expanduser())
        self._keeper = AgentKeeper(place, settings)
        self._build = build
        self._sessions: dict[str, Session] = {}
        self._openings = 0
        self._keeping = asyncio.get_running_loop().create_task(self._keeper.run())

    async def open(self, name: str, build: str) -> RelayFacts:
        """Connect to the agent under this session's name, once it is up. A relay of another build ends instead.

        Raises:
            UnavailableError: the agent does not come up.
        """
        if build != self._build or self._keeper.is_over.is_set():
            self._end()
        self._openings += 1
        try:
            await self._open(name)
        finally:
            self._openings -= 1
        # As the raylet has it, of whose environment this is a copy.
        monitors_memory = os.environ.get(_MONITOR, "").strip() != "0"
        return RelayFacts(ray.get_runtime_context().get_worker_id(), monitors_memory)

    async def send(self, name: str, frames: list[bytes]) -> None:
        """Hand messages to the agent, in order; raises `UnavailableError` when the session is over."""
        self._session(name).send(frames)

    async def receive(self, name: str, seconds: float) -> list[bytes] | None:
        """Wait for the agent's messages; an empty list after so many seconds, None when the session is over."""
        session = self._sessions.get(name)
        return None if session is None else await session.receive(seconds)

    async def retire(self, name: str) -> None:
        """Have the agent end, if it holds no tasks, and end for good after it; return where it stays.

        `name`: the session of the gateway that asks for it. Where another one has a session, the agent is in its hands.
        """
        await self.close(name)
        if self._openings or any(session.is_used for session in self._sessions.values()):
            return
        if await self._keeper.retire():
            self._end()

    async def close(self, name: str) -> None:
        """End a session."""
        session = self._sessions.pop(name, None)
        if session is not None:
            session.protocol.close()

    async def _open(self, name: str) -> None:
        await self._until_up()
        await self._keeper.renew()
        await self._until_up()
        self._forget_abandoned()
        session = Session()
        path = str(self._keeper.place.socket)
        await asyncio.get_running_loop().create_unix_connection(lambda: session.protocol, path)
        self._sessions[name] = session

    def _end(self) -> None:
        """Let go of the place, for the relay that comes after, and leave the agent to it."""
        self._keeping.cancel()
        os.close(self._lock)
        ray.actor.exit_actor()

    async def _until_up(self) -> None:
        try:
            async with asyncio.timeout(_UP_SECONDS):
                await self._keeper.is_up.wait()
        except TimeoutError:
            raise UnavailableError(self._keeper.fault or "The agent is not up yet.") from None

    def _session(self, name: str) -> Session:
        try:
            return self._sessions[name]
        except KeyError:
            raise UnavailableError("There is no such session.") from None

    def _forget_abandoned(self) -> None:
        """End the sessions of gateways that were killed: they ask no more."""
        for name, session in list(self._sessions.items()):
            if session.is_abandoned:
                session.protocol.close()
                del self._sessions[name]
