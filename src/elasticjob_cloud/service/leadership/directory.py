"""Where the leader is, for calls that reach a scheduler which stands by."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from elasticjob_cloud.model.errors import ElasticJobError
from elasticjob_cloud.service.port import SchedulerView
from elasticjob_cloud.store.contract import SchedulerRow

UNKNOWING: Final = "This scheduler does not lead, and does not know which one does."
_FRESH_SECONDS = 0.1


class Leadership(Protocol):
    """What a face asks in order to pass a call on."""

    @property
    def leads(self) -> bool:
        """Whether this scheduler may answer."""

    @property
    def trouble(self) -> str | None:
        """Why this scheduler neither leads nor knows who does; None where it may only be that nobody does."""

    async def leader_elsewhere(self) -> SchedulerView | None:
        """Give another scheduler that leads, as the database has it; None when none does, or it does not answer."""

    async def expects_leader(self) -> bool:
        """Tell whether there can soon be a leader, here or elsewhere: not where the only scheduler is being stopped."""


class LeaderDirectory:
    """Asks the database, at most once in a tenth of a second however many calls wait for the answer."""

    def __init__(
        self,
        scheduler_id: str,
        leads: Callable[[], bool],
        is_stopping: Callable[[], bool],
        look: Callable[[], Awaitable[SchedulerRow | None]],
        look_for_all: Callable[[], Awaitable[Sequence[SchedulerRow]]],
        trouble: Callable[[], str | None],
    ) -> None:
        self._scheduler_id = scheduler_id
        self._leads = leads
        self._is_stopping = is_stopping
        self._look = look
        self._look_for_all = look_for_all
        self._trouble = trouble
        self._error: str | None = None  # of the last look
        self._known: SchedulerView | None = None  # who led when last somebody did
        self._known_at = float("-inf")
        self._answer: SchedulerView | None = None
        self._answered_at = float("-inf")
        self._looking: asyncio.Task[None] | None = None

    @property
    def leads(self) -> bool:
        """See `Leadership`."""
        return self._leads()

    @property
    def trouble(self) -> str | None:
        """See `Leadership`."""
        if self._error is None:
            return self._trouble()
        known = self._known
        if known is None or known.scheduler_id == self._scheduler_id:
            return self._error
        seconds = asyncio.get_running_loop().time() - self._known_at
        return f"{self._error} {known.scheduler_id} at {known.address} led {seconds:.0f} s ago."

    async def leader_elsewhere(self) -> SchedulerView | None:
        """See `Leadership`."""
        if asyncio.get_running_loop().time() - self._answered_at >= _FRESH_SECONDS:
            if self._looking is None:
                self._looking = asyncio.create_task(self._refresh(), name="look-for-leader")
            # Shielded: the caller may go away, and others wait too.
            await asyncio.shield(self._looking)
        answer = self._answer
        return None if answer is None or answer.scheduler_id == self._scheduler_id else answer

    async def expects_leader(self) -> bool:
        """See `Leadership`."""
        if not self._is_stopping():
            return True
        try:
            rows = await self._look_for_all()
        except ElasticJobError:
            return False
        return any(row.scheduler_id != self._scheduler_id for row in rows)

    async def _refresh(self) -> None:
        try:
            row = await self._look()
            self._answer = (
                None if row is None else SchedulerView(row.scheduler_id, row.address, row.leader, row.epoch)
            )
            self._error = None
            if self._answer is not None:
                self._known, self._known_at = self._answer, asyncio.get_running_loop().time()
        except ElasticJobError as error:
            self._answer = None
            self._error = str(error)
        finally:
            self._answered_at = asyncio.get_running_loop().time()
            self._looking = None
