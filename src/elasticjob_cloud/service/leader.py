"""Seeking the lead, and leading: one term after another, each with an epoch, a core and a loop of its own.

Everything that comes from outside (clocks, random ids, the thread that writes) is handed in, so that the simulation
runs this very code.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.model.errors import BugError, UnavailableError
from elasticjob_cloud.model.messages import AgentJoined, AgentLost, EngineEvent
from elasticjob_cloud.model.records import Changes, Snapshot
from elasticjob_cloud.scheduling import Core, CoreSettings, Now
from elasticjob_cloud.service.loop import LeaseLostError, SchedulingLoop
from elasticjob_cloud.service.metrics import Metrics
from elasticjob_cloud.store import Store

_log = logging.getLogger(__name__)
_RETRY_SECONDS = 1.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who seeks the lead, and how long a lease of its lasts.

    `may_steal`: it holds the database's lock, and so knows that whoever has the lease is dead; for its first term only.
    """

    scheduler_id: str
    address: str
    lease_seconds: float
    may_steal: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a leader takes from its process; `writer` runs one call at a time."""

    read_clock: Callable[[], Now]
    new_id: Callable[[], str]
    writer: Executor


class Leader:
    """Takes the lead when it is free, and schedules while it has it."""

    def __init__(
        self,
        candidate: Candidate,
        store: Store,
        engine: Engine,
        core_settings: CoreSettings,
        surroundings: Surroundings,
        metrics: Metrics,
        on_commit: Callable[[Changes], None] | None = None,
    ) -> None:
        self.epoch: int | None = None
        self.loop: SchedulingLoop | None = None
        self.core: Core | None = None
        self.settled = asyncio.Event()  # it leads, or knows that another does
        self._candidate = candidate
        self._store = store
        self._engine = engine
        self._engine_epoch: int | None = None
        self._core_settings = core_settings
        self._surroundings = surroundings
        self._metrics = metrics
        self._on_commit = on_commit
        self._has_led = False
        self._agents: set[str] = set()  # that joined and were not lost, for the log
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Seek and lead until `stop`.

        Raises:
            StartError: the engine cannot be used.
        """
        keeper = asyncio.create_task(self._keep_lease(), name="lease")
        try:
            while not self._stopping.is_set():
                try:
                    await self._lead_once()
                except LeaseLostError as error:
                    _log.warning("%s Standing by.", error)
                    self.epoch = None
                except (UnavailableError, BugError) as error:
                    self._metrics.note_failed_turn(error)
                    _log.exception("%s Starting anew from the record.", error)
                    await self._pause()
        finally:
            keeper.cancel()

    def stop(self) -> None:
        """End `run` after the turn under way."""
        self._stopping.set()
        if self.loop is not None:
            self.loop.stop()

    async def resign(self) -> None:
        """After `run`: let go of the agents, and give the lead up so that another can have it at once."""
        await self._leave_engine()
        if self.epoch is not None:
            with contextlib.suppress(UnavailableError):
                await self._write(self._store.release_lease, self.epoch)
            self.epoch = None

    async def _lead_once(self) -> None:
        if self.epoch is None:
            await self._leave_engine()
            self.epoch = await self._seek_lead()
        if self.epoch is None:
            self.settled.set()
            await self._pause()
            return
        epoch, snapshot = self.epoch, await self._write(self._store.load)
        if self._stopping.is_set():
            return  # `stop` found no loop to stop
        self.core = Core(snapshot, self._core_settings, self._surroundings.new_id)
        self.loop = SchedulingLoop(
            self.core,
            self._engine,
            lambda changes: self._write(self._store.commit, epoch, changes),
            self._surroundings.read_clock,
            self._metrics,
            self._on_commit,
        )
        _log.info(
            "Leading with epoch %d: %d apps, %d jobs, %d live tasks.",
            epoch,
            len(snapshot.apps),
            len(snapshot.jobs),
            len(snapshot.tasks),
        )
        self._metrics.follow(self.core)
        self._metrics.set_leader(leads=True)
        try:
            await self._join_engine(epoch, snapshot)
            self.settled.set()
            await self.loop.run()
        finally:
            self._metrics.set_leader(leads=False)
            self.loop = self.core = None

    async def _join_engine(self, epoch: int, snapshot: Snapshot) -> None:
        known_agents = frozenset(task.agent_id for task in snapshot.tasks)
        if self._engine_epoch == epoch:
            self._engine.reconcile(known_agents)
            return
        self._engine_epoch = epoch
        await self._engine.start(epoch, known_agents, self._take)

    async def _leave_engine(self) -> None:
        if self._engine_epoch is not None:
            self._engine_epoch = None
            await self._engine.stop()

    def _take(self, event: EngineEvent) -> None:
        if isinstance(event, AgentJoined) and event.inventory.agent.agent_id not in self._agents:
            agent = event.inventory.agent
            self._agents.add(agent.agent_id)
            _log.info("Agent %s is there: %g CPUs, %.0f MB.", agent.agent_id, agent.cpus, agent.memory_mb)
        elif isinstance(event, AgentLost):
            self._agents.discard(event.agent_id)
            _log.warning("Agent %s is lost: %s Its tasks are LOST.", event.agent_id, event.reason)
        # Between two terms nothing is lost: the next one has the agents tell anew.
        if self.loop is not None:
            self.loop.take(event)

    async def _seek_lead(self) -> int | None:
        asked_at = asyncio.get_running_loop().time()
        epoch = await self._write(self._acquire_lease)
        if epoch is not None:
            self._engine.lead_until(asked_at + self._candidate.lease_seconds)
        return epoch

    def _acquire_lease(self) -> int | None:
        candidate = self._candidate
        # Whoever was deposed has to wait like all others.
        steal = candidate.may_steal and not self._has_led
        epoch = self._store.acquire_lease(
            candidate.scheduler_id, candidate.address, candidate.lease_seconds, steal=steal
        )
        self._has_led = self._has_led or epoch is not None
        return epoch

    async def _keep_lease(self) -> None:
        seconds = self._candidate.lease_seconds
        while True:
            await asyncio.sleep(seconds / 3)
            epoch = self.epoch
            if epoch is None:
                continue
            # Before the question: the database counts from its own, later, answer.
            asked_at = asyncio.get_running_loop().time()
            try:
                kept = await self._write(self._store.renew_lease, epoch, seconds)
            except UnavailableError as error:
                _log.warning("The lease could not be renewed: %s", error)
                continue
            if kept:
                self._engine.lead_until(asked_at + seconds)
            elif self.loop is not None and self.epoch == epoch:
                self.loop.lose_lease()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), _RETRY_SECONDS)

    async def _write(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._surroundings.writer, call, *arguments)
