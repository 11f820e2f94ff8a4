"""One node, seen from the gateway: its relay, the session to its agent, and what is leased of it."""

import asyncio
import contextlib
import secrets
from collections import deque
from typing import Any

import ray

from elasticjob_cloud.engine.ray.frames import (
    Arrived,
    GatewaySettings,
    Held,
    Hold,
    NodeSeen,
    SessionEnded,
    SessionOpened,
    Trouble,
    next_part,
)
from elasticjob_cloud.engine.ray.nodes.blocks import Blocks, Leases, Room
from elasticjob_cloud.engine.ray.nodes.causes import described
from elasticjob_cloud.engine.ray.nodes.facts import NodeFacts
from elasticjob_cloud.engine.ray.nodes.phase import NodePhase, new_phase
from elasticjob_cloud.engine.ray.nodes.relay_finder import (
    RelayFinder,
    Surroundings,
    agent_settings_of,
    relay_build,
)

_POLL_SECONDS = 2.0
_CALL_SECONDS = 5.0
_OPEN_SECONDS = 30.0
_RETIRE_SECONDS = 5.0  # beyond the grace of the agent's idle executors
_FIRST_RETRY_SECONDS = 0.1
_LAST_RETRY_SECONDS = 2.0
# Ray's head learns of what is leased after a moment: one look alone may show the same room twice, or not at all.
_LOOKS_UNTIL_TRUE = 3
_DEADLINE_MOVED_SECONDS = 1.0


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
        self._taken_away_at: float | None = None  # as it was shown; by the loop's clock
        self._relay = RelayFinder(settings, facts, gateway)
        self._keeping: asyncio.Task[None] | None = None
        self._releasing: asyncio.Task[None] | None = None
        self._phase = new_phase()

    def start(self) -> None:
        """Begin to open sessions."""
        self._keeping = asyncio.get_running_loop().create_task(self._keep())

    def stop(self) -> None:
        """The node is no more."""
        for task in (self._keeping, self._holding, self._releasing):
            if task is not None:
                task.cancel()
        self._relay.stop()

    @property
    def is_draining(self) -> bool:
        """Whether Ray takes the node away soon."""
        return self._facts.is_draining

    @property
    def is_released(self) -> bool:
        """Whether no session is opened, since the node was let go of or is about to be."""
        return self._phase.current is not NodePhase.KEPT

    def release(self) -> None:
        """Let go of the node: end its agent, unless it holds tasks, and its relay, and give back its leases."""
        if self._phase.current is NodePhase.KEPT:
            self._phase.become(NodePhase.RELEASING)
            self._releasing = asyncio.get_running_loop().create_task(self._release())

    def use(self) -> None:
        """Open sessions again, at once or when the agent has ended."""
        if self._phase.current is NodePhase.RELEASING:
            self._phase.become(NodePhase.WANTED)
        elif self._phase.current is NodePhase.RELEASED:
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
        news_of_drain = self._drains_otherwise(facts)
        self._facts = facts
        if self._shown is not None and news_of_drain:
            self._show(self._shown)
        if self._blocks is None or (self._holding is not None and not self._holding.done()):
            self._looks = 0
            return
        room = facts.free.plus(self._blocks.leased)
        self._looks = self._looks + 1 if room == self._seen else 1
        self._seen = room
        if room != self._shown and self._looks >= _LOOKS_UNTIL_TRUE:
            self._show(room)

    def _drains_otherwise(self, facts: NodeFacts) -> bool:
        """Whether the node drains, or ends at another time, where the scheduler was not told so."""
        if facts.left_seconds is None:
            return facts.is_draining and not self._facts.is_draining
        ends_at = asyncio.get_running_loop().time() + facts.left_seconds
        return self._taken_away_at is None or abs(ends_at - self._taken_away_at) > _DEADLINE_MOVED_SECONDS

    def _show(self, room: Room) -> None:
        self._shown = room
        facts = self._facts
        if facts.left_seconds is not None:
            self._taken_away_at = asyncio.get_running_loop().time() + facts.left_seconds
        seen = NodeSeen(facts.node_id, facts.hostname, facts.ip, *room, facts.is_draining, facts.left_seconds)
        self._gateway.tell(seen)

    # The session

    async def _keep(self) -> None:
        retry_seconds = _FIRST_RETRY_SECONDS
        while True:
            session = secrets.token_hex(8)
            began = asyncio.get_running_loop().time()
            reason = await self._try_session(session)
            if self._session:
                self._session = ""
                self._gateway.tell(SessionEnded(self._facts.node_id, session, reason))
            elif reason != self._trouble:
                message = f"Node {self._facts.ip} has no agent yet: {reason}"
                self._gateway.tell(Trouble(message, self._facts.node_id))
            self._trouble = reason
            if asyncio.get_running_loop().time() - began > _POLL_SECONDS:
                retry_seconds = _FIRST_RETRY_SECONDS
            await asyncio.sleep(retry_seconds)
            retry_seconds = min(2 * retry_seconds, _LAST_RETRY_SECONDS)

    async def _try_session(self, session: str) -> str:
        """Open a session and hold it; say why it ended, or why there was none."""
        relay = None
        try:
            await self._find_leases()
            relay = await self._relay.find_or_make(may_make=not self.is_draining)
            async with asyncio.timeout(_OPEN_SECONDS):
                self._relay.note_open(await relay.open.remote(session, relay_build(self._settings)))
            await self._talk(relay, session)
        except TimeoutError as error:
            if relay is not None:
                await self._relay.restart(relay)
            return described(error)
        except Exception as error:  # noqa: BLE001 - Ray has many ways to say that something is away
            if isinstance(error, ray.exceptions.RayActorError):
                self._relay.explain_death(relay)
            return described(error)
        return "It closed the connection."

    async def _find_leases(self) -> None:
        if self._blocks is None:
            self._blocks = await self._gateway.in_lease_thread(self._leases.of, self._facts.node_id)
            # What tasks of ours hold is not free, but ours all the same.
            ours = self._facts.free.plus(self._blocks.leased)
            self._show(Room(*map(min, ours, self._facts.total)))

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
            self._gateway.tell(Trouble(f"Node {self._facts.ip} cannot be let go of: {described(error)}"))
        if is_over and self._phase.current is NodePhase.RELEASING:
            self._phase.become(NodePhase.RELEASED)
        else:
            self._use_again()

    def _use_again(self) -> None:
        self._phase.become(NodePhase.KEPT)
        self.start()

    async def _end_agent(self, session: str) -> bool:
        """Have the agent end, and the relay after it; tell whether both have, for good, and nothing is leased any more."""
        if self._holding is not None:
            await asyncio.wait({self._holding})
        relay = await self._relay.find()
        grace = agent_settings_of(self._settings).kill_grace_seconds
        try:
            async with asyncio.timeout(grace + _RETIRE_SECONDS):
                await relay.retire.remote(session)
        except ray.exceptions.RayActorError:
            pass  # as it should be, or it has died and is started again
        except TimeoutError:
            await self._relay.restart(relay)
            return False
        else:
            return False
        if not await self._relay.is_gone():
            return False
        if self._blocks is not None:
            await self._gateway.in_lease_thread(self._blocks.give_all_back)
        return True

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
            fault = described(error)
        return self._blocks.leased, fault
