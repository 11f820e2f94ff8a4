"""What a cache does to its disk when there is time: deleting, syncing, keeping records."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

_THREADS = 2
_CLOSE_SECONDS = 5.0


class Chores:
    """Blocking work that nobody waits for, in threads of its own, so that it holds up no download."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "app-housekeeping")
        self._under_way: set[Future[None]] = set()

    def do_later(self, chore: Callable[[], None]) -> None:
        """Do it soon; once closed, never."""
        try:
            future = self._threads.submit(chore)
        except RuntimeError:
            # Closed; the next start removes what is left over.
            return
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Wait a limited time for what is under way, and take nothing more."""
        # The set shrinks in other threads: looked at once.
        chores = list(self._under_way)
        if chores:
            await asyncio.wait([asyncio.wrap_future(chore) for chore in chores], timeout=_CLOSE_SECONDS)
        self._threads.shutdown(wait=False, cancel_futures=True)
