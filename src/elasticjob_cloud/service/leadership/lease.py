"""One term's lease, as the process that has it sees it: how long it surely lasts, and that it is renewed in time.

The database judges by its own clock from when it answers; this side counts from before it asked, so that it stops first.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from elasticjob_cloud.model.errors import BugError, UnavailableError
from elasticjob_cloud.service.loop import ANOTHER_LEADS, LeaseLost
from elasticjob_cloud.service.repeated_log import RepeatedLog

_log = structlog.get_logger(__name__)
_RENEWALS = 4  # in a lease: one that is slow or fails deposes nobody
_RETRY_SECONDS = 0.2


class Lease:
    """The lead, from `asked_at` on.

    `alone`: nobody else can take it (the file lock of an SQLite database is held), so that it never runs out.
    """

    def __init__(
        self,
        epoch: int,
        asked_at: float,
        seconds: float,
        read_seconds: Callable[[], float],
        on_kept: Callable[[float], None],
        *,
        alone: bool = False,
    ) -> None:
        """Take a lease up.

        Args:
            epoch: Its epoch.
            asked_at: The monotonic clock before the database was asked, in seconds.
            seconds: How long it lasts without being renewed.
            read_seconds: The monotonic clock. Not the event loop's: that one stands still during a turn of the loop.
            on_kept: Told until when the lease is surely ours, each time that this changes.
            alone: Whether nobody else can take it.
        """
        self.epoch = epoch
        self._seconds = seconds
        self._pause_seconds = seconds / _RENEWALS
        self._alone = alone
        self._read_seconds = read_seconds
        self._on_kept = on_kept
        self._given_up = False
        self._ends_at = float("inf")
        self._prolong(asked_at)

    def holds(self) -> bool:
        """Tell whether the lease is surely still ours."""
        return not self._given_up and self._read_seconds() < self._ends_at

    def give_up(self) -> None:
        """Act on it no more."""
        self._given_up = True
        self._on_kept(self._read_seconds())

    async def keep(self, renew: Callable[[], Awaitable[bool]]) -> LeaseLost:
        """Renew it until it is lost."""
        pause = self._pause_seconds
        trouble = RepeatedLog(_log, self._read_seconds)
        while True:
            left = self._left()
            await asyncio.sleep(pause if left is None else min(pause, left))
            if not self.holds():
                return LeaseLost("The lease ran out before the database had renewed it.")
            asked_at = self._read_seconds()
            try:
                async with asyncio.timeout(self._left()):
                    kept = await renew()
            except TimeoutError:
                return LeaseLost("The lease ran out while the database did not answer.")
            except (UnavailableError, BugError) as error:
                trouble.say("The lease could not be renewed; trying again.", reason=str(error))
                pause = _RETRY_SECONDS
                continue
            if not kept:
                return LeaseLost(ANOTHER_LEADS)
            trouble.over()
            self._prolong(asked_at)
            pause = self._pause_seconds

    def _left(self) -> float | None:
        return None if self._alone else max(0.0, self._ends_at - self._read_seconds())

    def _prolong(self, asked_at: float) -> None:
        ends_at = asked_at + self._seconds
        if not self._alone:
            self._ends_at = ends_at
        self._on_kept(ends_at)
