"""Looks at the memory of all process trees every so often, and reports the ones that use too much."""

import asyncio
import time
from collections.abc import Callable, Iterable

import structlog

from elasticjob_cloud.agent.process.shared_files import SharedFiles, shared_memory_in_use
from elasticjob_cloud.agent.process.table import (
    MemoryUse,
    ProcessRow,
    ProcessTable,
    read_family,
    read_memory,
    read_processes,
    read_proportional_memory,
)
from elasticjob_cloud.agent.process.trees import ProcessTrees, Tree

_log = structlog.get_logger(__name__)
# A look takes longer the more processes the machine has; it never takes more than this part of a core.
_SHARE_OF_CORE = 0.02
# Up to so many trees, their processes are found one by one from their parents; beyond, all of the machine are read.
_FEW_TREES = 20


class MemoryWatch:
    """Holds trees to their `memory_limit`."""

    def __init__(self, trees: ProcessTrees, interval_seconds: float, *, is_subreaper: bool) -> None:
        self._trees = trees
        self._files = SharedFiles()
        self._took = 0.0
        self._is_subreaper = is_subreaper
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            # Of the processor: on a busy machine a look waits longer than it works, and must not be put off for that.
            began = time.thread_time()
            self._took = 0.0
            if len(self._trees):
                await self._look_guarded()
            else:
                self._files.note_foreign()
            self._took += time.thread_time() - began
            await asyncio.sleep(max(self._interval_seconds, self._took / _SHARE_OF_CORE))

    async def _look_guarded(self) -> None:
        try:
            await self._look()
        except Exception as error:  # noqa: BLE001 - contained: without descriptors or threads the next look may succeed
            _log.warning("Memory could not be looked at.", error=str(error))

    async def _look(self) -> None:
        # As a subreaper, the agent has all that it started among its descendants.
        few = self._is_subreaper and len(self._trees) <= _FEW_TREES
        table = ProcessTable(read_family() if few else await self._read_all())
        members = self._trees.members(table)
        files = self._files.look({tree.mark: pids for tree, pids in members.items()})
        machine = shared_memory_in_use()
        for tree, pids in members.items():
            resident = sum(table.rows[pid].memory_bytes for pid in pids)
            # No more than this can be its: most trees are done with here.
            if tree.memory_limit is not None and resident + machine > (limit := tree.memory_limit()):
                self._judge(tree, pids, limit, files[tree.mark], resident)
        self._trees.sweep_soon()

    async def _read_all(self) -> dict[int, ProcessRow]:
        began = time.thread_time()
        rows, seconds = await asyncio.to_thread(_read_timed)
        # What the loop did meanwhile was not for this.
        self._took += seconds - (time.thread_time() - began)
        return rows

    def _judge(self, tree: Tree, pids: set[int], limit: int, in_files: int, resident: int) -> None:
        in_files += self._files.held_open(pids)
        used = _use(pids, read_memory, in_files, resident)
        if used > limit:
            # The counters count shared pages once for each process: what matters is counted properly before anyone dies.
            used = _use(pids, read_proportional_memory, in_files, used)
        if used > limit and tree.on_memory_exceeded is not None:
            _log.warning("A task uses more memory than it may.", pid=tree.main, used=used, limit=limit)
            tree.on_memory_exceeded(used, limit)


def _read_timed() -> tuple[dict[int, ProcessRow], float]:
    began = time.thread_time()
    return read_processes(), time.thread_time() - began


def _use(pids: Iterable[int], read: Callable[[int], MemoryUse | None], in_files: int, otherwise: int) -> int:
    """Give what processes use, without the pages of files on disk: the kernel can take these back at any time.

    Files in memory may be mapped as well: of the two the larger counts.
    """
    uses = [use for pid in pids if (use := read(pid)) is not None]
    if not uses:
        return max(otherwise, in_files)
    return sum(use.anonymous for use in uses) + max(sum(use.shared for use in uses), in_files)
