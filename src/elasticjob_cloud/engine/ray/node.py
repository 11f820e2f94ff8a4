"""One node, seen from the gateway: its relay, the session to its agent, and what is leased of it."""

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from elasticjob_cloud.agent.settings import AgentSettings, build_of
from elasticjob_cloud.engine.causes import cause_in
from elasticjob_cloud.engine.ray.blocks import Blocks, Leases, Room
from elasticjob_cloud.engine.ray.frames import (
    Arrived,
    FromGateway,
    GatewaySettings,
    Held,
    Hold,
    NodeSeen,
    SessionEnded,
    SessionOpened,
    Trouble,
    next_part,
)
from elasticjob_cloud.engine.ray.relay import Relay

_POLL_SECONDS = 2.0
_CALL_SECONDS = 5.0
_OPEN_SECONDS = 30.0
_RETIRE_SECONDS = 5.0  # beyond the grace of the agent's idle executors
_GONE_SECONDS = 5.0
_GONE_POLL_SECONDS = 0.1
_FIRST_RETRY_SECONDS = 0.1
_LAST_RETRY_SECONDS = 2.0
# Ray's head learns of what is leased after a moment: one look alone may show the same room twice, or not at all.
_LOOKS_UNTIL_TRUE = 3
T = TypeVar("T")


class NodeFacts(NamedTuple):
    """What Ray's head knows of a node."""

    node_id: str
    hostname: str
    ip: str
    total: Room
    free: Room


class Surroundings(Protocol):
    """What a node takes from its gateway."""

    def tell(self, frame: FromGateway) -> None:
        """Send a message to the scheduler."""

    async def in_finder_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        """Have a call that looks for something made in a thread."""

    async def in_lease_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        """Have a call about leases made in a thread."""

    def check_job(self) -> None:
        """Raise `UnavailableError` where actors that this driver makes would never run. Blocks."""


class Node:
    """Keeps a session to the node's agent open, whatever breaks."""

    def __init__(
        self, settings: GatewaySettings, facts: NodeFacts, gateway: Surroundings, leases: Leases
    ) -> None:
        self._settings = settings
        self._leases = leases
        self._facts = facts
        self._gateway = gateway
        self._session = ""
        self._outbox: deque[bytes] = deque()
        self._outbox_filled = asyncio.Event()
        self._blocks: Blocks | None = None
        self._holds: deque[Hold] = deque()
        self._holding: asyncio.Task[None] | None = None
        self._shown: Room | None = None
        self._seen: Room | None = None
        self._looks = 0
        self._trouble = ""
        self._keeping: asyncio.Task[None] | None = None
        self._releasing: asyncio.Task[None] | None = None
        self._is_needed = False

    def start(self) -> None:
        """Begin to open sessions."""
        self._keeping = asyncio.get_running_loop().create_task(self._keep())

    def stop(self) -> None:
        """The node is no more."""
        for task in (self._keeping, self._holding, self._releasing):
            if task is not None:
                task.cancel()

    @property
    def is_released(self) -> bool:
        """Whether no session is opened, since the node was let go of or is about to be."""
        return self._releasing is not None

    def release(self) -> None:
        """Let go of the node: end its agent, unless it holds tasks, and its relay, and give back its leases."""
        if self._releasing is None:
            self._releasing = asyncio.get_running_loop().create_task(self._release())

    def use(self) -> None:
        """Open sessions again, at once or when the agent has ended."""
        if self._releasing is None:
            return
        self._is_needed = True
        if self._releasing.done():
            self._use_again()

    def forward(self, session: str, frames: list[bytes]) -> None:
        """Hand messages to the agent, unless they were meant for an earlier session."""
        if session == self._session:
            self._outbox.extend(frames)
            self._outbox_filled.set()

    def hold(self, hold: Hold) -> None:
        """Lease as much as the scheduler says; of several that wait the last one counts."""
        self._holds.append(hold)
        if self._holding is None or self._holding.done():
            self._holding = asyncio.get_running_loop().create_task(self._hold_all())

    def look(self, facts: NodeFacts) -> None:
        """Take what the head knows, and tell the scheduler when our part of the node has changed."""
        self._facts = facts
        if self._blocks is None or (self._holding is not None and not self._holding.done()):
            self._looks = 0
            return
        room = facts.free.plus(self._blocks.leased)
        self._looks = self._looks + 1 if room == self._seen else 1
        self._seen = room
        if room != self._shown and self._looks >= _LOOKS_UNTIL_TRUE:
            self._show(room)

    def _show(self, room: Room) -> None:
        self._shown = room
        facts = self._facts
        self._gateway.tell(NodeSeen(facts.node_id, facts.hostname, facts.ip, *room))

    # The session

    async def _keep(self) -> None:
        retry_seconds = _FIRST_RETRY_SECONDS
        while True:
            reason = "It closed the connection."
            session = secrets.token_hex(8)
            began = asyncio.get_running_loop().time()
            relay = None
            try:
                await self._find_leases()
                relay = await self._gateway.in_finder_thread(self._relay)
                async with asyncio.timeout(_OPEN_SECONDS):
                    await relay.open.remote(session, relay_build(self._settings))
                await self._talk(relay, session)
            except asyncio.CancelledError:
                raise
            except TimeoutError as error:
                reason = _described(error)
                if relay is not None:
                    # Ray does not notice one that is frozen. The agent is none of its children.
                    await self._gateway.in_finder_thread(_restart, relay)
            except Exception as error:  # noqa: BLE001 - Ray has many ways to say that something is away
                reason = _described(error)
            if self._session:
                self._session = ""
                self._gateway.tell(SessionEnded(self._facts.node_id, session, reason))
            elif reason != self._trouble:
                self._gateway.tell(Trouble(f"Node {self._facts.ip} has no agent yet: {reason}"))
            self._trouble = reason
            if asyncio.get_running_loop().time() - began > _POLL_SECONDS:
                retry_seconds = _FIRST_RETRY_SECONDS
            await asyncio.sleep(retry_seconds)
            retry_seconds = min(2 * retry_seconds, _LAST_RETRY_SECONDS)

    @property
    def _relay_name(self) -> str:
        return f"agent/{self._facts.node_id}"

    async def _find_leases(self) -> None:
        if self._blocks is None:
            self._blocks = await self._gateway.in_lease_thread(self._leases.of, self._facts.node_id)
            # What tasks of ours hold is not free, but ours all the same.
            ours = self._facts.free.plus(self._blocks.leased)
            self._show(Room(*map(min, ours, self._facts.total)))

    def _relay(self) -> Any:
        """Find the node's relay, or make it. Blocks."""
        with contextlib.suppress(ValueError):  # there is none
            return ray.get_actor(self._relay_name)
        self._gateway.check_job()
        actor_class: Any = Relay  # to type checkers the class itself
        return actor_class.options(
            name=self._relay_name,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
            max_concurrency=1_000,
            # The head remembers the newest 100,000 calls of all users: ours would soon be all of them.
            enable_task_events=False,
            scheduling_strategy=NodeAffinitySchedulingStrategy(self._facts.node_id, soft=False),
        ).remote(self._settings.agent_dir, self._settings.agent_settings, relay_build(self._settings))

    async def _talk(self, relay: Any, session: str) -> None:
        # Its own, for the sender of the session before may still be ending.
        self._outbox = deque()
        self._outbox_filled = asyncio.Event()
        self._session = session
        self._trouble = ""
        self._gateway.tell(SessionOpened(self._facts.node_id, session))
        sending = asyncio.get_running_loop().create_task(self._send(relay, session))
        receiving = asyncio.get_running_loop().create_task(self._receive(relay, session))
        try:
            done, _ = await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            sending.cancel()
            receiving.cancel()
            with contextlib.suppress(Exception):
                relay.close.remote(session)

    async def _send(self, relay: Any, session: str) -> None:
        """One call at a time: Ray keeps no order among those that it carries out together."""
        outbox, filled = self._outbox, self._outbox_filled
        while True:
            await filled.wait()
            filled.clear()
            while outbox:
                part = next_part(outbox)
                async with asyncio.timeout(_CALL_SECONDS):
                    await relay.send.remote(session, part)

    async def _receive(self, relay: Any, session: str) -> None:
        while True:
            async with asyncio.timeout(_POLL_SECONDS + _CALL_SECONDS):
                frames = await relay.receive.remote(session, _POLL_SECONDS)
            if frames is None:
                return
            if frames:
                self._gateway.tell(Arrived(self._facts.node_id, session, frames))

    # Letting go

    async def _release(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        session, self._session = self._session, ""
        is_over = False
        try:
            is_over = await self._end_agent(session)
        except Exception as error:  # noqa: BLE001 - as above
            self._gateway.tell(Trouble(f"Node {self._facts.ip} cannot be let go of: {_described(error)}"))
        if self._is_needed or not is_over:
            self._use_again()

    def _use_again(self) -> None:
        self._releasing = None
        self._is_needed = False
        self.start()

    async def _end_agent(self, session: str) -> bool:
        """Have the agent end, and the relay after it; tell whether both have, for good, and nothing is leased any more."""
        if self._holding is not None:
            await asyncio.wait({self._holding})
        relay = await self._gateway.in_finder_thread(ray.get_actor, self._relay_name)
        grace = _agent_settings(self._settings).kill_grace_seconds
        try:
            async with asyncio.timeout(grace + _RETIRE_SECONDS):
                await relay.retire.remote(session)
        except ray.exceptions.RayActorError:
            pass  # as it should be, or it has died and is started again
        except TimeoutError:
            await self._gateway.in_finder_thread(_restart, relay)
            return False
        else:
            return False
        if not await self._is_relay_gone():
            return False
        if self._blocks is not None:
            await self._gateway.in_lease_thread(self._blocks.give_all_back)
        return True

    async def _is_relay_gone(self) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _GONE_SECONDS
        while loop.time() < deadline:
            try:
                await self._gateway.in_finder_thread(ray.get_actor, self._relay_name)
            except ValueError:
                return True
            await asyncio.sleep(_GONE_POLL_SECONDS)
        return False

    # Leases

    async def _hold_all(self) -> None:
        while self._holds:
            hold = self._holds[-1]
            self._holds.clear()
            held, fault = await self._gateway.in_lease_thread(self._hold, hold)
            if fault:
                # Before the scheduler hears of it: it must not try the same again, for others have the room.
                self._show(held)
                self._looks = 0
            self._gateway.tell(Held(hold.node_id, hold.number, *held, fault))

    def _hold(self, hold: Hold) -> tuple[Room, str]:
        """Blocks."""
        if self._blocks is None:
            return Room(0, 0), "The node's leases are not known yet."
        try:
            fault = self._blocks.hold(Room(hold.milli_cpus, hold.memory_kib), self._facts.free)
        except Exception as error:  # noqa: BLE001 - as above
            fault = _described(error)
        return self._blocks.leased, fault


def _restart(relay: Any) -> None:
    with contextlib.suppress(Exception):
        ray.kill(relay, no_restart=False)


def relay_build(settings: GatewaySettings) -> str:
    """Give what tells the relays of this version with these settings from all others."""
    return f"{build_of(_agent_settings(settings))} {settings.agent_dir}"


def _agent_settings(settings: GatewaySettings) -> AgentSettings:
    return msgspec.json.decode(settings.agent_settings, type=AgentSettings)


def _described(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "It does not answer."
    if isinstance(error, ray.exceptions.RayTaskError):
        error = error.cause if isinstance(error.cause, Exception) else error
    return cause_in(str(error)) or type(error).__name__
