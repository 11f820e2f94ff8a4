"""An asyncio loop whose time is virtual: where all tasks wait, it jumps to the next timer. Nothing in it may block."""

import asyncio
import contextvars
import selectors
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar, TypeVarTuple, Unpack

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")
FOREVER = float("inf")


class Process:
    """What stands still at times, as by SIGSTOP: nothing that was begun in its `context` runs until `frozen_until`.

    One that is killed stands still for ever.
    """

    def __init__(self) -> None:
        self.frozen_until = 0.0
        self.undone: list[Callable[[], None]] = []  # steps of one that is dead
        self.context = contextvars.Context()
        self.context.run(_process.set, self)

    @property
    def is_dead(self) -> bool:
        """Whether it was killed."""
        return self.frozen_until == FOREVER

    def bury(self) -> None:
        """At the end of a world: let what is dead come to an end, so that nothing is left."""
        self.frozen_until = 0.0
        for step in self.undone:
            step()
        self.undone.clear()


_process: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class _NoDescriptors(selectors.SelectSelector):
    """Lets the time pass that the loop would have waited."""

    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "all tasks wait, and nothing is due: the world stands still"
        self.loop.seconds += max(0.0, timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs a world in no time, in the same order each time; processes in it may stand still."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        selector = _NoDescriptors()
        selector.loop = self
        super().__init__(selector)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self.seconds

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *arguments: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        process = _process.get() if context is None else context.get(_process)
        if process is None:
            return super().call_soon(callback, *arguments, context=context)
        step = _Step(self, process, lambda: callback(*arguments), context)
        return step.noted(super().call_soon(step.run, context=context))

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *arguments: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        process = _process.get() if context is None else context.get(_process)
        if process is None:
            return super().call_at(when, callback, *arguments, context=context)
        step = _Step(self, process, lambda: callback(*arguments), context)
        handle = super().call_at(when, step.run, context=context)
        step.noted(handle)
        return handle

    def wait_until(self, when: float, callback: Callable[[], object], context: contextvars.Context) -> None:
        """Call back then, whatever stands still."""
        super().call_at(when, callback, context=context)


class _Step:
    """A step of a process, which waits where that stands still."""

    def __init__(
        self,
        loop: VirtualTimeLoop,
        process: Process,
        step: Callable[[], object],
        context: contextvars.Context | None,
    ) -> None:
        self._loop = loop
        self._process = process
        self._step = step
        self._context = context if context is not None else contextvars.copy_context()
        self._handle: asyncio.Handle | None = None

    def noted(self, handle: asyncio.Handle) -> asyncio.Handle:
        """Note what cancels the step."""
        self._handle = handle
        return handle

    def run(self) -> None:
        """Take the step, or wait with it."""
        if self._handle is not None and self._handle.cancelled():
            return
        if self._process.is_dead:
            self._process.undone.append(lambda: self._loop.wait_until(0.0, self.run, self._context))
        elif self._process.frozen_until > self._loop.time():
            self._loop.wait_until(self._process.frozen_until, self.run, self._context)
        else:
            self._step()


class DelayingExecutor(Executor):
    """Runs each call of a process elsewhere, one after another, a while later; tells its result another while later.

    `delay` gives the seconds of the next while. A call that is under way when the process stops is carried out.
    """

    def __init__(self, loop: VirtualTimeLoop, process: Process, delay: Callable[[], float]) -> None:
        self._loop = loop
        self._process = process
        self._delay = delay
        self._elsewhere = contextvars.Context()
        self._waiting: deque[tuple[Future[Any], Callable[[], object]]] = deque()
        self.busy = False  # a call is under way

    def submit(self, call: Callable[P, T], /, *arguments: P.args, **options: P.kwargs) -> "Future[T]":
        future: Future[T] = Future()
        self._waiting.append((future, lambda: call(*arguments, **options)))
        if not self.busy:
            self._begin_next()
        return future

    def _begin_next(self) -> None:
        self.busy = False
        while self._waiting and not self.busy:
            future, call = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                self.busy = True
                self._loop.call_later(self._delay(), self._run, future, call, context=self._elsewhere)

    def _run(self, future: "Future[Any]", call: Callable[[], object]) -> None:
        try:
            result, failure = call(), None
        except Exception as error:
            result, failure = None, error

        def finish() -> None:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)
            self._begin_next()

        self._loop.call_later(self._delay(), finish, context=self._process.context)
