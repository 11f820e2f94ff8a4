"""Supplies versions of apps: the one that is cached, the one that its server has now, or one for a single caller."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from elasticjob_cloud.agent.apps.archives.paths import shown
from elasticjob_cloud.agent.apps.entries import Entry, Flight
from elasticjob_cloud.agent.apps.errors import ContentError, FetchError, NoAppError
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.sources.address import AppAddress
from elasticjob_cloud.agent.apps.sources.slots import DownloadSlots
from elasticjob_cloud.agent.apps.threads import run_stoppable
from elasticjob_cloud.agent.apps.versions.chores import Chores
from elasticjob_cloud.agent.apps.versions.making import VersionMaker
from elasticjob_cloud.agent.apps.versions.shelf import VersionShelf
from elasticjob_cloud.agent.apps.versions.stock import VersionStock
from elasticjob_cloud.agent.apps.versions.version import Version, VersionRecord

logger = logging.getLogger(__name__)
_JOBS_FILES = "what jobs wrote"


@dataclass(frozen=True, slots=True)
class CacheParts:
    """What a cache consists of, as far as its parts share it."""

    limits: AppLimits
    shelf: VersionShelf
    stock: VersionStock
    maker: VersionMaker
    slots: DownloadSlots
    chores: Chores
    threads: Executor
    closing: threading.Event

    def delete_later(self, directory: Path) -> None:
        """Delete a staging directory when there is time."""
        self.chores.do_later(partial(self.shelf.delete, directory))


class VersionSupply:
    """Gives versions, each with a hold on it. `evict` is called when there may be too much on the disk."""

    def __init__(self, parts: CacheParts, evict: Callable[[], None]) -> None:
        self._parts = parts
        self._evict = evict

    async def fetch_apart(self, app_name: str, key: str, address: AppAddress) -> Version:
        """Fetch a version for one caller, who holds it; nobody else gets it.

        Raises:
            FetchError: as `VersionMaker.fetch_into`.
            ContentError: as `VersionMaker.fetch_into`.
        """
        async with self._parts.slots.take(key):
            staging = self._parts.shelf.plan_staging()
            try:
                record = await self._parts.maker.fetch_into(staging, key, address)
                assert record is not None, "without a version before, there is always a new one"
            except BaseException:
                self._parts.delete_later(staging)
                raise
        version = Version(staging, record, time.time_ns())
        record.app_names = [app_name]
        version.retired = True
        version.hold()
        self._parts.stock.add(version)
        # It is never extracted again.
        self._parts.chores.do_later(partial(version.download.unlink, missing_ok=True))
        return version

    async def take_newest(self, entry: Entry, address: AppAddress, flight: Flight) -> Version:
        """Give the version to use now, with a hold on it."""
        async with self._parts.slots.take(entry.key):
            current = await self.hold_current(entry)
            version: Version | None = None
            try:
                version = await self._newest(entry, address, current, flight)
                return version
            finally:
                if current is not None and version is not current:
                    self._parts.stock.release(current)

    async def hold_current(self, entry: Entry) -> Version | None:
        """Hold the cached version, or a fresh copy of it when a job has changed its files."""
        version = entry.version
        if version is None:
            return None
        version.hold()
        fresh = None
        try:
            changed = await run_stoppable(
                self._parts.threads, lambda _stop: self._parts.shelf.inspect(version)
            )
            if version.outgrows(self._parts.limits.cache_bytes):
                changed = changed or _JOBS_FILES
            fresh = version if changed is None else await self._replace(entry, version, changed)
        finally:
            if fresh is not version:
                self._parts.stock.release(version)
        return fresh

    async def _replace(self, entry: Entry, version: Version, changed: str) -> Version | None:
        if changed is not _JOBS_FILES:
            # Once: a job that does it does it at each run.
            logger.log(
                logging.DEBUG if entry.is_change_told else logging.WARNING,
                "A task has changed an app's files, or they were deleted (%s). The app is extracted again: %s.",
                shown(changed),
                version.directory,
            )
            entry.is_change_told = True
        staging = self._parts.shelf.plan_staging()
        try:
            return self._install(entry, staging, await self._parts.maker.restore_into(staging, version))
        except (FetchError, ContentError) as error:
            logger.warning("The app cannot be extracted again, and is downloaded again: %s", error)
            if entry.version is version:
                entry.version = None
                self._parts.stock.retire(version)
            return None
        finally:
            self._parts.delete_later(staging)

    async def _newest(
        self, entry: Entry, address: AppAddress, current: Version | None, flight: Flight
    ) -> Version:
        limits = self._parts.limits
        loop = asyncio.get_running_loop()
        staging = self._parts.shelf.plan_staging()
        try:
            record = await self._parts.maker.fetch_into(
                staging, entry.key, address, current, flight.answered.set
            )
            if record is not None:
                version = self._install(entry, staging, record)
                if entry.version is version:
                    entry.settle_on(version, None, loop.time() + limits.revalidate_seconds)
                return version
            valid_seconds = limits.revalidate_seconds
        except (FetchError, ContentError) as error:
            is_wrong = isinstance(error, ContentError) and not isinstance(error, NoAppError)
            if current is None or is_wrong:
                entry.settle_on(entry.version, str(error), loop.time() + limits.revalidate_seconds)
                raise
            logger.warning("The app at %s is used as fetched earlier: %s", address.shown, error)
            valid_seconds = limits.stale_seconds
        finally:
            self._parts.delete_later(staging)
        assert current is not None, "only a version fetched earlier can be unchanged"
        if entry.version is current:
            entry.settle_on(current, None, loop.time() + valid_seconds)
            self.save_names(entry)
        return current

    def _install(self, entry: Entry, staging: Path, record: VersionRecord) -> Version:
        try:
            version = Version(self._parts.shelf.install(staging), record, time.time_ns())
        except OSError as error:
            raise FetchError(f"it cannot be stored: {error.strerror}.") from error
        version.hold()
        self._parts.stock.add(version)
        before, entry.version = entry.version, version
        if before is not None:
            self._parts.stock.retire(before)
        if entry.app_names:
            self.save_names(entry)
            self._parts.chores.do_later(partial(self._parts.shelf.settle, version, self._parts.closing))
        else:
            # Its app was deleted meanwhile.
            entry.version = None
            self._parts.stock.retire(version)
        self._evict()
        return version

    def save_names(self, entry: Entry) -> None:
        """Write down which apps a version is of, where that has changed."""
        version = entry.version
        if version is not None and entry.app_names != set(version.record.app_names):
            version.record.app_names = sorted(entry.app_names)
            self._parts.chores.do_later(partial(self._parts.shelf.save, version))

    async def take_known(self, entry: Entry) -> Version | None:
        """Hold the cached version, unless its files are not what they were."""
        version = entry.version
        if version is None:
            return None
        version.hold()
        is_whole = False
        try:
            changed = version.inspection.is_changed()
            if version.outgrows(self._parts.limits.cache_bytes):
                changed = True
            is_whole = not changed if changed is not None else await self._look_closely(version) is None
        finally:
            if not is_whole:
                self._parts.stock.release(version)
        return version if is_whole else None

    async def _look_closely(self, version: Version) -> str | None:
        return await run_stoppable(self._parts.threads, lambda _stop: version.inspection.look_closely())
