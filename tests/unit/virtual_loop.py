"""Virtual time for asyncio: an event loop whose clock jumps to the next timer when nothing else is to be done."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import TypeVar, TypeVarTuple

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Sockets and threads of this process work as ever; nothing takes time but what waits for a timer."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1_000.0
        self._in_threads = 0

    def time(self) -> float:
        """Give the virtual time."""
        return self._now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        """Have a thread do it; the clock stands still meanwhile, for however long the machine has it wait."""

        def note_end(_: asyncio.Future[_T]) -> None:
            self._in_threads -= 1

        done = super().run_in_executor(executor, func, *args)
        self._in_threads += 1
        done.add_done_callback(note_end)
        return done

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's
        """Wait for the threads in real time: Python 3.13 has a timer for it, to which the clock would jump."""
        if self._default_executor is not None:  # type: ignore[attr-defined]
            self._default_executor.shutdown(wait=True)  # type: ignore[attr-defined]

    def _run_once(self) -> None:
        if not self._ready:  # type: ignore[attr-defined]
            patience = None if self._in_threads else 0
            self._process_events(self._selector.select(patience))  # type: ignore[attr-defined]
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def run_in_virtual_time(scenario: Coroutine[None, None, None]) -> None:
    """Run a scenario to its end in a loop of virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(scenario)
