"""Silences: for some time, nobody is told of some alerts. They are recorded and shown all the same."""

from dataclasses import dataclass

from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.conditions import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Holds back messages until its end. What is empty matches everything; all that is given must match."""

    silence_id: str
    start_ms: int
    end_ms: int
    app_name: str = ""
    job_name: str = ""
    condition: Condition | None = None
    created_by: str = ""
    comment: str = ""

    def matches(self, alert: Alert) -> bool:
        """Tell whether it is about this alert."""
        return (
            self.app_name in {"", alert.app_name}
            and self.job_name in {"", alert.job_name}
            and self.condition in {None, alert.condition}
        )

    def holds(self, now_ms: int) -> bool:
        """Tell whether it holds now."""
        return self.start_ms <= now_ms < self.end_ms
