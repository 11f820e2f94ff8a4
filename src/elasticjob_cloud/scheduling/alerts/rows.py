"""The alerts that are live, and the rows to write of them."""

from collections import Counter
from collections.abc import Iterable

from elasticjob_cloud.model.alerting.alert import Alert, AlertKey
from elasticjob_cloud.model.alerting.changes import AlertChanges
from elasticjob_cloud.model.alerting.conditions import Condition


class AlertRows:
    """Alerts by id, by what they are about, and by job. Each change is a row. `ids_of_jobs`: of the open ones."""

    def __init__(self, alerts: Iterable[Alert]) -> None:
        self.live: dict[str, Alert] = {}
        self.changes = AlertChanges()
        self._open: dict[Condition, dict[str, str]] = {condition: {} for condition in Condition}
        self.ids_of_jobs: dict[str, set[str]] = {}
        self._closed: dict[AlertKey, str] = {}
        self._of_message: Counter[str] = Counter()
        for alert in sorted(alerts, key=lambda alert: (alert.fired_ms, alert.alert_id)):
            self._keep(alert)

    def put(self, alert: Alert) -> None:
        """Keep an alert as it is now, and record it."""
        self.changes.alerts[alert.alert_id] = alert
        self._keep(alert)

    def find_open(self, key: AlertKey) -> Alert | None:
        """Give the open alert about this, if there is one."""
        alert_id = self._open[key.condition].get(key.subject)
        return None if alert_id is None else self.live[alert_id]

    def find_closed(self, key: AlertKey) -> Alert | None:
        """Give the last alert about this, if it is over, and was told so lately that it must not be told again."""
        alert_id = self._closed.get(key)
        return None if alert_id is None else self.live[alert_id]

    def has_open(self, condition: Condition) -> bool:
        """Tell whether an alert of a condition is open."""
        return bool(self._open[condition])

    def open_of(self, condition: Condition) -> list[Alert]:
        """Give the open alerts of a condition."""
        return [self.live[alert_id] for alert_id in self._open[condition].values()]

    def open_of_job(self, job_name: str) -> list[Alert]:
        """Give the open alerts of a job, the oldest first."""
        alerts = [self.live[alert_id] for alert_id in self.ids_of_jobs.get(job_name, ())]
        return sorted(alerts, key=lambda alert: (alert.fired_ms, alert.alert_id))

    def is_message_open(self, message_id: str) -> bool:
        """Tell whether an alert of this FIRE message is not over, or its end was not told."""
        return message_id in self._of_message

    def take_changes(self) -> AlertChanges:
        """Give the rows of this turn, and begin those of the next."""
        changes, self.changes = self.changes, AlertChanges()
        return changes

    def _keep(self, alert: Alert) -> None:
        old = self.live.pop(alert.alert_id, None)
        if old is not None:
            self._forget(old)
        if not alert.is_live:
            return
        self.live[alert.alert_id] = alert
        if alert.is_open:
            self._open[alert.condition][alert.subject] = alert.alert_id
            if alert.job_name:
                self.ids_of_jobs.setdefault(alert.job_name, set()).add(alert.alert_id)
        elif alert.closed_ms:
            self._closed[alert.key] = alert.alert_id
        if alert.message_id and not alert.closed_ms:
            self._of_message[alert.message_id] += 1

    def _forget(self, old: Alert) -> None:
        if self._open[old.condition].get(old.subject) == old.alert_id:
            del self._open[old.condition][old.subject]
        of_job = self.ids_of_jobs.get(old.job_name)
        if of_job is not None:
            of_job.discard(old.alert_id)
            if not of_job:
                del self.ids_of_jobs[old.job_name]
        if self._closed.get(old.key) == old.alert_id:
            del self._closed[old.key]
        if old.message_id and not old.closed_ms:
            self._of_message[old.message_id] -= 1
            if not self._of_message[old.message_id]:
                del self._of_message[old.message_id]
