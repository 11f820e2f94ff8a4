"""The versions on an agent's disk: who holds them, what they take with all that jobs wrote there, and when they go.

On the loop's thread, but for the walking and the deleting.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.threads import run_stoppable
from elasticjob_cloud.agent.apps.versions.chores import Chores
from elasticjob_cloud.agent.apps.versions.shelf import VersionShelf, disk_bytes
from elasticjob_cloud.agent.apps.versions.version import AppFolder, Version

logger = logging.getLogger(__name__)
# Jobs that end one after another are measured together.
_LEAST_SECONDS = 0.2
# What is held grows without anybody's telling.
_LONGEST_SECONDS = 10.0
# Walking through a large folder is worth no more than this share of the time.
_WALK_SHARE = 0.05


class VersionStock:
    """Counts holders and bytes, and deletes what is retired and held by nobody.

    `evict` is called when there may be too much: it retires what nobody holds, least recently used first.
    """

    def __init__(
        self,
        shelf: VersionShelf,
        chores: Chores,
        threads: Executor,
        limits: AppLimits,
        evict: Callable[[], None],
    ) -> None:
        self._shelf = shelf
        self._chores = chores
        self._threads = threads
        self._limits = limits
        self._evict = evict
        self._versions: set[Version] = set()
        self.cached_bytes = 0
        """Without what is retired and still held."""
        self._released = asyncio.Event()
        self._measuring: asyncio.Task[None] | None = None

    def add(self, version: Version) -> None:
        """Take a version whose directory is there."""
        self._versions.add(version)
        if version.holders:
            self._chores.do_later(version.inspection.prepare)
        if not version.retired:
            self.cached_bytes += version.disk_bytes
        if self._measuring is None:
            self._measuring = asyncio.create_task(self._measure_for_ever())
        self._released.set()

    def retire(self, version: Version) -> None:
        """Give it to nobody any more, and delete it when nobody holds it."""
        if version.retired:
            return
        version.retired = True
        self.cached_bytes -= version.disk_bytes
        if version.holders:
            self._chores.do_later(partial(self._shelf.retire, version))
        else:
            self._discard(version)

    def release(self, version: Version) -> None:
        """Take back a hold."""
        version.holders -= 1
        version.is_measured = False
        self._released.set()
        if version.holders:
            return
        if version.retired:
            self._discard(version)
        else:
            self._evict()

    def folders(self, app_name: str) -> list[AppFolder]:
        """Tell where an app's files are (empty: all apps'), and what they take."""
        return [
            AppFolder(str(version.content), version.disk_bytes)
            for version in self._versions
            if not app_name or app_name in version.record.app_names
        ]

    async def close(self) -> None:
        """Measure no more."""
        if self._measuring is not None:
            self._measuring.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._measuring

    def _discard(self, version: Version) -> None:
        self._versions.discard(version)
        self._chores.do_later(partial(self._shelf.discard, version))

    async def _measure_for_ever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_SECONDS):
                    await self._released.wait()
            self._released.clear()
            for version in list(self._versions):
                is_new = version.holders or not version.is_measured
                if is_new and time.monotonic() >= version.measure_due and version in self._versions:
                    await self._measure_guarded(version)
            await asyncio.sleep(_LEAST_SECONDS)

    async def _measure_guarded(self, version: Version) -> None:
        try:
            await self._measure(version)
        except Exception:
            # Contained: one folder that cannot be walked must not leave the others unmeasured.
            logger.exception("The app folder %s could not be measured.", version.directory)
            version.measure_due = time.monotonic() + _LONGEST_SECONDS

    async def _measure(self, version: Version) -> None:
        version.is_measured = True
        started = time.monotonic()
        found = await run_stoppable(self._threads, lambda stop: disk_bytes(version.directory, stop))
        now = time.monotonic()
        version.measure_due = now + (now - started) / _WALK_SHARE
        if version not in self._versions:
            return
        if not version.retired:
            self.cached_bytes += found - version.disk_bytes
        version.disk_bytes = found
        if version.outgrows(self._limits.cache_bytes) and not version.is_warned_of:
            version.is_warned_of = True
            logger.warning(
                "Jobs of %s have written %s bytes to the app's folder, which takes %s now: more than the limit of %s "
                "(app_cache_bytes). New tasks get a fresh folder; this one is deleted when its last task ends: %s.",
                ", ".join(version.record.app_names) or "an app",
                f"{found - version.record.disk_bytes:,}",
                f"{found:,}",
                f"{self._limits.cache_bytes:,}",
                version.directory,
            )
        self._evict()
