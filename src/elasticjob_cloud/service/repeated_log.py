"""Logs what goes on for long once, and then at intervals: a database that is locked must not fill the disk with its log."""

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

_INTERVAL_SECONDS = 60.0


class RepeatedLog:
    """One kind of trouble, which ends at some time."""

    def __init__(
        self,
        log: FilteringBoundLogger,
        read_seconds: Callable[[], float],
        interval_seconds: float = _INTERVAL_SECONDS,
        level: str = "warning",
    ) -> None:
        self._log = log
        self._read_seconds = read_seconds
        self._interval_seconds = interval_seconds
        self._level = level
        self._said: tuple[str, str] | None = None
        self._said_at = 0.0
        self._unsaid = 0

    def say(self, event: str, reason: str) -> None:
        """Log an event with its reason, unless the same was logged within the interval."""
        now = self._read_seconds()
        is_repeated = (event, reason) == self._said
        if is_repeated and now - self._said_at < self._interval_seconds:
            self._unsaid += 1
            return
        fields = {"times_before": self._unsaid} if is_repeated and self._unsaid else {}
        getattr(self._log, self._level)(event, reason=reason, **fields)
        self._said, self._said_at, self._unsaid = (event, reason), now, 0

    def over(self) -> None:
        """Forget the trouble: the next one is logged at once."""
        self._said, self._unsaid = None, 0
