"""Looks at the memory of all process trees every so often, and reports the ones that use too much."""

import asyncio
import time

import structlog

from elasticjob_cloud.agent.process_table import ProcessTable, read_family, read_processes
from elasticjob_cloud.agent.trees import ProcessTrees, Tree

_log = structlog.get_logger(__name__)
# A look takes longer the more processes the machine has; it never takes more than this part of a core.
_SHARE_OF_CORE = 0.02
# Up to so many trees, their processes are found one by one from their parents; beyond, all of the machine are read.
_FEW_TREES = 20


class MemoryWatch:
    """Holds trees to their `memory_limit`."""

    def __init__(self, trees: ProcessTrees, interval_seconds: float, *, is_subreaper: bool) -> None:
        self._trees = trees
        self._is_subreaper = is_subreaper
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            began = time.monotonic()
            if len(self._trees):
                await self._look_guarded()
            took = time.monotonic() - began
            await asyncio.sleep(max(self._interval_seconds, took / _SHARE_OF_CORE))

    async def _look_guarded(self) -> None:
        try:
            await self._look()
        except Exception as error:  # noqa: BLE001 - contained: without descriptors or threads the next look may succeed
            _log.warning("Memory could not be looked at.", error=str(error))

    async def _look(self) -> None:
        # As a subreaper, the agent has all that it started among its descendants.
        few = self._is_subreaper and len(self._trees) <= _FEW_TREES
        table = ProcessTable(read_family() if few else await asyncio.to_thread(read_processes))
        for tree, used in self._trees.measure(table).items():
            if tree.memory_limit is not None and used > (limit := tree.memory_limit()):
                self._judge(tree, table, used, limit)
        self._trees.sweep_soon()

    def _judge(self, tree: Tree, table: ProcessTable, used: int, limit: int) -> None:
        # Resident sizes count shared pages once for each process: what matters is counted properly before anyone dies.
        exact = self._trees.shared_memory(tree, table)
        used = used if exact is None else exact
        if used > limit and tree.on_memory_exceeded is not None:
            _log.warning("A task uses more memory than it may.", pid=tree.main, used=used, limit=limit)
            tree.on_memory_exceeded(used, limit)
