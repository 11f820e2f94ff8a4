"""An asyncio loop whose time is virtual: where all tasks wait, it jumps to the next timer. Nothing in it may block."""

import asyncio
import contextvars
import heapq
import itertools
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
FOREVER = float("inf")


class Process:
    """What stands still at times, as by SIGSTOP: nothing that was begun in its `context` runs until `frozen_until`.

    One that is killed stands still for ever.
    """

    def __init__(self) -> None:
        self.frozen_until = 0.0
        self.undone: list[_Step] = []  # of one that is dead
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
            step.take_later(0.0)
        self.undone.clear()


_process: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """Runs a world in no time, in the same order each time; processes in it may stand still.

    It has neither descriptors nor threads to wait for, so it keeps its own queues. asyncio's would take most of the time
    of a simulation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 1_000.0
        self._soon: deque[_Step] = deque()
        self._timers: list[tuple[float, int, _Step]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        return self.seconds

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *arguments: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        step = _Step(self.seconds, callback, arguments, self, context)
        self._soon.append(step)
        return step

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *arguments: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        step = _Step(when, callback, arguments, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), step))
        return step

    def run_in_executor(  # type: ignore[override]  # there is one kind of executors here
        self, executor: "DelayingExecutor", func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        return executor.begin(lambda: func(*args))

    def take_at(self, when: float, step: "_Step") -> None:
        """Take a step then that could not be taken."""
        heapq.heappush(self._timers, (when, next(self._numbers), step))

    def _run_once(self) -> None:
        """Take all steps of this moment that are known, as asyncio's loops do; of the next one, if there are none."""
        timers, soon = self._timers, self._soon
        while timers and timers[0][2].is_cancelled:
            heapq.heappop(timers)
        if not soon:
            assert timers, "all tasks wait, and nothing is due: the world stands still"
            self.seconds = max(self.seconds, timers[0][0])
        while timers and timers[0][0] <= self.seconds:
            soon.append(heapq.heappop(timers)[2])
        for _ in range(len(soon)):
            step = soon.popleft()
            if not step.is_cancelled:
                step.take()


class _Step(asyncio.TimerHandle):
    """Something to do at some time; it waits where its process stands still."""

    __slots__ = ("_process", "_world", "is_cancelled")

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        arguments: tuple[Any, ...],
        loop: VirtualTimeLoop,
        context: contextvars.Context | None,
    ) -> None:
        if context is None:
            context = contextvars.copy_context()
        super().__init__(when, callback, arguments, loop, context)
        self._world = loop
        self._process = context.get(_process)
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True
        super().cancel()

    def take(self) -> None:
        """Take the step, or wait with it."""
        process = self._process
        if process is None or process.frozen_until <= self._world.seconds:
            self._run()
        elif process.is_dead:
            process.undone.append(self)
        else:
            self.take_later(process.frozen_until)

    def take_later(self, when: float) -> None:
        """Take the step then."""
        self._world.take_at(when, self)


class DelayingExecutor(Executor):
    """Runs each call of a process elsewhere, one after another, a while later; tells its result another while later.

    `delay` gives the seconds of the next while. A call that is under way when the process stops is carried out.
    """

    def __init__(self, loop: VirtualTimeLoop, process: Process, delay: Callable[[], float]) -> None:
        self._loop = loop
        self._process = process
        self._delay = delay
        self._elsewhere = contextvars.Context()
        self._waiting: deque[tuple[asyncio.Future[Any], Callable[[], object]]] = deque()
        self.busy = False  # a call is under way

    def begin(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Have a call made: the loop asks for it, and nobody submits calls in another way."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append((future, call))
        if not self.busy:
            self._begin_next()
        return future

    def _begin_next(self) -> None:
        self.busy = False
        while self._waiting and not self.busy:
            future, call = self._waiting.popleft()
            if not future.cancelled():
                self.busy = True
                self._loop.call_later(self._delay(), self._run, future, call, context=self._elsewhere)

    def _run(self, future: "asyncio.Future[Any]", call: Callable[[], object]) -> None:
        try:
            result, failure = call(), None
        except Exception as error:
            result, failure = None, error

        def finish() -> None:
            if not future.cancelled():
                if failure is None:
                    future.set_result(result)
                else:
                    future.set_exception(failure)
            self._begin_next()

        self._loop.call_later(self._delay(), finish, context=self._process.context)
