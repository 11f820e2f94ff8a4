"""Starts scripts as the start queue allows, and a few in each turn of the loop."""

import asyncio
from collections.abc import Callable, Sequence

from elasticjob_cloud.agent.scripts.script_task import ScriptTask
from elasticjob_cloud.agent.scripts.start_queue import StartQueue
from elasticjob_cloud.agent.settings import AgentSettings

# Starting a process blocks the loop for half a millisecond: after so many, others have their turn (promise 11).
_STARTS_PER_TURN = 4


class PacedStarts:
    """Calls `start` for each script whose turn has come; it returns False when the script is not to be started any more."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, settings: AgentSettings, start: Callable[[ScriptTask], bool]
    ) -> None:
        self._loop = loop
        self._start = start
        self._queue: StartQueue[ScriptTask] = StartQueue(
            settings.fresh_limit(), settings.fresh_process_seconds, settings.processes_at_once
        )
        self._due: asyncio.Handle | None = None
        self._later: asyncio.TimerHandle | None = None

    def add(self, scripts: Sequence[ScriptTask]) -> None:
        """Start these scripts of one run when their turn comes."""
        self._queue.add(scripts)
        self._look_soon()

    def ended(self, script: ScriptTask) -> None:
        """Note that a script's process has ended, or could not be started."""
        self._queue.ended(script)
        if self._queue:
            self._look_soon()

    def _look_soon(self) -> None:
        """Start what may start in the next turn of the loop, or when the queue allows more."""
        if self._due is not None:
            return
        if self._later is not None:
            self._later.cancel()
            self._later = None
        seconds = self._queue.retry_seconds(self._loop.time())
        if seconds == 0:
            self._due = self._loop.call_soon(self._start_some)
        elif seconds is not None:
            self._later = self._loop.call_later(seconds, self._start_some)

    def _start_some(self) -> None:
        self._due = None
        started = 0
        while started < _STARTS_PER_TURN and (script := self._queue.next(self._loop.time())) is not None:
            if self._start(script):
                started += 1
            else:
                self._queue.ended(script)
        self._look_soon()
