"""The apps of an agent: each version downloaded once, shared by all who hold it, deleted when nobody does.

All but the blocking work happens on the event loop's thread, so that no locks are needed. What several callers want at
once is one task, a flight, which goes on as long as one of them waits.
"""

import asyncio
import hashlib
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from elasticjob_cloud.agent.apps.entries import Entries, Entry
from elasticjob_cloud.agent.apps.errors import FetchError
from elasticjob_cloud.agent.apps.flights import Flights
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.sources.address import AppAddress
from elasticjob_cloud.agent.apps.sources.slots import DownloadSlots
from elasticjob_cloud.agent.apps.supply import CacheParts, VersionSupply
from elasticjob_cloud.agent.apps.threads import run_stoppable
from elasticjob_cloud.agent.apps.versions.chores import Chores
from elasticjob_cloud.agent.apps.versions.making import VersionMaker
from elasticjob_cloud.agent.apps.versions.shelf import VersionShelf
from elasticjob_cloud.agent.apps.versions.stock import VersionStock
from elasticjob_cloud.agent.apps.versions.version import AppFolder, PreparedApp, Version
from elasticjob_cloud.model.errors import AppUnavailableError

logger = logging.getLogger(__name__)


class AppCache:
    """Prepares apps, and remembers them below `directory`, which no other process may use. All methods: on the loop."""

    def __init__(self, directory: Path, limits: AppLimits) -> None:
        self._limits = limits
        self._shelf = VersionShelf(directory)
        self._threads = ThreadPoolExecutor(limits.max_concurrent_downloads + 1, "app-download")
        self._chores = Chores()
        self._entries = Entries()
        self._stock = VersionStock(self._shelf, self._chores, self._threads, limits, self._evict)
        self._closing = threading.Event()
        self._parts = CacheParts(
            limits,
            self._shelf,
            self._stock,
            VersionMaker(self._shelf, limits, self._threads, self._chores),
            DownloadSlots(limits.max_concurrent_downloads, limits.max_downloads_per_url),
            self._chores,
            self._threads,
            self._closing,
        )
        self._supply = VersionSupply(self._parts, self._evict)
        self._flights = Flights(self._supply, self._stock, self._entries, limits)
        self._opening: asyncio.Task[None] | None = None

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
                else self._supply.fetch_apart(app_name, key, address)
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
                self._supply.save_names(entry)
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
        await self._parts.maker.load_certificates()
        for version in await run_stoppable(self._threads, lambda _stop: self._shelf.open()):
            entry = self._entries[version.record.key] = Entry(version.record.key)
            entry.app_names.update(version.record.app_names)
            entry.version = version
            self._stock.add(version)
        self._evict()

    async def _take_cached(self, app_name: str, key: str, address: AppAddress) -> Version:
        now = asyncio.get_running_loop().time()
        entry = self._entries.claim(key, now)
        entry.app_names.add(app_name)
        if not entry.is_asked and now < entry.valid_until:
            if entry.failure is not None:
                raise FetchError(entry.failure)
            version = await self._supply.take_known(entry)
            if version is not None:
                self._supply.save_names(entry)
                return version
        return await self._flights.board(entry, address)

    @property
    def _cached_bytes(self) -> int:
        return self._stock.cached_bytes

    def _evict(self) -> None:
        limit = self._limits.cache_bytes
        filled, dropped = self._entries.plan_eviction(self._cached_bytes - limit, limit)
        for entry in filled:
            if entry.renewal is None and not self._closing.is_set():
                entry.renewal = asyncio.create_task(self._renew(entry))
        for entry in dropped:
            assert entry.version is not None, "it takes room"
            del self._entries[entry.key]
            self._stock.retire(entry.version)

    async def _renew(self, entry: Entry) -> None:
        try:
            async with self._parts.slots.take(entry.key):
                version = await self._supply.hold_current(entry)
            if version is not None:
                self._stock.release(version)
        except FetchError as error:
            logger.debug("An app is not extracted again: %s", error)
        finally:
            entry.renewal = None
