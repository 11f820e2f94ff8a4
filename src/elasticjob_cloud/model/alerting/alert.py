"""Alerts: something is wrong, since when, and what was told of it. States, and the table of legal transitions.

All that decides whether an alert may go from one state to another lives here. This module knows nothing of rules,
channels or the time.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from elasticjob_cloud.model.alerting.conditions import Condition, Severity


class AlertState(StrEnum):
    """What became of an alert so far."""

    FIRING = "FIRING"  # it is wrong, and nobody has seen to it
    ACKNOWLEDGED = "ACKNOWLEDGED"  # it is wrong, and somebody knows; no reminders
    RESOLVED = "RESOLVED"  # it is well again, or nobody watches it any more


class Resolution(StrEnum):
    """Why an alert is over."""

    RECOVERED = "RECOVERED"  # it is well again
    REMOVED = "REMOVED"  # the job is gone, or no longer enabled
    NOT_WATCHED = "NOT_WATCHED"  # a rule switched the condition off, or raised its threshold
    EXPIRED = "EXPIRED"  # its host is gone, or did not come back for so long that it is taken to be


# An alert that fires again after its end is another alert. ACKNOWLEDGED twice changes nothing.
TRANSITIONS: Final[dict[AlertState, frozenset[AlertState]]] = {
    AlertState.FIRING: frozenset({AlertState.ACKNOWLEDGED, AlertState.RESOLVED}),
    AlertState.ACKNOWLEDGED: frozenset({AlertState.RESOLVED}),
    AlertState.RESOLVED: frozenset(),
}


def may_become(state: AlertState, following: AlertState) -> bool:
    """Tell whether the table allows `following` after `state`."""
    return following in TRANSITIONS[state]


class AlertKey(NamedTuple):
    """What an alert is about. There is one open alert of a key at most. `subject`: a job, host or disk, or nothing."""

    condition: Condition
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing that is or was wrong. Times are epoch milliseconds (UTC), 0 for never.

    `since_ms`: since when it is wrong, which may be before it fired. `count`: how often it happened.
    `value`: the figure of its condition: seconds late, running, without success, jumped or committing; fires dropped;
    restarts; percent of a disk free. `run_id`, `items`, `where`, `summary` are those of the latest time; `first_run_id` is that of the first.
    `announced_ms`: when its first message was written, `told_ms` the last one; `message_id`: the first message.
    `closed_ms`: when its last message was written, or it was clear that there will be none.
    `is_live`: a new leader must know it. The others are history.
    """

    alert_id: str
    condition: Condition
    subject: str
    severity: Severity
    state: AlertState
    since_ms: int
    fired_ms: int
    last_ms: int
    count: int = 1
    job_name: str = ""
    app_name: str = ""
    where: str = ""
    first_run_id: int = 0
    run_id: int = 0
    items: tuple[int, ...] = ()
    summary: str = ""
    value: float = 0
    acknowledged_by: str = ""
    acknowledged_ms: int = 0
    resolved_ms: int = 0
    resolution: Resolution | None = None
    channels: tuple[str, ...] = ()
    message_id: str = ""
    announced_ms: int = 0
    told_ms: int = 0
    closed_ms: int = 0
    is_live: bool = True

    @property
    def key(self) -> AlertKey:
        """What it is about."""
        return AlertKey(self.condition, self.subject)

    @property
    def is_open(self) -> bool:
        """Whether it is still wrong."""
        return self.state is not AlertState.RESOLVED
