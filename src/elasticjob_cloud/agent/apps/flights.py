"""The questions to servers that several callers wait for, each a task that goes on as long as one of them does."""

import asyncio
import logging

from elasticjob_cloud.agent.apps.entries import Entries, Entry, Flight
from elasticjob_cloud.agent.apps.errors import FetchError
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.sources.address import AppAddress
from elasticjob_cloud.agent.apps.supply import VersionSupply
from elasticjob_cloud.agent.apps.versions.stock import VersionStock
from elasticjob_cloud.agent.apps.versions.version import Version

logger = logging.getLogger(__name__)


class Flights:
    """Starts a flight where none is under way, and tidies up after those that nobody waits for."""

    def __init__(
        self, supply: VersionSupply, stock: VersionStock, entries: Entries, limits: AppLimits
    ) -> None:
        self._supply = supply
        self._stock = stock
        self._entries = entries
        self._limits = limits

    async def board(self, entry: Entry, address: AppAddress) -> Version:
        """Wait for the version that the server has now, with the others who do; the caller holds it.

        Raises:
            FetchError: the server does not give it and none is cached, or the cache is closed.
            ContentError: it is not what its name says, not safe, or over the limits.
        """
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
        flight.start(asyncio.create_task(self._supply.take_newest(entry, address, flight)))
        return flight

    async def _take_while_asking(self, entry: Entry, flight: Flight, address: AppAddress) -> Version | None:
        """Take the cached version while its server takes its time; None: there is none, or the server has answered."""
        if entry.version is None or await flight.is_answered():
            return None
        version = await self._supply.take_known(entry)
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
