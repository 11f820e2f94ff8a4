"""Says what goes on for long once, and then at intervals: a database that is locked must not fill the disk with its log."""

import logging
from collections.abc import Callable

_INTERVAL_SECONDS = 60.0


class RepeatedLog:
    """One kind of trouble, which ends at some time."""

    def __init__(
        self,
        log: logging.Logger,
        read_seconds: Callable[[], float],
        interval_seconds: float = _INTERVAL_SECONDS,
        level: int = logging.WARNING,
    ) -> None:
        self._log = log
        self._read_seconds = read_seconds
        self._interval_seconds = interval_seconds
        self._level = level
        self._said = ""
        self._said_at = 0.0
        self._unsaid = 0

    def say(self, message: str) -> None:
        """Log a message, unless the same one was logged within the interval."""
        now = self._read_seconds()
        if message == self._said and now - self._said_at < self._interval_seconds:
            self._unsaid += 1
            return
        more = f" (and {self._unsaid} times before)" if self._unsaid and message == self._said else ""
        self._log.log(self._level, "%s%s", message, more)
        self._said, self._said_at, self._unsaid = message, now, 0

    def over(self) -> None:
        """Forget the trouble: the next one is logged at once."""
        self._said, self._unsaid = "", 0
