"""Apps that are prepared for scripts: each by one task of the loop, which several scripts may wait for."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from elasticjob_cloud.agent.scripts.script_task import ScriptTask


class Preparations:
    """Counts who waits for an app, and ends the download that nobody wants any more."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiters: dict[asyncio.Task[None], int] = {}

    def begin(self, preparation: Coroutine[Any, Any, None], scripts: Sequence[ScriptTask]) -> None:
        """Prepare an app for these scripts."""
        task = self._loop.create_task(preparation)
        self._waiters[task] = len(scripts)
        task.add_done_callback(self._waiters.pop)
        for script in scripts:
            script.preparation = task

    def leave(self, script: ScriptTask) -> None:
        """Have a script that has ended wait no more."""
        preparation, script.preparation = script.preparation, None
        if preparation in self._waiters and preparation is not None:
            self._waiters[preparation] -= 1
            if not self._waiters[preparation]:
                # Nobody wants the download any more.
                preparation.cancel()
