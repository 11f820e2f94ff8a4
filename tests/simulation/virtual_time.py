"""An asyncio loop whose time is virtual: where all tasks wait, it jumps to the next timer. Nothing in it may block."""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class _NoDescriptors(selectors.SelectSelector):
    """Lets the time pass that the loop would have waited."""

    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "all tasks wait, and nothing is due: the world stands still"
        self.loop.seconds += max(0.0, timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs a world in no time, in the same order each time."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        selector = _NoDescriptors()
        selector.loop = self
        super().__init__(selector)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self.seconds


class DelayingExecutor(Executor):
    """Runs each call on the loop, one after another, a while later, and tells its result another while later.

    `delay` gives the seconds of the next while. Once `crashed`, what was submitted is neither run nor told.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: Callable[[], float]) -> None:
        self.crashed = False
        self._loop = loop
        self._delay = delay
        self._free_at = 0.0

    def submit(self, call: Callable[P, T], /, *arguments: P.args, **options: P.kwargs) -> "Future[T]":
        future: Future[T] = Future()

        def run() -> None:
            if self.crashed:
                return
            try:
                result = call(*arguments, **options)
            except Exception as error:
                self._loop.call_later(self._delay(), self._tell, future.set_exception, error)
            else:
                self._loop.call_later(self._delay(), self._tell, future.set_result, result)

        self._free_at = max(self._free_at, self._loop.time()) + self._delay()
        self._loop.call_at(self._free_at, run)
        return future

    def _tell(self, tell: Callable[[Any], None], what: object) -> None:
        if not self.crashed:
            tell(what)
