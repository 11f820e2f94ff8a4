"""What alerts hand to the store in a turn, and what a new leader starts from."""

from dataclasses import dataclass, field

from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.health import JobHealth
from elasticjob_cloud.model.alerting.message import AlertMessage
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.alerting.silence import Silence


@dataclass(slots=True)
class AlertChanges:
    """The rows of one turn. Alerts and health are written over the row of that key; None deletes it.

    Each message becomes one row of the outbox, and one delivery for each of its channels.
    """

    alerts: dict[str, Alert] = field(default_factory=dict)
    health: dict[str, JobHealth | None] = field(default_factory=dict)
    messages: list[AlertMessage] = field(default_factory=list)
    rules: dict[str, AlertRule | None] = field(default_factory=dict)
    silences: dict[str, Silence | None] = field(default_factory=dict)

    @property
    def is_shown(self) -> bool:
        """Tell whether it changes what anybody is shown: the health of jobs is not."""
        return bool(self.alerts or self.messages or self.rules or self.silences)

    def __bool__(self) -> bool:
        """Tell whether there is anything to write."""
        return bool(self.alerts or self.health or self.messages or self.rules or self.silences)


@dataclass(slots=True)
class AlertSnapshot:
    """The rows that a new leader needs: all rules, silences and health, and the alerts that are live."""

    rules: dict[str, AlertRule] = field(default_factory=dict)
    silences: list[Silence] = field(default_factory=list)
    health: list[JobHealth] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
