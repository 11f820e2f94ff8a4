"""What a leader takes from its process, so that the simulation can hand in clocks, ids and threads of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

from elasticjob_cloud.scheduling import Now

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Clocks, random ids, and threads.

    `writer` runs one call at a time. `loader` is another one: a lease is renewed while a large record is loaded.
    """

    read_clock: Callable[[], Now]
    new_id: Callable[[], str]
    writer: Executor
    loader: Executor

    def read_seconds(self) -> float:
        """Read the monotonic clock."""
        return self.read_clock().monotonic_ms / 1000

    async def write(self, call: Callable[..., T], *arguments: object) -> T:
        """Make a call in the thread that writes."""
        return await asyncio.get_running_loop().run_in_executor(self.writer, call, *arguments)

    async def load(self, call: Callable[[], T]) -> T:
        """Make a call that may take long."""
        return await asyncio.get_running_loop().run_in_executor(self.loader, call)


class StopSignal:
    """Tells a leader to stop. It ends pauses too."""

    def __init__(self) -> None:
        self._is_sent = False
        self._pauses: set[asyncio.Future[None]] = set()

    @property
    def is_sent(self) -> bool:
        """Whether the leader must stop."""
        return self._is_sent

    def send(self) -> None:
        """Have the leader stop."""
        self._is_sent = True
        for pause in self._pauses:
            _end(pause)

    async def pause(self, seconds: float) -> None:
        """Sleep, but no longer than until the signal."""
        if self._is_sent:
            return
        loop = asyncio.get_running_loop()
        pause = loop.create_future()
        timer = loop.call_later(seconds, _end, pause)
        self._pauses.add(pause)
        try:
            await pause
        finally:
            timer.cancel()
            self._pauses.discard(pause)


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end; the caller asks for what it raised."""
    task.cancel()
    await asyncio.wait({task})
