"""What the tasks of one executor report while they run, no faster than a database should record it.

An app in a loop could fill it within minutes. The first report of a task and its end are always told. Of what comes
faster than allowed the last one is told after a while, with a line that says how many more there were.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from elasticjob_cloud.agent.executors.lines import StatusItem

_TASK_RATE: Final = 20.0  # a second; a daemon of the SDK without a cron begins and ends ten executions
_TASK_BURST: Final = 100.0
_EXECUTOR_RATE: Final = 100.0
_EXECUTOR_BURST: Final = 500.0
_READ_RATE: Final = 2_000.0  # beyond that the executor has to wait until it is read
_READ_BURST: Final = 10_000.0
_RELEASE_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 0.5
_NOTE = (
    "[elasticjob-cloud: this task reports more than {rate:g} times a second. What is beyond that is counted, and only the "
    "last of it recorded.]\n"
)


class TokenBucket:
    """Allows a burst, and after it so many a second."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = self._tokens = burst
        self._at = now

    def has(self, now: float) -> bool:
        """Whether one more is allowed."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return self._tokens >= 1

    def take(self) -> None:
        """Count one."""
        self._tokens -= 1


class _Pace:
    """How fast one task reports, and what is held back of it."""

    __slots__ = ("bucket", "count", "failed", "is_told", "last", "timer")

    def __init__(self, now: float) -> None:
        self.bucket = TokenBucket(_TASK_RATE, _TASK_BURST, now)
        self.last: StatusItem | None = None
        self.count = 0
        self.failed = 0  # executions
        self.is_told = False
        self.timer: asyncio.TimerHandle | None = None

    def hold(self, status: StatusItem) -> None:
        self.count += 1
        self.failed += status.success is False
        self.last = status


class Progress:
    """The reports of running tasks. Used on the loop's thread only.

    Args:
        loop: The agent's.
        tell: Records a report.
        tell_more: Records a line of this task that is the agent's.
        note: Adds a line to the task's output.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tell: Callable[[StatusItem], None],
        tell_more: Callable[[str, str], None],
        note: Callable[[str, str], None],
    ) -> None:
        self._loop = loop
        self._tell = tell
        self._tell_more = tell_more
        self._note = note
        now = loop.time()
        self._executor = TokenBucket(_EXECUTOR_RATE, _EXECUTOR_BURST, now)
        self._reading = TokenBucket(_READ_RATE, _READ_BURST, now)
        self._paces: dict[str, _Pace | None] = {}  # None: it has reported once

    def take(self, status: StatusItem) -> None:
        """Tell it, now or later."""
        task_id = status.task_id
        if task_id not in self._paces:
            self._paces[task_id] = None
            self._tell(status)
            return
        now = self._loop.time()
        pace = self._paces[task_id]
        if pace is None:
            pace = self._paces[task_id] = _Pace(now)
        self._reading.take()
        if pace.last is None and pace.bucket.has(now) and self._executor.has(now):
            pace.bucket.take()
            self._executor.take()
            self._tell(status)
            return
        pace.hold(status)
        if not pace.is_told:
            pace.is_told = True
            self._note(task_id, _NOTE.format(rate=_TASK_RATE))
        if pace.timer is None:
            pace.timer = self._loop.call_later(_RELEASE_SECONDS, self._release_in_turn, pace)

    def end(self, task_id: str) -> None:
        """Tell what is held back of a task that has ended, and forget it."""
        pace = self._paces.pop(task_id, None)
        if pace is not None and pace.timer is not None:
            pace.timer.cancel()
            self._release(pace)

    def pause_seconds(self) -> float:
        """For how long the executor is not to be read: it has said more than anybody needs."""
        return 0.0 if self._reading.has(self._loop.time()) else PAUSE_SECONDS

    def _release_in_turn(self, pace: _Pace) -> None:
        """Release it, unless other tasks of the executor take all that it may tell."""
        if self._executor.has(self._loop.time()):
            self._executor.take()
            self._release(pace)
        else:
            pace.timer = self._loop.call_later(_RELEASE_SECONDS, self._release_in_turn, pace)

    def _release(self, pace: _Pace) -> None:
        last, more, failed = pace.last, pace.count - 1, pace.failed
        pace.last, pace.timer = None, None
        pace.count = pace.failed = 0
        if last is None:
            return
        failed -= last.success is False
        if more:
            failures = f", {failed} of them failed executions" if failed else ""
            self._tell_more(last.task_id, f"{more} more reports came too fast to be recorded{failures}.")
        self._tell(last)
