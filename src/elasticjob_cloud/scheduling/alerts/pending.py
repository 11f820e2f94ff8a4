"""What must hold for some time before it is an alert: UNPLACEABLE and NO_AGENT."""

from collections.abc import Mapping

from elasticjob_cloud.model.alerting.alert import AlertKey
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.events import WatchedJob
from elasticjob_cloud.scheduling.alerts.ledger import Ledger, Occurrence
from elasticjob_cloud.scheduling.alerts.rows import AlertRows
from elasticjob_cloud.scheduling.alerts.rules import Rules
from elasticjob_cloud.scheduling.alerts.timers import Timers


class Pending:
    """Waits, then lets the alert fire.

    What waits here is not recorded. A new leader begins to wait when it sees it: agents need some time to join it.
    """

    def __init__(self, rows: AlertRows, rules: Rules, ledger: Ledger, jobs: Mapping[str, WatchedJob]) -> None:
        self._rows = rows
        self._rules = rules
        self._ledger = ledger
        self._jobs = jobs
        self._waiting: dict[AlertKey, Occurrence] = {}
        self._timers: Timers[AlertKey] = Timers()

    @property
    def has_unplaceable(self) -> bool:
        """Whether jobs wait here that no agent could hold, or have an alert."""
        if self._rows.has_open(Condition.UNPLACEABLE):
            return True
        return bool(self._waiting) and any(key.condition is Condition.UNPLACEABLE for key in self._waiting)

    def put_unplaceable(self, reasons: Mapping[str, str], now_ms: int) -> None:
        """Take all jobs that no agent could ever hold now, and why."""
        known = {key.subject for key in self._waiting if key.condition is Condition.UNPLACEABLE}
        known |= {alert.subject for alert in self._rows.open_of(Condition.UNPLACEABLE)}
        for job_name in sorted(known - reasons.keys()):
            self.end(AlertKey(Condition.UNPLACEABLE, job_name), now_ms)
        for job_name, reason in reasons.items():
            job = self._jobs.get(job_name)
            if job is not None and job_name not in known:
                what = Occurrence(since_ms=now_ms, job_name=job_name, app_name=job.app_name, summary=reason)
                self.begin(AlertKey(Condition.UNPLACEABLE, job_name), what, now_ms)

    def begin(self, key: AlertKey, what: Occurrence, now_ms: int) -> None:
        """It holds from now on. Twice changes nothing."""
        threshold = self._rules.of_job(what.job_name, what.app_name).conditions[key.condition]
        if key in self._waiting or self._rows.find_open(key) is not None:
            return
        self._waiting[key] = what
        self._timers.set(key, now_ms + round((threshold.seconds or 0) * 1000))

    def end(self, key: AlertKey, now_ms: int) -> None:
        """It holds no more."""
        self._waiting.pop(key, None)
        self._timers.cancel(key)
        self._ledger.resolve(key, now_ms)

    def recheck(self, now_ms: int) -> None:
        """A rule changed: judge again at once what waits."""
        for key in self._waiting:
            self._timers.set(key, now_ms)

    def advance(self, now_ms: int, most: int) -> None:
        """Let what has held for long enough fire."""
        for key in self._timers.pop_due(now_ms, most):
            what = self._waiting[key]
            threshold = self._rules.of_job(what.job_name, what.app_name).conditions[key.condition]
            due_ms = what.since_ms + round((threshold.seconds or 0) * 1000)
            if not threshold.enabled:
                continue  # it stays known, for a rule that switches it on
            if due_ms > now_ms:
                self._timers.set(key, due_ms)
                continue
            del self._waiting[key]
            self._ledger.fire(key, what, now_ms)

    def next_ms(self) -> int | None:
        """Give when `advance` is due."""
        return self._timers.next_ms()
