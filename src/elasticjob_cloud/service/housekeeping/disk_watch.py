"""Measures how full the scheduler's disks are, for DISK_LOW alerts."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from elasticjob_cloud.model.disks import measure_disk
from elasticjob_cloud.scheduling.measurements import DiskMeasured
from elasticjob_cloud.service.threads.store_threads import StoreThreads

_log = structlog.get_logger(__name__)
_EVERY_SECONDS: Final = 30.0


class DiskWatch:
    """Measures the disks that hold some directories, and tells the core while this scheduler leads.

    Args:
        host: This machine's name.
        directories: What is measured.
        threads: A disk that hangs must not hold up the event loop.
        tell: Hands what was measured to the core; does nothing while another scheduler leads.
    """

    def __init__(
        self,
        host: str,
        directories: Sequence[str],
        threads: StoreThreads,
        tell: Callable[[DiskMeasured], None],
    ) -> None:
        self._host = host
        self._directories = directories
        self._threads = threads
        self._tell = tell

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            for directory in self._directories:
                await self._measure(directory)
            await asyncio.sleep(_EVERY_SECONDS)

    async def _measure(self, directory: str) -> None:
        try:
            disk = await self._threads.read(measure_disk, Path(directory))
        except OSError as error:
            _log.warning("A disk cannot be measured.", directory=directory, reason=error.strerror)
            return
        self._tell(DiskMeasured(self._host, disk))
