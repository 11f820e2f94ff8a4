"""What an alert can be about, how severe it is, and the thresholds that hold where no rule says otherwise."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final


class Condition(StrEnum):
    """What is wrong."""

    RUN_FAILED = "RUN_FAILED"  # runs ended FAILED, `after` times in a row
    RECOVERED = "RECOVERED"  # no alert: whether the end of RUN_FAILED is told
    LATE = "LATE"  # a run has not started `seconds` after it was due
    STUCK = "STUCK"  # a run goes on for `seconds`, or for `times` its usual
    NO_SUCCESS = "NO_SUCCESS"  # no run succeeded for `seconds`
    DROPPED = "DROPPED"  # fires were dropped; over after `clear_seconds` without another
    UNPLACEABLE = "UNPLACEABLE"  # for `seconds`, no agent could ever hold the job
    FLAPPING = "FLAPPING"  # a daemon task restarted `restarts` times in `minutes`
    AGENT_LOST = "AGENT_LOST"  # over when an agent is on this host again, or after `clear_seconds`
    NO_AGENT = "NO_AGENT"  # no agent at all for `seconds`
    CLOCK_JUMP = "CLOCK_JUMP"  # the scheduler's clock jumped
    DATABASE_SLOW = "DATABASE_SLOW"  # a commit took `seconds` or more
    DISK_LOW = "DISK_LOW"  # less than `percent` of a disk is free

    # In C: each run asks by condition, and Enum's own is in Python.
    __hash__ = str.__hash__

    @property
    def is_of_job(self) -> bool:
        """Whether its alerts are about a job, not about the system."""
        return self not in SYSTEM_CONDITIONS


SYSTEM_CONDITIONS: Final = frozenset(
    {
        Condition.AGENT_LOST,
        Condition.NO_AGENT,
        Condition.CLOCK_JUMP,
        Condition.DATABASE_SLOW,
        Condition.DISK_LOW,
    }
)


class Severity(StrEnum):
    """How bad it is. CRITICAL is told in quiet hours too."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """A number that is higher the worse it is."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Whether a condition is watched, and from when on it holds. None: not said here, a farther rule says it."""

    enabled: bool | None = None
    after: int | None = None
    seconds: float | None = None
    times: float | None = None
    restarts: int | None = None
    minutes: float | None = None
    percent: float | None = None
    clear_seconds: float | None = None

    def over(self, farther: "Threshold") -> "Threshold":
        """Give this one with what it leaves open taken from one that is farther away."""
        if self == farther:
            return self
        values = {}
        for field in fields(self):
            own = getattr(self, field.name)
            values[field.name] = getattr(farther, field.name) if own is None else own
        return Threshold(**values)


# The table of docs/alerts.md.
DEFAULT_THRESHOLDS: Final[dict[Condition, Threshold]] = {
    Condition.RUN_FAILED: Threshold(enabled=True, after=1),
    Condition.RECOVERED: Threshold(enabled=True),
    Condition.LATE: Threshold(enabled=True, seconds=60),
    Condition.STUCK: Threshold(enabled=False),
    Condition.NO_SUCCESS: Threshold(enabled=False),
    Condition.DROPPED: Threshold(enabled=True, clear_seconds=600),
    Condition.UNPLACEABLE: Threshold(enabled=True, seconds=30),
    Condition.FLAPPING: Threshold(enabled=True, restarts=5, minutes=10),
    Condition.AGENT_LOST: Threshold(enabled=True, clear_seconds=86_400),
    Condition.NO_AGENT: Threshold(enabled=True, seconds=30),
    Condition.CLOCK_JUMP: Threshold(enabled=True, clear_seconds=600),
    Condition.DATABASE_SLOW: Threshold(enabled=True, seconds=1, clear_seconds=60),
    Condition.DISK_LOW: Threshold(enabled=True, percent=5),
}

# Which thresholds a rule may set, by condition.
THRESHOLDS_OF: Final[dict[Condition, tuple[str, ...]]] = {
    Condition.RUN_FAILED: ("after",),
    Condition.RECOVERED: (),
    Condition.LATE: ("seconds",),
    Condition.STUCK: ("seconds", "times"),
    Condition.NO_SUCCESS: ("seconds",),
    Condition.DROPPED: ("clear_seconds",),
    Condition.UNPLACEABLE: ("seconds",),
    Condition.FLAPPING: ("restarts", "minutes"),
    Condition.AGENT_LOST: ("clear_seconds",),
    Condition.NO_AGENT: ("seconds",),
    Condition.CLOCK_JUMP: ("clear_seconds",),
    Condition.DATABASE_SLOW: ("seconds", "clear_seconds"),
    Condition.DISK_LOW: ("percent",),
}

DEFAULT_SEVERITIES: Final[dict[Condition, Severity]] = {
    Condition.RUN_FAILED: Severity.CRITICAL,
    Condition.RECOVERED: Severity.INFO,
    Condition.LATE: Severity.WARNING,
    Condition.STUCK: Severity.WARNING,
    Condition.NO_SUCCESS: Severity.CRITICAL,
    Condition.DROPPED: Severity.WARNING,
    Condition.UNPLACEABLE: Severity.CRITICAL,
    Condition.FLAPPING: Severity.CRITICAL,
    Condition.AGENT_LOST: Severity.WARNING,
    Condition.NO_AGENT: Severity.CRITICAL,
    Condition.CLOCK_JUMP: Severity.WARNING,
    Condition.DATABASE_SLOW: Severity.WARNING,
    Condition.DISK_LOW: Severity.CRITICAL,
}
