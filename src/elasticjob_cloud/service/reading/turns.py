"""Turns at reading what is long: on the loop's thread, a millisecond at a time, and never two readers in a row.

A thread would not do: it holds the interpreter's lock for 5 ms whenever the loop wakes up. Between two turns the loop
and the thread that commits have as long for themselves.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from elasticjob_cloud.model.errors import UnavailableError

_TURN_SECONDS: Final = 0.001
_READERS: Final = 200
T = TypeVar("T")


class Reader:
    """One reader. It calls `step` between pieces of work that each take far less than a millisecond."""

    def __init__(self, turns: "ReadTurns") -> None:
        self._turns = turns
        self._turn_ends = 0.0

    async def step(self) -> None:
        """Return at once while the turn lasts; wait for the next turn when it is over."""
        if time.perf_counter() >= self._turn_ends:
            await self._turns.wait()
            self._turn_ends = time.perf_counter() + _TURN_SECONDS


class ReadTurns:
    """Gives readers their turns, the longest waiting first."""

    def __init__(self, limit: int = _READERS) -> None:
        self._limit = limit
        self._readers = 0
        self._next = asyncio.Lock()

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Reader]:
        """Become a reader.

        Raises:
            UnavailableError: too many read already.
        """
        if self._readers >= self._limit:
            message = f"{self._limit} lists are being read already; try again in a moment."
            raise UnavailableError(message)
        self._readers += 1
        try:
            yield Reader(self)
        finally:
            self._readers -= 1

    async def wait(self) -> None:
        """Wait until no other reader is before this one, and the loop has had time for itself."""
        async with self._next:
            await asyncio.sleep(_TURN_SECONDS)

    async def pieces(self, items: Sequence[T], size: int = 50) -> AsyncIterator[Sequence[T]]:
        """Give a long sequence piece by piece, each in a turn."""
        async with self.reader() as reader:
            for start in range(0, len(items), size):
                await reader.step()
                yield items[start : start + size]
