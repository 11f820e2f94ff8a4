"""When a leader whose lease holds gives the lead up all the same.

Its agents obey another scheduler, its clock is wrong, or it has no agents and another scheduler may reach some
(docs/decisions/0016).
"""

import contextlib

import structlog

from elasticjob_cloud.model.errors import BugError, UnavailableError
from elasticjob_cloud.service.housekeeping.clock_watch import ClockWatch
from elasticjob_cloud.service.leadership.agent_watch import AgentWatch
from elasticjob_cloud.service.leadership.candidate import Candidate
from elasticjob_cloud.service.leadership.surroundings import Surroundings
from elasticjob_cloud.store import Store

_log = structlog.get_logger(__name__)


class GivingWay:
    """Judges that from what a term sees. Its patience with missing agents grows from term to term."""

    def __init__(
        self, candidate: Candidate, store: Store, surroundings: Surroundings, clocks: ClockWatch
    ) -> None:
        self._candidate = candidate
        self._store = store
        self._surroundings = surroundings
        self._clocks = clocks
        self._agent_watch = AgentWatch()

    def begin_term(self) -> None:
        """Start to wait for agents."""
        self._agent_watch.begin_term(self._surroundings.read_seconds())

    async def is_clock_wrong(self) -> bool:
        """Tell whether this machine's clock is too far from the database's."""
        wrong_clock = await self._clocks.look()
        if wrong_clock is not None:
            _log.error("The clock is wrong. The lead is given up.", reason=wrong_clock)
        return wrong_clock is not None

    def lacks_agents(self, *, has_agents: bool) -> bool:
        """Note whether there are agents; tell whether there were none for too long."""
        return self._agent_watch.look(has_agents=has_agents, now=self._surroundings.read_seconds())

    async def may_another_reach_agents(self) -> bool:
        """Tell whether another scheduler stands by. If so, be more patient in the next term without agents."""
        if not await self._another_stands_by():
            return False
        _log.warning("No agent has joined. The lead is left to another scheduler, which may reach some.")
        self._agent_watch.give_way()
        return True

    async def _another_stands_by(self) -> bool:
        if self._candidate.alone:
            return False
        with contextlib.suppress(UnavailableError, BugError):
            rows = await self._surroundings.load(self._store.schedulers)
            return any(row.scheduler_id != self._candidate.scheduler_id for row in rows)
        return False
