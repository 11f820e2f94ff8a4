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
from elasticjob_cloud.model.errors import AgentsRefuseError, BugError, StartError, UnavailableError
from elasticjob_cloud.model.messages import AgentJoined, EngineEvent
from elasticjob_cloud.model.records import Changes, Snapshot
from elasticjob_cloud.scheduling import Core, CoreSettings
from elasticjob_cloud.service.housekeeping.clock_watch import ClockWatch
from elasticjob_cloud.service.leadership.agent_log import AgentLog
from elasticjob_cloud.service.leadership.agent_watch import AgentWatch
from elasticjob_cloud.service.leadership.candidate import Candidate, Surroundings
from elasticjob_cloud.service.leadership.engine_terms import EngineTerms
from elasticjob_cloud.service.leadership.lease import Lease
from elasticjob_cloud.service.leadership.record import load_record
from elasticjob_cloud.service.loop import LeaseLostError, SchedulingLoop
from elasticjob_cloud.service.metrics import Metrics
from elasticjob_cloud.service.repeated_log import RepeatedLog
from elasticjob_cloud.store import Store

_log = logging.getLogger(__name__)
_ASK_SECONDS = 0.25
_RETRY_SECONDS = 1.0
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
        self._terms = EngineTerms(
            engine,
            self._take,
            lambda epoch, seconds: self._write(store.agree_on_lost_seconds, epoch, seconds),
            takes_over=candidate.takes_over_agents,
        )
        self._clocks = ClockWatch(
            surroundings.read_clock,
            (lambda: self._load(store.now_ms)) if store.has_clock else None,
            candidate.clock_limit_seconds,
            metrics,
        )
        self._refusal: str | None = None  # why the agents do not obey, until one does
        self._is_obeyed = False  # in this term
        self._database_error: str | None = None  # what it said last, if that was an error
        self._core_settings = core_settings
        self._surroundings = surroundings
        self._metrics = metrics
        self._on_commit = on_commit
        self._has_led = False
        self._refused_at: float | None = None  # when another was last said to lead
        self._agent_log = AgentLog()
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

    @property
    def trouble(self) -> str | None:
        """What keeps it from the lead, as far as it knows; None where it is only that another may lead."""
        if self._refusal is not None:
            return f"The agents refuse this scheduler: {self._refusal}"
        return self._clocks.refusal or self._database_error

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
        await self._terms.leave()

    # Standing by

    async def _seek_lead(self) -> Lease | None:
        """Ask for the lead until it is ours; None when stopped."""
        preparing: asyncio.Task[None] | None = None
        if self._has_led:
            # Beside the first question, which takes long where the database hangs; agents wait for the next term.
            preparing = asyncio.create_task(self._terms.prepare(), name="prepare")
        try:
            while not self._stopping.is_set():
                lease = await self._ask_for_lead()
                if lease is not None:
                    return lease
                preparing = preparing or asyncio.create_task(self._terms.prepare(), name="prepare")
                self.settled.set()
                await self._pause(_ASK_SECONDS)
            return None
        finally:
            if preparing is not None:
                await _end(preparing)

    async def _ask_for_lead(self) -> Lease | None:
        if await self._clocks.look() is not None:
            return None
        candidate, asked_at = self._candidate, self._read_seconds()
        try:
            epoch = await self._write(self._acquire_lease)
        except (UnavailableError, BugError) as error:
            if self._database_error is None:
                _log.warning("Cannot ask for the lead, and go on trying: %s", error)
                self._metrics.note_failed_turn(error)
            self._database_error = str(error)
            return None
        self._database_error = None
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

    # Leading

    async def _serve_term(self, lease: Lease) -> None:
        self.lease = lease
        self._gives_way = self._is_obeyed = False
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
        self._terms.end_term()
        # A start that was refused must not raise the epoch, by which agents of earlier versions go alone.
        is_unused = self._refusal is not None and not self._is_obeyed
        let_go = self._store.give_back_lease if is_unused else self._store.release_lease
        if held:
            with contextlib.suppress(UnavailableError, BugError):
                await self._write(let_go, lease.epoch)
        if self._refusal is not None:
            # Others may use another server by now, which this one's sessions have not followed.
            await self._write(self._store.reconnect)

    async def _lead(self, lease: Lease) -> None:
        while not self._stopping.is_set() and not self._gives_way:
            try:
                await self._lead_from_record(lease)
            except (UnavailableError, BugError) as error:
                self._metrics.note_failed_turn(error)
                self._database_error = str(error)
                if isinstance(error, BugError):
                    _log.exception("%s Starting again from the record.", error)
                else:
                    self._trouble_log.say(f"{error} Starting again from the record.")
                await self._pause(_RETRY_SECONDS)
            except StartError as error:
                if isinstance(error, AgentsRefuseError) and lease.holds():
                    self._note_refusal(str(error))
                if lease.holds() and not self.settled.is_set():
                    raise
                # Another scheduler may do better, or leads already.
                raise LeaseLostError(str(error)) from error

    async def _lead_from_record(self, lease: Lease) -> None:
        started = self._read_seconds()
        # A commit whose answer was lost may still be under way at the server, and then has the lease's row locked: when
        # the lease is renewed the commit is over, so that what is loaded now stays as it is.
        record = None
        if await self._renew_lease(lease):
            record = await load_record(self._store, lease.epoch, self._write, self._load)
        if record is None:
            raise LeaseLostError("Another scheduler has taken the lead.")
        snapshot, lineage = record
        if self._stopping.is_set():
            return  # `stop` found no loop to stop
        if not lease.holds():
            raise LeaseLostError("The lease ran out before the term began.")
        self.core = Core(snapshot, self._core_settings, self._surroundings.new_id)
        loop = self.loop = self._make_loop(self.core, lease)
        self._metrics.follow(self.core)
        self._metrics.set_leader(leads=True)
        try:
            await self._terms.join(lease.epoch, snapshot, lineage)
            self.settled.set()
            # Ends with the loop at the latest, which answers all queries.
            noting = asyncio.create_task(self._note_takeover(loop, lease.epoch, snapshot, started))
            await loop.run()
            await noting
        finally:
            loop.close()  # where the engine did not start, callers wait already
            self._metrics.set_leader(leads=False)
            self._metrics.forget()
            self._agent_log.end_term(self.core.state.agents)
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
        try:
            is_kept = await self._write(self._store.renew_lease, lease.epoch, self._candidate.lease_seconds)
        except (UnavailableError, BugError) as error:
            self._database_error = str(error)
            raise
        self._database_error = None
        if is_kept:
            self._engine.renewed(self._store.renewals(lease.epoch))
        return is_kept

    async def _watch_agents(self) -> None:
        """End the term where agents obey another or the clock is wrong, or where another scheduler may reach agents alone."""
        watch = self._agent_watch
        watch.begin_term(self._read_seconds())
        while True:
            await asyncio.sleep(_LOOK_FOR_AGENTS_SECONDS)
            if self.loop is not None and await self._must_give_way():
                self.loop.stop()
                return
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

    async def _must_give_way(self) -> bool:
        refusal = self._terms.refusal
        if refusal is not None and self.leads:  # one that was deposed is refused as it should be
            self._note_refusal(refusal)
        wrong_clock = await self._clocks.look()
        if wrong_clock is not None:
            _log.error("The lead is given up: %s", wrong_clock)
            self._gives_way = True
        return self._gives_way

    async def _another_stands_by(self) -> bool:
        if self._candidate.alone:
            return False
        with contextlib.suppress(UnavailableError, BugError):
            rows = await self._load(self._store.schedulers)
            return any(row.scheduler_id != self._candidate.scheduler_id for row in rows)
        return False

    # The agents

    def _note_refusal(self, reason: str) -> None:
        if self._refusal != reason:
            _log.error("The agents refuse this scheduler, which gives up the lead: %s", reason)
        self._refusal = reason
        self._gives_way = True

    def _take(self, event: EngineEvent) -> None:
        if isinstance(event, AgentJoined):
            self._refusal = None
            self._is_obeyed = True
        self._agent_log.note(event, self.core.state.agents if self.core is not None else ())
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
