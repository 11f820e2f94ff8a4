"""Room for downloads: so many in all, and so few of one URL that it cannot take the room of the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class _UrlSlots:
    def __init__(self, count: int) -> None:
        self.semaphore = asyncio.Semaphore(count)
        self.users = 0


class DownloadSlots:
    """First come, first served, for each URL and for all."""

    def __init__(self, total: int, per_url: int) -> None:
        self._all = asyncio.Semaphore(total)
        self._per_url = per_url
        self._urls: dict[str, _UrlSlots] = {}

    @asynccontextmanager
    async def take(self, key: str) -> AsyncIterator[None]:
        """Wait for a slot, and keep it for the body."""
        slots = self._urls.setdefault(key, _UrlSlots(self._per_url))
        slots.users += 1
        try:
            # Its own first: who waits for their URL's other downloads must not hold the others' room.
            async with slots.semaphore, self._all:
                yield
        finally:
            slots.users -= 1
            if not slots.users:
                del self._urls[key]
