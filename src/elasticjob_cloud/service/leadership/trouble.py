"""What keeps a scheduler from the lead, as far as it knows."""

from collections.abc import Callable

import structlog

from elasticjob_cloud.model.errors import BugError, UnavailableError
from elasticjob_cloud.service.housekeeping.clock_watch import ClockWatch
from elasticjob_cloud.service.metrics.metrics import Metrics
from elasticjob_cloud.service.repeated_log import RepeatedLog

_log = structlog.get_logger(__name__)


class Trouble:
    """Agents that refuse it, a wrong clock, or a database that answers with an error. It outlives a term."""

    def __init__(self, clocks: ClockWatch, metrics: Metrics, read_seconds: Callable[[], float]) -> None:
        self.refusal: str | None = None  # why the agents do not obey, until one does
        self.database_error: str | None = None  # what the database said last, if that was an error
        self._clocks = clocks
        self._metrics = metrics
        self._repeated_log = RepeatedLog(_log, read_seconds)

    @property
    def reason(self) -> str | None:
        """The reason, for callers; None where it may only be that another scheduler leads."""
        if self.refusal is not None:
            return f"The agents refuse this scheduler: {self.refusal}"
        return self._clocks.refusal or self.database_error

    def note_refusal(self, reason: str) -> None:
        """The agents do not obey."""
        if self.refusal != reason:
            _log.error("The agents refuse this scheduler. It gives up the lead.", reason=reason)
        self.refusal = reason

    def note_failed_question(self, error: UnavailableError | BugError) -> None:
        """The database could not be asked for the lead."""
        if self.database_error is None:
            _log.warning("Cannot ask for the lead; trying again.", reason=str(error))
            self._metrics.note_failed_turn(error)
        self.database_error = str(error)

    def note_failed_turn(self, error: UnavailableError | BugError) -> None:
        """A turn, or the take-over, ended in an error."""
        self._metrics.note_failed_turn(error)
        self.database_error = str(error)
        if isinstance(error, BugError):
            _log.error("A turn failed. Starting again from the record.", reason=str(error), exc_info=error)
        else:
            self._repeated_log.say("A turn failed. Starting again from the record.", reason=str(error))
