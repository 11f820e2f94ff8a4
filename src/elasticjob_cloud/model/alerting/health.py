"""What alerts must know of a job's past: the rows from which a new leader goes on counting."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Restart:
    """A daemon task was started again."""

    item: int
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHealth:
    """A job's recent past, kept as far as its rule asks for. A job that is well has no row.

    `failures`: runs that failed in a row, since `failing_since_ms`. `success_ms`: the last success, or since when one is
    waited for; kept only where NO_SUCCESS is on. `durations_ms`: of the last 50 runs that succeeded, for STUCK.
    """

    job_name: str
    failures: int = 0
    failing_since_ms: int = 0
    success_ms: int = 0
    durations_ms: tuple[int, ...] = ()
    restarts: tuple[Restart, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not (self.failures or self.success_ms or self.durations_ms or self.restarts)
