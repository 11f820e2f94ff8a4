"""How a leader has its engine from term to term: made ready, started with the term's epoch, and stopped during the next search."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from elasticjob_cloud.engine.contract import Engine, EventSink
from elasticjob_cloud.model.lineage import Lineage
from elasticjob_cloud.model.records import Snapshot
from elasticjob_cloud.service.loop import ANOTHER_LEADS, LeaseLost

_log = structlog.get_logger(__name__)
_PREPARE_SECONDS = 5.0


class EngineTerms:
    """One engine's terms.

    Args:
        engine: The engine.
        sink: Takes what happens to agents.
        agree_on_lost: Says in the record after how long agents are lost, and gives how long it has to be; None when
            another leads.
        takes_over: Whether agents that go by a record that this one does not follow are taken over.
    """

    def __init__(
        self,
        engine: Engine,
        sink: EventSink,
        agree_on_lost: Callable[[int, float], Awaitable[float | None]],
        *,
        takes_over: bool,
    ) -> None:
        self._engine = engine
        self._sink = sink
        self._agree_on_lost = agree_on_lost
        self._takes_over = takes_over
        self._epoch: int | None = None  # with which it was started
        self._is_prepared = False
        self._leaving: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Keep the engine ready for a term, until cancelled."""
        await self._end_leaving()
        self._is_prepared = True
        while True:
            await self._engine.prepare()
            await asyncio.sleep(_PREPARE_SECONDS)

    async def join(self, epoch: int, snapshot: Snapshot, lineage: Lineage) -> LeaseLost | None:
        """Have the agents tell what they hold, in a new term or again; give why not where another leads.

        Raises:
            StartError: the engine cannot be used; `AgentsRefuseError`: its agents obey another.
        """
        known_agents = frozenset(task.agent_id for task in snapshot.tasks)
        if self._epoch == epoch:
            self._engine.reconcile(known_agents)
            return None
        await self._end_leaving()
        if not await self._agree(epoch):
            return LeaseLost(ANOTHER_LEADS)
        self._epoch = epoch
        self._engine.identify(lineage, takes_over=self._takes_over)
        await self._engine.start(epoch, known_agents, self._sink)
        return None

    @property
    def refusal(self) -> str | None:
        """Why the agents do not obey in this term; None also where the term has not come to them yet."""
        return None if self._epoch is None else self._engine.refusal

    def end_term(self) -> None:
        """Begin to stop the engine, if it was started."""
        if self._epoch is not None:
            self._begin_leaving()

    async def leave(self) -> None:
        """Stop the engine and what it has prepared. Agents go on with the tasks that they have."""
        if self._epoch is not None or self._is_prepared:
            self._begin_leaving()
        await self._end_leaving()

    async def _agree(self, epoch: int) -> bool:
        """Settle when agents are lost; False where another leads. Once a term: later, sessions go on with agents that have an earlier leader's fence."""
        own = self._engine.lost_seconds
        agreed = await self._agree_on_lost(epoch, own)
        if agreed is None:
            return False
        if agreed > own:
            _log.warning(
                "Agents may have the fence of a scheduler with other settings: in this term they are lost later.",
                lost_seconds=agreed,
                own_lost_seconds=own,
            )
        self._engine.lose_after(agreed)
        return True

    def _begin_leaving(self) -> None:
        # During the search for the next term, for it may take a while.
        self._epoch = None
        self._is_prepared = False
        self._leaving = asyncio.create_task(self._engine.stop(), name="leave-engine")

    async def _end_leaving(self) -> None:
        if self._leaving is not None:
            await asyncio.wait({self._leaving})
