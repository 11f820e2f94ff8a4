"""A term: from a lease to its end, with an epoch, a core and a loop of its own."""

import asyncio
import contextlib

import structlog

from elasticjob_cloud.model.errors import AgentsRefuseError, BugError, StartError, UnavailableError
from elasticjob_cloud.model.messages import EngineEvent
from elasticjob_cloud.model.records import Snapshot
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.leadership.lease import Lease
from elasticjob_cloud.service.leadership.parts import LeaderParts
from elasticjob_cloud.service.leadership.phases import LeaderPhase
from elasticjob_cloud.service.leadership.record import load_record
from elasticjob_cloud.service.leadership.surroundings import end_task
from elasticjob_cloud.service.loop import ANOTHER_LEADS, LeaseLost, SchedulingLoop

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 1.0


class Term:
    """One term of a leader.

    `loop` and `core` are there while it schedules. A database that fails has both made again, from the record.
    """

    def __init__(self, parts: LeaderParts, lease: Lease) -> None:
        self.lease = lease
        self.loop: SchedulingLoop | None = None
        self.core: Core | None = None
        self.gives_way = False  # it ends though its lease holds
        self._is_obeyed = False  # an agent has joined
        self._parts = parts

    @property
    def leads(self) -> bool:
        """Whether it may answer as the leader: it has a loop, and surely still the lease."""
        return self.loop is not None and self.lease.holds()

    async def serve(self) -> LeaseLost | None:
        """Lead until the lease is lost, which is given, or the lead is given up.

        Raises:
            StartError: the engine cannot be used, and this scheduler has never led.
        """
        leading = asyncio.create_task(self._lead(), name="term")
        keeper = asyncio.create_task(self.lease.keep(self._renew_lease), name="lease")
        watch = asyncio.create_task(self._watch(), name="watch-agents")
        try:
            await asyncio.wait({leading, keeper}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # A turn that is under way is not waited for: the database may not answer for long.
            for task in (leading, keeper, watch):
                await end_task(task)
        self._parts.phases.become(LeaderPhase.GIVING_UP)
        await self._give_up()
        if keeper.done() and not keeper.cancelled():
            return keeper.result()
        return None if leading.cancelled() else leading.result()

    def stop(self) -> None:
        """End the loop after the turn under way."""
        if self.loop is not None:
            self.loop.stop()

    def take(self, event: EngineEvent) -> None:
        """Take what happened to an agent. Between two loops nothing is lost: the next one has the agents tell again."""
        if self.loop is not None:
            self.loop.take(event)

    def note_obedience(self) -> None:
        """An agent has joined."""
        self._is_obeyed = True

    # From the record to the end of the loop

    async def _lead(self) -> LeaseLost | None:
        parts = self._parts
        while not parts.stop.is_sent and not self.gives_way:
            try:
                lost = await self._lead_from_record()
            except (UnavailableError, BugError) as error:
                parts.phases.become(LeaderPhase.TAKING_OVER)
                parts.trouble.note_failed_turn(error)
                await parts.stop.pause(_RETRY_SECONDS)
            except StartError as error:
                if isinstance(error, AgentsRefuseError) and self.lease.holds():
                    self._note_refusal(str(error))
                if self.lease.holds() and not parts.settled.is_set():
                    raise
                # Another scheduler may do better, or leads already.
                return LeaseLost(str(error))
            else:
                if lost is not None:
                    return lost
        return None

    async def _lead_from_record(self) -> LeaseLost | None:
        parts, epoch = self._parts, self.lease.epoch
        started = parts.surroundings.read_seconds()
        # A commit whose answer was lost may still be under way at the server, and then has the lease's row locked: when
        # the lease is renewed the commit is over, so that what is loaded now stays as it is.
        record = None
        if await self._renew_lease():
            record = await load_record(parts.store, epoch, parts.surroundings.write, parts.surroundings.load)
        if record is None:
            return LeaseLost(ANOTHER_LEADS)
        snapshot, lineage = record
        if parts.stop.is_sent:
            return None  # `stop` found no loop to stop
        if not self.lease.holds():
            return LeaseLost("The lease ran out before the term began.")
        core = self.core = Core(snapshot, parts.core_settings, parts.surroundings.new_id)
        loop = self.loop = self._make_loop(core)
        parts.phases.become(LeaderPhase.LEADING)
        parts.metrics.follow(core, snapshot)
        if parts.follower is not None:
            parts.follower.follow(core)
        parts.metrics.set_leader(leads=True)
        try:
            lost = await parts.engine_terms.join(epoch, snapshot, lineage)
            if lost is not None:
                return lost
            parts.settled.set()
            # Ends with the loop at the latest, which answers all queries.
            noting = asyncio.create_task(self._note_takeover(loop, snapshot, started))
            lost = await loop.run()
            await noting
            return lost
        finally:
            loop.close()  # where the engine did not start, callers wait already
            parts.metrics.set_leader(leads=False)
            parts.metrics.forget()
            if parts.follower is not None:
                parts.follower.forget()
            parts.agent_log.end_term(core.state.agents)
            self.loop = self.core = None

    def _make_loop(self, core: Core) -> SchedulingLoop:
        parts = self._parts
        return SchedulingLoop(
            core,
            parts.engine,
            lambda changes: parts.surroundings.write(parts.store.commit, self.lease.epoch, changes),
            self.lease.holds,
            parts.surroundings.read_clock,
            parts.metrics,
            parts.on_commit,
            parts.follower,
        )

    async def _note_takeover(self, loop: SchedulingLoop, snapshot: Snapshot, started: float) -> None:
        with contextlib.suppress(UnavailableError):
            await loop.query(lambda _: None)  # the first turn is over
            seconds = self._parts.surroundings.read_seconds() - started
            self._parts.metrics.note_takeover(seconds)
            _log.info(
                "Leading.",
                epoch=self.lease.epoch,
                takeover_seconds=round(seconds, 3),
                apps=len(snapshot.apps),
                jobs=len(snapshot.jobs),
                live_tasks=len(snapshot.tasks),
            )

    # The lease

    async def _renew_lease(self) -> bool:
        parts, epoch = self._parts, self.lease.epoch
        try:
            is_kept = await parts.surroundings.write(
                parts.store.renew_lease, epoch, parts.candidate.lease_seconds
            )
        except (UnavailableError, BugError) as error:
            parts.trouble.database_error = str(error)
            raise
        parts.trouble.database_error = None
        if is_kept:
            parts.engine.renewed(parts.store.renewals(epoch))
        return is_kept

    async def _give_up(self) -> None:
        """Let the next leader lead: no command is sent any more, and no agent hears that it has a scheduler."""
        parts, epoch = self._parts, self.lease.epoch
        held = self.lease.holds()
        self.lease.give_up()
        parts.engine_terms.end_term()
        is_refused = parts.trouble.refusal is not None
        # A start that was refused must not raise the epoch, by which agents of earlier versions go alone.
        is_unused = is_refused and not self._is_obeyed
        release = parts.store.give_back_lease if is_unused else parts.store.release_lease
        if held:
            with contextlib.suppress(UnavailableError, BugError):
                await parts.surroundings.write(release, epoch)
        if is_refused:
            # Others may use another server by now, which this one's sessions have not followed.
            await parts.surroundings.write(parts.store.reconnect)

    # Giving way

    async def _watch(self) -> None:
        """End the term when another scheduler should lead."""
        self._parts.giving_way.begin_term()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if await self._must_give_way():
                self.gives_way = True
                self.stop()
                return

    async def _must_give_way(self) -> bool:
        giving_way = self._parts.giving_way
        if self.loop is not None and await self._is_unfit():
            return True
        core = self.core
        has_agents = core is not None and bool(core.state.agents)
        return (
            giving_way.lacks_agents(has_agents=has_agents)
            and self.loop is not None
            and await giving_way.may_another_reach_agents()
        )

    async def _is_unfit(self) -> bool:
        refusal = self._parts.engine_terms.refusal
        if refusal is not None and self.leads:  # one that was deposed is refused as it should be
            self._note_refusal(refusal)
        return await self._parts.giving_way.is_clock_wrong() or self.gives_way

    def _note_refusal(self, reason: str) -> None:
        self._parts.trouble.note_refusal(reason)
        self.gives_way = True
