"""Waits for the other processes of a task whose main process has ended, while they still have time.

That is the grace of a kill, or the moment that it takes to pass on their last output. All that wait share one look at the
process table.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

import structlog

from elasticjob_cloud.agent.process.table import ProcessRow, ProcessTable

_log = structlog.get_logger(__name__)
_FIRST_LOOK_SECONDS = 0.005
_LAST_LOOK_SECONDS = 0.1
# Looking takes no more than this part of a core.
_SHARE_OF_CORE = 0.1


class Rest(NamedTuple):
    """What is left of a task, and until when it may stay."""

    deadline: float  # by the loop's clock
    living: Callable[[ProcessTable], list[ProcessRow]]
    is_over: Callable[[list[ProcessRow]], bool]  # whether nobody need wait for these any more
    on_over: Callable[[], None]


class Lingering:
    """All that wait. Used on the loop's thread only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, read: Callable[[], dict[int, ProcessRow]]) -> None:
        self._loop = loop
        self._read = read
        self._rests: list[Rest] = []
        self._look_soon: asyncio.Handle | None = None
        self._delay = 0.0

    def wait(self, rest: Rest) -> None:
        """Call its `on_over` when it is over, or at its deadline."""
        self._rests.append(rest)
        self._delay = 0.0
        self._schedule()

    def close(self) -> None:
        """Look no more."""
        if self._look_soon is not None:
            self._look_soon.cancel()

    def _schedule(self) -> None:
        if self._look_soon is not None:
            self._look_soon.cancel()
        self._look_soon = self._loop.call_later(self._delay, self._look)

    def _look(self) -> None:
        self._look_soon = None
        began = time.perf_counter()
        rows = self._read()
        table = ProcessTable(rows)
        rests, self._rests = self._rests, []
        for rest in rests:
            # Without rows nothing is known (the reading failed): then only the deadline counts.
            over = bool(rows) and rest.is_over(rest.living(table))
            if over or self._loop.time() >= rest.deadline:
                self._end(rest)
            else:
                self._rests.append(rest)
        if self._rests:
            took = time.perf_counter() - began
            step = min(max(self._delay * 2, _FIRST_LOOK_SECONDS), _LAST_LOOK_SECONDS)
            self._delay = max(step, took / _SHARE_OF_CORE)
            self._schedule()

    def _end(self, rest: Rest) -> None:
        try:
            rest.on_over()
        except Exception:  # noqa: BLE001 - one task's fault must not stop the others
            _log.exception("The end of a process could not be handled.")
