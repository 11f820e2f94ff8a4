"""A leader: it seeks the lead, and leads, one term after another.

Everything that comes from outside (clocks, random ids, the thread that writes) is handed in, so that the simulation
runs this very code.
"""

import asyncio
from collections.abc import Callable

import structlog

from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.model.messages import AgentJoined, EngineEvent
from elasticjob_cloud.model.phases import PhaseMachine
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import Core, CoreSettings
from elasticjob_cloud.service.follower import CoreFollower
from elasticjob_cloud.service.housekeeping.clock_watch import ClockWatch
from elasticjob_cloud.service.leadership.agent_log import AgentLog
from elasticjob_cloud.service.leadership.candidacy import ASK_SECONDS, Candidacy
from elasticjob_cloud.service.leadership.candidate import Candidate
from elasticjob_cloud.service.leadership.engine_terms import EngineTerms
from elasticjob_cloud.service.leadership.giving_way import GivingWay
from elasticjob_cloud.service.leadership.lease import Lease
from elasticjob_cloud.service.leadership.parts import LeaderParts
from elasticjob_cloud.service.leadership.phases import TRANSITIONS, LeaderPhase
from elasticjob_cloud.service.leadership.surroundings import StopSignal, Surroundings
from elasticjob_cloud.service.leadership.term import Term
from elasticjob_cloud.service.leadership.trouble import Trouble
from elasticjob_cloud.service.loop import SchedulingLoop
from elasticjob_cloud.service.metrics.metrics import Metrics
from elasticjob_cloud.store import Store

_log = structlog.get_logger(__name__)
_WAY_SECONDS = 3.0  # for another to take the lead that was given up for it


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
        follower: CoreFollower | None = None,
    ) -> None:
        clocks = ClockWatch(
            surroundings.read_clock,
            (lambda: surroundings.load(store.now_ms)) if store.has_clock else None,
            candidate.clock_limit_seconds,
            metrics,
        )
        self._parts = LeaderParts(
            candidate=candidate,
            store=store,
            engine=engine,
            core_settings=core_settings,
            surroundings=surroundings,
            metrics=metrics,
            on_commit=on_commit,
            follower=follower,
            phases=PhaseMachine("leader", LeaderPhase.STANDING_BY, TRANSITIONS),
            engine_terms=EngineTerms(
                engine,
                self._take,
                lambda epoch, seconds: surroundings.write(store.agree_on_lost_seconds, epoch, seconds),
                takes_over=candidate.takes_over_agents,
            ),
            clocks=clocks,
            trouble=Trouble(clocks, metrics, surroundings.read_seconds),
            agent_log=AgentLog(),
            giving_way=GivingWay(candidate, store, surroundings, clocks),
            settled=asyncio.Event(),
            stop=StopSignal(),
        )
        self._candidacy = Candidacy(self._parts)
        self._term: Term | None = None

    @property
    def settled(self) -> asyncio.Event:
        """Set once it leads, or knows that another scheduler does."""
        return self._parts.settled

    @property
    def phase(self) -> LeaderPhase:
        """What it is doing about the lead."""
        return self._parts.phases.current

    @property
    def epoch(self) -> int | None:
        """The epoch of the present term."""
        return (
            self._term.lease.epoch
            if self._term is not None and self._parts.phases.current.has_lease
            else None
        )

    @property
    def loop(self) -> SchedulingLoop | None:
        """The loop, while it schedules."""
        return None if self._term is None else self._term.loop

    @property
    def core(self) -> Core | None:
        """The core, while it schedules."""
        return None if self._term is None else self._term.core

    @property
    def leads(self) -> bool:
        """Whether it may answer as the leader: it has a loop, and surely still the lease."""
        return self._term is not None and self._term.leads

    @property
    def trouble(self) -> str | None:
        """What keeps it from the lead, as far as it knows; None where it is only that another may lead."""
        return self._parts.trouble.reason

    def another_leads(self, within_seconds: float) -> bool:
        """Tell whether the database has said, so recently, that another scheduler leads."""
        return self._candidacy.another_leads(within_seconds)

    async def run(self) -> None:
        """Seek and lead until `stop`; the lead is given up by then, the engine is not stopped yet.

        Raises:
            StartError: the engine cannot be used.
        """
        stop, phases = self._parts.stop, self._parts.phases
        try:
            while not stop.is_sent:
                lease = await self._candidacy.seek()
                if lease is not None:
                    gives_way = await self._serve(lease)
                    await stop.pause(_WAY_SECONDS if gives_way else ASK_SECONDS)
                    phases.become(LeaderPhase.STANDING_BY)
        finally:
            phases.become(LeaderPhase.STOPPED)

    def stop(self) -> None:
        """End `run` after the turn under way."""
        self._parts.stop.send()
        if self._term is not None:
            self._term.stop()

    async def leave(self) -> None:
        """After `run`: leave the agents, which run on what they have, and stop what the engine has prepared."""
        await self._parts.engine_terms.leave()

    async def _serve(self, lease: Lease) -> bool:
        """Serve a term; tell whether it was ended so that another scheduler can lead."""
        self._parts.phases.become(LeaderPhase.TAKING_OVER)
        term = self._term = Term(self._parts, lease)
        lost = await term.serve()
        if lost is not None:
            _log.warning("Standing by.", reason=lost.reason)
        else:
            _log.info("The lead is given up.")
        return term.gives_way

    def _take(self, event: EngineEvent) -> None:
        term = self._term
        if isinstance(event, AgentJoined):
            self._parts.trouble.refusal = None
            if term is not None:
                term.note_obedience()
        self._parts.agent_log.note(event, self.core.state.agents if self.core is not None else ())
        if term is not None:
            term.take(event)
