"""Messages of the outbox: written in the commit that decides them, sent later, at least once."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.conditions import Severity
from elasticjob_cloud.model.alerting.rule import Language

MOST_ALERTS: Final = 500  # that one message carries; `total` counts all


class MessageKind(StrEnum):
    """Why a message is sent."""

    FIRE = "FIRE"  # something is wrong
    RESOLVE = "RESOLVE"  # it is well again
    REMIND = "REMIND"  # it is still wrong
    TEST = "TEST"  # somebody tries a channel


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMessage:
    """One message to some channels, about alerts that belong together, as they were when it was written.

    `message_id` stays the same however often it is sent: a receiver that knows the id may ignore it.
    `closed_ids`: in a RESOLVE, the ids of FIRE messages whose alerts are all over now.
    """

    message_id: str
    kind: MessageKind
    created_ms: int
    channels: tuple[str, ...]
    language: Language = Language.ENGLISH
    template: str = ""
    alerts: tuple[Alert, ...] = ()
    total: int = 0
    closed_ids: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """That of the worst alert in it."""
        severities = (alert.severity for alert in self.alerts)
        return max(severities, key=lambda severity: severity.rank, default=Severity.INFO)
