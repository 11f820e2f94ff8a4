"""Compares this machine's clock with the database's, which all schedulers share: fires must not come early (promise 10)."""

import contextlib
from collections.abc import Awaitable, Callable

import structlog

from elasticjob_cloud.model.errors import BugError, UnavailableError
from elasticjob_cloud.scheduling import Now
from elasticjob_cloud.service.metrics.metrics import Metrics

_log = structlog.get_logger(__name__)
_WARN_SECONDS = 1.0
_FRESH_SECONDS = 1.0


class ClockWatch:
    """What the two clocks say.

    Args:
        read_clock: This machine's.
        ask: Asks for the database's, in epoch milliseconds; None where the database is on this machine.
        limit_seconds: Beyond this difference the scheduler must not lead; 0: it may, whatever the difference.
        metrics: Where the difference is shown.
    """

    def __init__(
        self,
        read_clock: Callable[[], Now],
        ask: Callable[[], Awaitable[int]] | None,
        limit_seconds: float,
        metrics: Metrics,
    ) -> None:
        self.refusal: str | None = None  # why it must not lead
        self._read_clock = read_clock
        self._ask = ask
        self._limit_seconds = limit_seconds
        self._metrics = metrics
        self._looked_at_ms: int | None = None
        self._has_warned = False

    async def look(self) -> str | None:
        """Compare the clocks, at most once a second; give why this scheduler must not lead, if that is so."""
        before = self._read_clock()
        is_fresh = (
            self._looked_at_ms is not None
            and before.monotonic_ms - self._looked_at_ms < _FRESH_SECONDS * 1000
        )
        if self._ask is None or is_fresh:
            return self.refusal
        self._looked_at_ms = before.monotonic_ms
        with contextlib.suppress(UnavailableError, BugError):
            database_ms = await self._ask()
            self._judge(_ahead_ms(before.wall_ms, self._read_clock().wall_ms, database_ms) / 1000)
        return self.refusal

    def _judge(self, ahead: float) -> None:
        self._metrics.note_clock_offset(ahead)
        words = f"{abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} the database server's"
        if abs(ahead) <= _WARN_SECONDS:
            if self._has_warned:
                _log.info("This machine's clock agrees with the database server's again.")
            self._has_warned = False
        elif not self._has_warned:
            self._has_warned = True
            _log.warning(
                "This machine's clock differs from the database server's. Synchronise both with NTP.",
                ahead_seconds=round(ahead, 1),
            )
        is_beyond = 0 < self._limit_seconds < abs(ahead)
        self.refusal = (
            f"This machine's clock is {words}, more than clock_limit_seconds ({self._limit_seconds:g}) allows a leader. "
            "Synchronise both with NTP."
            if is_beyond
            else None
        )


def _ahead_ms(before_ms: int, after_ms: int, database_ms: int) -> int:
    """Give by how much our clock is ahead, at least: the database read its own somewhere between our two readings."""
    if database_ms < before_ms:
        return before_ms - database_ms
    return min(0, after_ms - database_ms)
