"""The threads in which a scheduler calls its database."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog

from elasticjob_cloud.service.threads.daemon_threads import DaemonThreads

_log = structlog.get_logger(__name__)
# PostgreSQL's limits end every call sooner (docs/database.md); a disk that hangs has none.
_CLOSE_SECONDS = 8.0
T = TypeVar("T")


class StoreThreads:
    """One thread writes, and the others never hold it up."""

    def __init__(self) -> None:
        self.writer = DaemonThreads(1, "store-writer")
        self.reader = DaemonThreads(4, "store-reader")
        self.pruner = DaemonThreads(1, "store-pruner")
        # Queries must not hold up a take-over; and a load that hangs in an earlier term not that of the next.
        self.loader = DaemonThreads(2, "store-loader")

    async def write(self, call: Callable[..., T], *arguments: object) -> T:
        """Make a call in the thread that writes."""
        return await asyncio.get_running_loop().run_in_executor(self.writer, call, *arguments)

    async def read(self, call: Callable[..., T], *arguments: object) -> T:
        """Make a call in a thread that reads."""
        return await asyncio.get_running_loop().run_in_executor(self.reader, call, *arguments)

    async def close(self, close_store: Callable[[], None]) -> None:
        """Close the store and end the threads: in a bounded time, whatever the database does."""
        closing = asyncio.ensure_future(self.write(close_store))
        done, _ = await asyncio.wait({closing}, timeout=_CLOSE_SECONDS)
        if not done:
            _log.warning("The database does not answer: its connections end with this process.")
            closing.cancel()
        for threads in (self.writer, self.reader, self.loader, self.pruner):
            # Never waited for on the loop, which has others to serve: what still runs has no caller any more.
            threads.shutdown(wait=False, cancel_futures=True)
