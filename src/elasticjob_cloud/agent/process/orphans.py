"""Reaps, as the first process of a container, the dead that lost their parent: nobody else would."""

import asyncio
import contextlib
import os
from collections.abc import Callable

from elasticjob_cloud.agent.process.table import read_own_children, read_process

_LOOK_SECONDS = 5.0
_FIRST_PROCESS = 1


class OrphanReaper:
    """Reaps the dead that are still there at the next look: a parent that waits for one has done so by then."""

    def __init__(self, is_awaited: Callable[[int], bool] = lambda _: False) -> None:
        """Make one; `is_awaited` tells of a pid whether somebody reaps it, however late."""
        self._is_awaited = is_awaited
        self._dead: set[tuple[int, int]] = set()

    def look(self) -> int:
        """Reap those that were dead at the last look, too; give how many that were."""
        rows = (read_process(pid) for pid in read_own_children() if not self._is_awaited(pid))
        dead = {(row.pid, row.start_ticks) for row in rows if row is not None and row.zombie}
        forgotten = dead & self._dead
        for pid, _ in forgotten:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        self._dead = dead - forgotten
        return len(forgotten)

    async def run(self) -> None:
        """Look until cancelled, if this is the first process; otherwise there is nothing to do."""
        while os.getpid() == _FIRST_PROCESS:
            self.look()
            await asyncio.sleep(_LOOK_SECONDS)
