"""One event loop, in a thread of its own, for the shards of `async` jobs."""

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Coroutine
from functools import partial
from typing import Any, ClassVar, cast

from elasticjob_cloud.sdk.endings import EXIT_DESCRIPTORS_CLOSED, end_process
from elasticjob_cloud.sdk.execution import Report, bug_status, conclude, now_ms
from elasticjob_cloud.sdk.failure import summarize_failure
from elasticjob_cloud.sdk.shards.shard import Shard, current_shard
from elasticjob_cloud.sdk.streams.forks import add_reset, end_if_forked
from elasticjob_cloud.sdk.streams.routing import tell_process

_LOOP_LOST = (
    "job code closed the descriptors of the event loop (os.closerange, maybe): no async shard can go on"
)
# A loop that fails so often in a second has lost its descriptors.
_MOST_FAILURES = 20


class _Nothing(deque[Any]):
    """What an event loop has to do that shall do nothing more."""

    def append(self, _handle: object, /) -> None:
        """Take nothing."""


class CoroutineLoop:
    """The loop's thread. It goes on when a stray asyncio task raises SystemExit through it."""

    _shared: ClassVar["CoroutineLoop | None"] = None

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        add_reset(self._stop_in_child)
        threading.Thread(target=self._serve, name="elasticjob-async", daemon=True).start()

    @classmethod
    def shared(cls) -> "CoroutineLoop":
        """Return this process's loop, started by the first call."""
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run a coroutine on the loop, from any thread."""
        self.loop.call_soon_threadsafe(self._start, work)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    def _stop_in_child(self) -> None:
        """A forked child must not run the tasks of all shards once more, when its own coroutine comes to an `await`."""
        type(self)._shared = None  # noqa: SLF001 - its own class
        loop: Any = self.loop
        loop._ready = _Nothing()  # noqa: SLF001 - no public way leads to what it is about to run
        loop._scheduled = []  # noqa: SLF001 - likewise
        loop.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        process, failures = os.getpid(), [0.0] * _MOST_FAILURES
        while True:
            try:
                self.loop.run_forever()
            except BaseException as problem:  # noqa: BLE001 - a task that job code started raised SystemExit
                failed = problem
            else:
                failed = RuntimeError("the event loop was stopped")
            end_if_forked(
                process, RuntimeError("A forked child cannot await: the event loop is its parent's.")
            )
            tell_process(f"an asyncio task of job code raised {summarize_failure(failed)}")
            failures = [*failures[1:], time.monotonic()]
            if failures[-1] - failures[0] < 1 and isinstance(failed, OSError | ValueError):
                end_process(_LOOP_LOST, EXIT_DESCRIPTORS_CLOSED)


class CoroutineLane:
    """Runs shards of async jobs, all at once or, with a lock, one after another in the order they came."""

    def __init__(self, report: Report, *, one_at_a_time: bool) -> None:
        self._owner = CoroutineLoop.shared()
        self._report = report
        self._lock = asyncio.Lock() if one_at_a_time else None

    def submit(self, shard: Shard) -> None:
        """Run a shard on the loop."""
        self._owner.start(self._run(shard))

    async def _run(self, shard: Shard) -> None:
        if self._lock is None:
            await self._run_now(shard)
            return
        async with self._lock:
            await self._run_now(shard)

    async def _run_now(self, shard: Shard) -> None:
        current_shard.set(shard)
        started_ms = now_ms()
        try:
            failure = await _await_job(shard, self._report)
            if shard.was_abandoned:
                return
            conclude(shard, started_ms, failure, self._report)
            del failure
        except BaseException as bug:  # noqa: BLE001 - otherwise its shard would never end
            self._report(bug_status(shard, bug, started_ms))


async def _await_job(shard: Shard, report: Report) -> BaseException | None:
    """Enter a shard and await its job; give the exception that ended it."""
    loop = asyncio.get_running_loop()
    task = cast("asyncio.Task[None]", asyncio.current_task())
    process = os.getpid()
    failure: BaseException | None = None
    try:
        if shard.enter(partial(loop.call_soon_threadsafe, task.cancel)):
            report({"taskId": shard.context.task_id, "state": "TASK_RUNNING"})
            result = shard.bound.function(shard.context)
            if result is not None:
                await result
    except BaseException as raised:  # noqa: BLE001 - SystemExit too ends a shard, not the loop
        failure = raised
    end_if_forked(process, failure)
    shard.settle()  # a cancellation that comes after the last `await` finds a finished task, and has no effect
    return failure
