"""Turns at something that takes long, shared fairly: one caller's many requests never hold up another's one."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from elasticjob_cloud.model.errors import UnavailableError


class FairTurns:
    """Lets a few in at a time. Of those who wait, each group has its turn before any group has another."""

    def __init__(
        self, at_once: int, waiting_limit: int, refusal: str = "Too many log in at the moment. Try again."
    ) -> None:
        self._refusal = refusal
        self._free = at_once
        self._waiting_limit = waiting_limit
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, group: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it.

        Raises:
            UnavailableError: too many wait already.
        """
        await self._enter(group)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, group: str) -> None:
        if self._free:
            self._free -= 1
            return
        if sum(map(len, self._waiting.values())) >= self._waiting_limit:
            self._refuse_one(group)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(group, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # the turn came, and nobody has it
            raise

    def _refuse_one(self, newcomer: str) -> None:
        """Refuse one of the group that waits most, which may be the newcomer's."""
        refusal = UnavailableError(self._refusal)
        most = max(self._waiting, key=lambda group: len(self._waiting[group]))
        if len(self._waiting[most]) <= len(self._waiting.get(newcomer, ())) + 1:
            raise refusal
        refused = self._waiting[most].pop()
        if not refused.done():
            refused.set_exception(refusal)

    def _leave(self) -> None:
        while self._waiting:
            group, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[group] = turns  # behind all other groups
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
