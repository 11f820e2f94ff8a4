"""Seeking the lead, and leading: one term after another, each with an epoch, a core and a loop of its own.

Everything that comes from outside (clocks, random ids, the thread that writes) is handed in, so that the simulation
runs this very code.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.model.errors import BugError, StartError, UnavailableError
from elasticjob_cloud.model.messages import AgentDraining, AgentJoined, AgentLost, EngineEvent
from elasticjob_cloud.model.records import Changes, Snapshot
from elasticjob_cloud.scheduling import Core, CoreSettings
from elasticjob_cloud.service.agent_watch import AgentWatch
from elasticjob_cloud.service.candidate import Candidate, Surroundings
from elasticjob_cloud.service.lease import Lease
from elasticjob_cloud.service.loop import LeaseLostError, SchedulingLoop
from elasticjob_cloud.service.metrics import Metrics
from elasticjob_cloud.service.repeated_log import RepeatedLog
from elasticjob_cloud.store import Store

_log = logging.getLogger(__name__)
_ASK_SECONDS = 0.25
_RETRY_SECONDS = 1.0
_PREPARE_SECONDS = 5.0
_LOOK_FOR_AGENTS_SECONDS = 1.0
_WAY_SECONDS = 3.0  # for another to take the lead that was given up for it
T = TypeVar("T")


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
        self.lease: Lease | None = None
        self.loop: SchedulingLoop | None = None
        self.core: Core | None = None
        self.settled = asyncio.Event()  # it leads, or knows that another does
        self._candidate = candidate
        self._store = store
        self._engine = engine
        self._engine_epoch: int | None = None  # with which it was started
        self._is_prepared = False
        self._leaving: asyncio.Task[None] | None = None
        self._core_settings = core_settings
        self._surroundings = surroundings
        self._metrics = metrics
        self._on_commit = on_commit
        self._has_led = False
        self._refused_at: float | None = None  # when another was last said to lead
        self._database_fails = False
        self._agents: set[str] = set()  # that joined and were not lost, for the log
        self._agent_watch = AgentWatch()
        self._gives_way = False
        self._trouble_log = RepeatedLog(_log, self._read_seconds)
        self._stopping = asyncio.Event()

    @property
    def epoch(self) -> int | None:
        """The epoch of the present term."""
        return None if self.lease is None else self.lease.epoch

    @property
    def leads(self) -> bool:
        """Whether it may answer as the leader: it has a loop, and surely still the lease."""
        return self.loop is not None and self.lease is not None and self.lease.holds()

    def another_leads(self, within_seconds: float) -> bool:
        """Tell whether the database has said, so recently, that another scheduler leads."""
        return self._refused_at is not None and self._read_seconds() - self._refused_at < within_seconds

    async def run(self) -> None:
        """Seek and lead until `stop`; the lead is given up by then, the engine not yet let go.

        Raises:
            StartError: the engine cannot be used.
        """
        while not self._stopping.is_set():
            lease = await self._seek_lead()
            if lease is not None:
                await self._serve_term(lease)
                await self._pause(_WAY_SECONDS if self._gives_way else _ASK_SECONDS)

    def stop(self) -> None:
        """End `run` after the turn under way."""
        self._stopping.set()
        if self.loop is not None:
            self.loop.stop()

    async def leave(self) -> None:
        """After `run`: let go of the agents, which run on what they have, and of what the engine has prepared."""
        if self._engine_epoch is not None or self._is_prepared:
            self._begin_leaving()
        await self._end_leaving()

    # Standing by

    async def _seek_lead(self) -> Lease | None:
        """Ask for the lead until it is ours; None when stopped."""
        preparing: asyncio.Task[None] | None = None
        if self._has_led:
            # Beside the first question, which takes long where the database hangs; agents wait for the next term.
            preparing = asyncio.create_task(self._prepare_engine(), name="prepare")
        try:
            while not self._stopping.is_set():
                lease = await self._ask_for_lead()
                if lease is not None:
                    return lease
                preparing = preparing or asyncio.create_task(self._prepare_engine(), name="prepare")
                self.settled.set()
                await self._pause(_ASK_SECONDS)
            return None
        finally:
            if preparing is not None:
                await _end(preparing)

    async def _ask_for_lead(self) -> Lease | None:
        candidate, asked_at = self._candidate, self._read_seconds()
        try:
            epoch = await self._write(self._acquire_lease)
        except (UnavailableError, BugError) as error:
            if not self._database_fails:
                _log.warning("Cannot ask for the lead, and go on trying: %s", error)
                self._metrics.note_failed_turn(error)
            self._database_fails = True
            return None
        self._database_fails = False
        if epoch is None:
            if self._refused_at is None:
                _log.info("Standing by: another scheduler leads.")
            self._refused_at = self._read_seconds()
            return None
        self._refused_at = None
        return Lease(
            epoch,
            asked_at,
            candidate.lease_seconds,
            self._read_seconds,
            self._engine.lead_until,
            alone=candidate.alone,
        )

    def _acquire_lease(self) -> int | None:
        candidate = self._candidate
        # Whoever was deposed has to wait like all others.
        steal = candidate.alone and not self._has_led
        epoch = self._store.acquire_lease(
            candidate.scheduler_id, candidate.address, candidate.lease_seconds, steal=steal
        )
        self._has_led = self._has_led or epoch is not None
        return epoch

    async def _prepare_engine(self) -> None:
        await self._end_leaving()
        self._is_prepared = True
        while True:
            await self._engine.prepare()
            await asyncio.sleep(_PREPARE_SECONDS)

    # Leading

    async def _serve_term(self, lease: Lease) -> None:
        self.lease = lease
        self._gives_way = False
        term = asyncio.create_task(self._lead(lease), name="term")
        keeper = asyncio.create_task(lease.keep(lambda: self._renew_lease(lease)), name="lease")
        watch = asyncio.create_task(self._watch_agents(), name="watch-agents")
        try:
            await asyncio.wait({term, keeper}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # A turn that is under way is not waited for: the database may not answer for long.
            for task in (term, keeper, watch):
                await _end(task)
        await self._give_up(lease)
        if keeper.done() and not keeper.cancelled():
            _log.warning("%s Standing by.", keeper.result())
        elif not term.cancelled():
            self._judge_end(term.exception())

    def _judge_end(self, error: BaseException | None) -> None:
        if isinstance(error, LeaseLostError):
            _log.warning("%s Standing by.", error)
        elif error is not None:
            raise error
        else:
            _log.info("The lead is given up.")

    async def _give_up(self, lease: Lease) -> None:
        """Let the next leader lead: no command is sent any more, and no agent hears that it has a scheduler."""
        held = lease.holds()
        lease.give_up()
        self.lease = None
        if self._engine_epoch is not None:
            self._begin_leaving()
        if held:
            with contextlib.suppress(UnavailableError, BugError):
                await self._write(self._store.release_lease, lease.epoch)

    async def _lead(self, lease: Lease) -> None:
        while not self._stopping.is_set() and not self._gives_way:
            try:
                await self._lead_from_record(lease)
            except (UnavailableError, BugError) as error:
                self._metrics.note_failed_turn(error)
                if isinstance(error, BugError):
                    _log.exception("%s Starting again from the record.", error)
                else:
                    self._trouble_log.say(f"{error} Starting again from the record.")
                await self._pause(_RETRY_SECONDS)
            except StartError as error:
                if lease.holds() and not self.settled.is_set():
                    raise
                # Another scheduler may do better, or leads already.
                raise LeaseLostError(str(error)) from error

    async def _lead_from_record(self, lease: Lease) -> None:
        started = self._read_seconds()
        # A commit whose answer was lost may still be under way at the server, and then has the lease's row locked: when
        # the lease is renewed the commit is over, so that what is loaded now stays as it is.
        if not await self._renew_lease(lease):
            raise LeaseLostError("Another scheduler has taken the lead.")
        snapshot = await self._load(self._store.load)
        if self._stopping.is_set():
            return  # `stop` found no loop to stop
        if not lease.holds():
            raise LeaseLostError("The lease ran out before the term began.")
        self.core = Core(snapshot, self._core_settings, self._surroundings.new_id)
        loop = self.loop = self._make_loop(self.core, lease)
        self._metrics.follow(self.core)
        self._metrics.set_leader(leads=True)
        try:
            await self._join_engine(lease.epoch, snapshot)
            self.settled.set()
            # Ends with the loop at the latest, which answers all queries.
            noting = asyncio.create_task(self._note_takeover(loop, lease.epoch, snapshot, started))
            await loop.run()
            await noting
        finally:
            loop.close()  # where the engine did not start, callers wait already
            self._metrics.set_leader(leads=False)
            self._metrics.forget()
            self.loop = self.core = None

    def _make_loop(self, core: Core, lease: Lease) -> SchedulingLoop:
        return SchedulingLoop(
            core,
            self._engine,
            lambda changes: self._write(self._store.commit, lease.epoch, changes),
            lease.holds,
            self._surroundings.read_clock,
            self._metrics,
            self._on_commit,
        )

    async def _note_takeover(
        self, loop: SchedulingLoop, epoch: int, snapshot: Snapshot, started: float
    ) -> None:
        with contextlib.suppress(UnavailableError):
            await loop.query(lambda _: None)  # the first turn is over
            seconds = self._read_seconds() - started
            self._metrics.note_takeover(seconds)
            _log.info(
                "Leading with epoch %d, after %.3f s: %d apps, %d jobs, %d live tasks.",
                epoch,
                seconds,
                len(snapshot.apps),
                len(snapshot.jobs),
                len(snapshot.tasks),
            )

    async def _renew_lease(self, lease: Lease) -> bool:
        return await self._write(self._store.renew_lease, lease.epoch, self._candidate.lease_seconds)

    async def _watch_agents(self) -> None:
        """End the term where it has no agents, and another scheduler may reach some."""
        watch = self._agent_watch
        watch.begin_term(self._read_seconds())
        while True:
            await asyncio.sleep(_LOOK_FOR_AGENTS_SECONDS)
            core = self.core
            has_agents = core is not None and bool(core.state.agents)
            if not watch.look(has_agents=has_agents, now=self._read_seconds()):
                continue
            if self.loop is not None and await self._another_stands_by():
                _log.warning(
                    "No agent is there, and another scheduler may reach some: the lead is left to it."
                )
                watch.give_way()
                self._gives_way = True
                self.loop.stop()
                return

    async def _another_stands_by(self) -> bool:
        if self._candidate.alone:
            return False
        with contextlib.suppress(UnavailableError, BugError):
            rows = await self._load(self._store.schedulers)
            return any(row.scheduler_id != self._candidate.scheduler_id for row in rows)
        return False

    # The engine

    async def _join_engine(self, epoch: int, snapshot: Snapshot) -> None:
        known_agents = frozenset(task.agent_id for task in snapshot.tasks)
        if self._engine_epoch == epoch:
            self._engine.reconcile(known_agents)
            return
        await self._end_leaving()
        await self._agree_on_lost(epoch)
        self._engine_epoch = epoch
        await self._engine.start(epoch, known_agents, self._take)

    async def _agree_on_lost(self, epoch: int) -> None:
        """Once a term: later, sessions go on with agents that have an earlier leader's fence."""
        own = self._engine.lost_seconds
        agreed = await self._write(self._store.agree_on_lost_seconds, epoch, own)
        if agreed is None:
            raise LeaseLostError("Another scheduler has taken the lead.")
        if agreed > own:
            _log.warning(
                "Agents may have the fence of a scheduler with other settings: in this term they are lost after %g s, not %g s.",
                agreed,
                own,
            )
        self._engine.lose_after(agreed)

    def _begin_leaving(self) -> None:
        # Beside the search for the next term, for it may take a while.
        self._engine_epoch = None
        self._is_prepared = False
        self._leaving = asyncio.create_task(self._engine.stop(), name="leave-engine")

    async def _end_leaving(self) -> None:
        if self._leaving is not None:
            await asyncio.wait({self._leaving})

    def _take(self, event: EngineEvent) -> None:
        if isinstance(event, AgentJoined) and event.inventory.agent.agent_id not in self._agents:
            agent = event.inventory.agent
            self._agents.add(agent.agent_id)
            _log.info("Agent %s is there: %g CPUs, %.0f MB.", agent.agent_id, agent.cpus, agent.memory_mb)
        elif isinstance(event, AgentDraining):
            _log.warning("Agent %s takes no new tasks: %s", event.agent_id, event.reason)
        elif isinstance(event, AgentLost):
            self._agents.discard(event.agent_id)
            _log.warning("Agent %s is lost: %s Its tasks are LOST.", event.agent_id, event.reason)
        # Between two terms nothing is lost: the next one has the agents tell anew.
        if self.loop is not None:
            self.loop.take(event)

    # The process

    def _read_seconds(self) -> float:
        return self._surroundings.read_clock().monotonic_ms / 1000

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _write(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._surroundings.writer, call, *arguments)

    async def _load(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._surroundings.loader, call)


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel a task, and wait for its end; what it raised is the caller's to ask for."""
    task.cancel()
    await asyncio.wait({task})
