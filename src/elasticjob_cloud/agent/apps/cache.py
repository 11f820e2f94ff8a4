"""The apps of an agent: each version downloaded once, shared by all who hold it, deleted when nobody does.

All but the blocking work happens on the event loop's thread, so that no locks are needed. What several callers want at
once is one task, a flight, which goes on as long as one of them waits.
"""

import asyncio
import hashlib
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from elasticjob_cloud.agent.apps.archives.paths import shown
from elasticjob_cloud.agent.apps.entries import Entries, Entry, Flight
from elasticjob_cloud.agent.apps.errors import ContentError, FetchError, NoAppError
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.sources.address import AppAddress
from elasticjob_cloud.agent.apps.sources.slots import DownloadSlots
from elasticjob_cloud.agent.apps.threads import run_stoppable
from elasticjob_cloud.agent.apps.versions.chores import Chores
from elasticjob_cloud.agent.apps.versions.making import VersionMaker
from elasticjob_cloud.agent.apps.versions.shelf import VersionShelf
from elasticjob_cloud.agent.apps.versions.stock import VersionStock
from elasticjob_cloud.agent.apps.versions.version import AppFolder, PreparedApp, Version, VersionRecord
from elasticjob_cloud.model.errors import AppUnavailableError

logger = logging.getLogger(__name__)
_JOBS_FILES = "what jobs wrote"


class AppCache:
    """Prepares apps, and remembers them below `directory`, which no other process may use. All methods: on the loop."""

    def __init__(self, directory: Path, limits: AppLimits) -> None:
        self._limits = limits
        self._shelf = VersionShelf(directory)
        self._slots = DownloadSlots(limits.max_concurrent_downloads, limits.max_downloads_per_url)
        self._threads = ThreadPoolExecutor(limits.max_concurrent_downloads + 1, "app-download")
        self._chores = Chores()
        self._maker = VersionMaker(self._shelf, limits, self._threads, self._chores)
        self._entries = Entries()
        self._stock = VersionStock(self._shelf, self._chores, self._threads, limits, self._evict)
        self._opening: asyncio.Task[None] | None = None
        self._closing = threading.Event()

    async def prepare(self, app_name: str, url: str, *, cache: bool) -> PreparedApp:
        """Have an app on disk: with `cache` the version that the server has now, else one downloaded for this call.

        With `cache`, and when the server gives no answer, it is the version fetched last (docs/decisions/0002).

        Raises:
            AppUnavailableError: It could not be fetched, is not what its name says, or is over the limits. The message
                names the URL, without its password, and the cause.
        """
        shown = "its appURL"
        try:
            address = AppAddress.parse(url)
            shown = address.shown
            address.require_allowed(self._limits.allowed_url_prefixes)
            await self._open()
            key = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
            version = await (
                self._take_cached(app_name, key, address)
                if cache
                else self._take_anew(app_name, key, address)
            )
        except AppUnavailableError as error:
            raise AppUnavailableError(f"App {app_name} is not available from {shown}: {error}") from error
        on_release = partial(self._stock.release, version)
        single_file, limit = version.record.single_file, self._limits.cache_bytes
        return PreparedApp(version.content, single_file, url, on_release, version, limit)

    async def forget(self, app_name: str) -> None:
        """Delete what was downloaded for this app and for no other; what is held is deleted when it is released."""
        await self._open()
        for entry in [entry for entry in self._entries.values() if app_name in entry.app_names]:
            entry.app_names.discard(app_name)
            if entry.app_names:
                self._save_names(entry)
                continue
            version = entry.version
            entry.settle_on(None, None, float("-inf"))
            if version is not None:
                self._stock.retire(version)
            if entry.flight is None:
                del self._entries[entry.key]

    def folders(self, app_name: str) -> list[AppFolder]:
        """Tell where an app's files are (empty: all apps'), and what they take, in use or not."""
        self._start_opening()
        return self._stock.folders(app_name)

    async def close(self) -> None:
        """End what is under way. Callers that still wait in `prepare` get an `AppUnavailableError`."""
        self._closing.set()
        tasks: list[asyncio.Task[Version] | asyncio.Task[None]] = [
            entry.flight.task for entry in self._entries.values() if entry.flight is not None
        ]
        tasks += [entry.renewal for entry in self._entries.values() if entry.renewal is not None]
        if self._opening is not None:
            tasks.append(self._opening)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._stock.close()
        await self._chores.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _open(self) -> None:
        if self._closing.is_set():
            raise FetchError("the agent is stopping.")
        opening = self._start_opening()
        if not opening.done():
            await asyncio.wait([opening])
        try:
            opening.result()
        except OSError as error:
            self._opening = None
            raise FetchError(f"the cache's directory cannot be used: {error.strerror}.") from error
        except asyncio.CancelledError:
            raise FetchError("the agent is stopping.") from None

    def _start_opening(self) -> asyncio.Task[None]:
        if self._opening is None:
            self._opening = asyncio.create_task(self._load_versions())
        return self._opening

    async def _load_versions(self) -> None:
        await self._maker.load_certificates()
        for version in await run_stoppable(self._threads, lambda _stop: self._shelf.open()):
            entry = self._entries[version.record.key] = Entry(version.record.key)
            entry.app_names.update(version.record.app_names)
            entry.version = version
            self._stock.add(version)
        self._evict()

    async def _take_anew(self, app_name: str, key: str, address: AppAddress) -> Version:
        async with self._slots.take(key):
            staging = self._shelf.plan_staging()
            try:
                record = await self._maker.fetch_into(staging, key, address)
                assert record is not None, "without a version before, there is always a new one"
            except BaseException:
                self._delete_later(staging)
                raise
        version = Version(staging, record, time.time_ns())
        record.app_names = [app_name]
        version.retired = True
        version.hold()
        self._stock.add(version)
        # It is never extracted again.
        self._chores.do_later(partial(version.download.unlink, missing_ok=True))
        return version

    async def _take_cached(self, app_name: str, key: str, address: AppAddress) -> Version:
        now = asyncio.get_running_loop().time()
        entry = self._entries.claim(key, now)
        entry.app_names.add(app_name)
        if not entry.is_asked and now < entry.valid_until:
            if entry.failure is not None:
                raise FetchError(entry.failure)
            version = await self._take_known(entry)
            if version is not None:
                self._save_names(entry)
                return version
        return await self._board(entry, address)

    async def _take_known(self, entry: Entry) -> Version | None:
        """Hold the cached version, unless its files are not what they were."""
        version = entry.version
        if version is None:
            return None
        version.hold()
        is_whole = False
        try:
            changed = version.inspection.is_changed()
            if version.outgrows(self._limits.cache_bytes):
                changed = True
            is_whole = not changed if changed is not None else await self._look_closely(version) is None
        finally:
            if not is_whole:
                self._stock.release(version)
        return version if is_whole else None

    async def _look_closely(self, version: Version) -> str | None:
        return await run_stoppable(self._threads, lambda _stop: version.inspection.look_closely())

    async def _board(self, entry: Entry, address: AppAddress) -> Version:
        flight = entry.flight
        if flight is None or flight.task.done():
            flight = entry.flight = self._start_flight(entry, address)
        flight.waiters += 1
        try:
            version = await self._take_while_asking(entry, flight, address)
            if version is not None:
                return version
            await asyncio.wait([flight.task])
            if flight.task.cancelled():
                raise FetchError("the agent is stopping.")
            version = flight.task.result()
            version.hold()
            return version
        finally:
            flight.waiters -= 1
            self._land(entry, flight)

    def _start_flight(self, entry: Entry, address: AppAddress) -> Flight:
        flight = Flight(self._limits, asyncio.get_running_loop().time())
        flight.start(asyncio.create_task(self._refresh(entry, address, flight)))
        return flight

    async def _take_while_asking(self, entry: Entry, flight: Flight, address: AppAddress) -> Version | None:
        """Take the cached version while its server takes its time; None: there is none, or the server has answered."""
        if entry.version is None or await flight.is_answered():
            return None
        version = await self._take_known(entry)
        if version is not None and not flight.goes_on_alone:
            logger.warning(
                "The app at %s is used as fetched earlier: the server did not answer within %g s. It is still asked.",
                address.shown,
                self._limits.answer_wait_seconds,
            )
            flight.goes_on_alone = True
        return version

    def _land(self, entry: Entry, flight: Flight) -> None:
        """Tidy up after a flight for which nobody waits."""
        if flight.waiters or flight.has_landed:
            return
        if flight.goes_on_alone and not flight.task.done():
            flight.task.add_done_callback(lambda _: self._land(entry, flight))
            return
        flight.has_landed = True
        if entry.flight is flight:
            entry.flight = None
            forgotten = entry.version is None and not entry.app_names
            if forgotten and self._entries.get(entry.key) is entry:
                del self._entries[entry.key]
        if not flight.task.done():
            flight.task.cancel()
            flight.task.add_done_callback(self._drop_unclaimed)
        else:
            self._drop_unclaimed(flight.task)

    def _drop_unclaimed(self, task: asyncio.Task[Version]) -> None:
        # The flight's own hold, which kept the version from being evicted before its passengers took theirs.
        if not task.cancelled() and task.exception() is None:
            self._stock.release(task.result())

    async def _refresh(self, entry: Entry, address: AppAddress, flight: Flight) -> Version:
        """Give the version to use now, with a hold on it."""
        async with self._slots.take(entry.key):
            current = await self._hold_current(entry)
            version: Version | None = None
            try:
                version = await self._newest(entry, address, current, flight)
                return version
            finally:
                if current is not None and version is not current:
                    self._stock.release(current)

    async def _hold_current(self, entry: Entry) -> Version | None:
        """Hold the cached version, or a fresh copy of it when a job has changed its files."""
        version = entry.version
        if version is None:
            return None
        version.hold()
        fresh = None
        try:
            changed = await run_stoppable(self._threads, lambda _stop: self._shelf.inspect(version))
            if version.outgrows(self._limits.cache_bytes):
                changed = changed or _JOBS_FILES
            fresh = version if changed is None else await self._replace(entry, version, changed)
        finally:
            if fresh is not version:
                self._stock.release(version)
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
        staging = self._shelf.plan_staging()
        try:
            return self._install(entry, staging, await self._maker.restore_into(staging, version))
        except (FetchError, ContentError) as error:
            logger.warning("The app cannot be extracted again, and is downloaded again: %s", error)
            if entry.version is version:
                entry.version = None
                self._stock.retire(version)
            return None
        finally:
            self._delete_later(staging)

    async def _newest(
        self, entry: Entry, address: AppAddress, current: Version | None, flight: Flight
    ) -> Version:
        limits = self._limits
        loop = asyncio.get_running_loop()
        staging = self._shelf.plan_staging()
        try:
            record = await self._maker.fetch_into(staging, entry.key, address, current, flight.answered.set)
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
            self._delete_later(staging)
        assert current is not None, "only a version fetched earlier can be unchanged"
        if entry.version is current:
            entry.settle_on(current, None, loop.time() + valid_seconds)
            self._save_names(entry)
        return current

    def _install(self, entry: Entry, staging: Path, record: VersionRecord) -> Version:
        try:
            version = Version(self._shelf.install(staging), record, time.time_ns())
        except OSError as error:
            raise FetchError(f"it cannot be stored: {error.strerror}.") from error
        version.hold()
        self._stock.add(version)
        before, entry.version = entry.version, version
        if before is not None:
            self._stock.retire(before)
        if entry.app_names:
            self._save_names(entry)
            self._chores.do_later(partial(self._shelf.settle, version, self._closing))
        else:
            # Its app was deleted meanwhile.
            entry.version = None
            self._stock.retire(version)
        self._evict()
        return version

    def _save_names(self, entry: Entry) -> None:
        version = entry.version
        if version is not None and entry.app_names != set(version.record.app_names):
            version.record.app_names = sorted(entry.app_names)
            self._chores.do_later(partial(self._shelf.save, version))

    @property
    def _cached_bytes(self) -> int:
        return self._stock.cached_bytes

    def _evict(self) -> None:
        limit = self._limits.cache_bytes
        filled, dropped = self._entries.plan_room(self._cached_bytes - limit, limit)
        for entry in filled:
            if entry.renewal is None and not self._closing.is_set():
                entry.renewal = asyncio.create_task(self._renew(entry))
        for entry in dropped:
            assert entry.version is not None, "it takes room"
            del self._entries[entry.key]
            self._stock.retire(entry.version)

    async def _renew(self, entry: Entry) -> None:
        try:
            async with self._slots.take(entry.key):
                version = await self._hold_current(entry)
            if version is not None:
                self._stock.release(version)
        except FetchError as error:
            logger.debug("An app is not extracted again: %s", error)
        finally:
            entry.renewal = None

    def _delete_later(self, directory: Path) -> None:
        self._chores.do_later(partial(self._shelf.delete, directory))
