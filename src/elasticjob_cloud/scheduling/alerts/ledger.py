"""Fires, counts, acknowledges and resolves alerts: one open alert for each thing that is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from elasticjob_cloud.model.alerting.alert import Alert, AlertKey, AlertState, Resolution, may_become
from elasticjob_cloud.scheduling.alerts.announcer import Announcer
from elasticjob_cloud.scheduling.alerts.rows import AlertRows
from elasticjob_cloud.scheduling.alerts.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Something went wrong: what an alert says of the latest time."""

    since_ms: int
    job_name: str = ""
    app_name: str = ""
    where: str = ""
    run_id: int = 0
    items: tuple[int, ...] = ()
    summary: str = ""
    value: float = 0
    count: int = 1


class Ledger:
    """Carries out the table of transitions."""

    def __init__(
        self, rows: AlertRows, rules: Rules, announcer: Announcer, new_id: Callable[[], str]
    ) -> None:
        self._rows = rows
        self._rules = rules
        self._announcer = announcer
        self._new_id = new_id

    def fire(self, key: AlertKey, what: Occurrence, now_ms: int) -> None:
        """Let an alert fire, or count once more what is wrong already."""
        open_alert = self._rows.find_open(key)
        if open_alert is not None:
            self._rows.put(
                replace(
                    open_alert,
                    last_ms=now_ms,
                    count=open_alert.count + what.count,
                    where=what.where,
                    run_id=what.run_id,
                    items=what.items,
                    summary=what.summary,
                    value=what.value,
                )
            )
            return
        alert = Alert(
            alert_id=self._new_id(),
            condition=key.condition,
            subject=key.subject,
            severity=self._rules.of_job(what.job_name, what.app_name).severities[key.condition],
            state=AlertState.FIRING,
            since_ms=what.since_ms,
            fired_ms=now_ms,
            last_ms=now_ms,
            count=what.count,
            job_name=what.job_name,
            app_name=what.app_name,
            where=what.where,
            first_run_id=what.run_id,
            run_id=what.run_id,
            items=what.items,
            summary=what.summary,
            value=what.value,
        )
        self._rows.put(alert)
        self._announcer.consider(alert.alert_id, now_ms)

    def resolve(self, key: AlertKey, now_ms: int, resolution: Resolution = Resolution.RECOVERED) -> None:
        """End the alert about this, if there is one."""
        alert = self._rows.find_open(key)
        if alert is not None:
            self._move(alert, AlertState.RESOLVED)
            self._rows.put(
                replace(alert, state=AlertState.RESOLVED, resolved_ms=now_ms, resolution=resolution)
            )
            self._announcer.consider(alert.alert_id, now_ms)

    def acknowledge(self, alert_id: str, by: str, now_ms: int) -> bool:
        """Note that somebody knows. False: there is no such alert, or it is over. Twice changes nothing."""
        alert = self._rows.live.get(alert_id)
        if alert is None or not alert.is_open:
            return False
        if alert.state is AlertState.ACKNOWLEDGED:
            return True
        self._move(alert, AlertState.ACKNOWLEDGED)
        self._rows.put(
            replace(alert, state=AlertState.ACKNOWLEDGED, acknowledged_by=by, acknowledged_ms=now_ms)
        )
        self._announcer.consider(alert_id, now_ms)
        return True

    @staticmethod
    def _move(alert: Alert, following: AlertState) -> None:
        assert may_become(alert.state, following), f"{alert.alert_id}: {alert.state} to {following}"
