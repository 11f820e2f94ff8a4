"""Alerts that are over when nothing more happened for some time: DROPPED, FLAPPING, CLOCK_JUMP, DATABASE_SLOW, AGENT_LOST."""

from collections.abc import Callable
from typing import Final

from elasticjob_cloud.model.alerting.alert import Alert, AlertKey, Resolution
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.scheduling.alerts.ledger import Ledger
from elasticjob_cloud.scheduling.alerts.rows import AlertRows
from elasticjob_cloud.scheduling.alerts.rules import Rules
from elasticjob_cloud.scheduling.alerts.timers import Timers

CLEARING: Final = (
    Condition.DROPPED,
    Condition.FLAPPING,
    Condition.CLOCK_JUMP,
    Condition.DATABASE_SLOW,
    Condition.AGENT_LOST,
)


class Clearing:
    """Ends them. `cleared` is told of each."""

    def __init__(
        self, rows: AlertRows, rules: Rules, ledger: Ledger, cleared: Callable[[Alert], None]
    ) -> None:
        self._rows = rows
        self._rules = rules
        self._ledger = ledger
        self._cleared = cleared
        self._timers: Timers[AlertKey] = Timers()

    def wait(self, key: AlertKey) -> None:
        """Something went wrong (again): wait from its latest time on."""
        alert = self._rows.find_open(key)
        # What happens while it waits is looked at when it is due: a job may drop fires every second.
        if alert is not None and key not in self._timers:
            self._timers.set(key, self._clear_ms(alert))

    def recheck(self, alert: Alert) -> None:
        """A rule changed, or a new leader took over: wait as long as the rule says."""
        if alert.condition in CLEARING:
            self._timers.set(alert.key, self._clear_ms(alert))

    def advance(self, now_ms: int, most: int) -> None:
        """End what is over."""
        for key in self._timers.pop_due(now_ms, most):
            alert = self._rows.find_open(key)
            if alert is None:
                continue
            clear_ms = self._clear_ms(alert)
            if clear_ms > now_ms:
                self._timers.set(key, clear_ms)
                continue
            is_lost = key.condition is Condition.AGENT_LOST
            self._ledger.resolve(key, now_ms, Resolution.EXPIRED if is_lost else Resolution.RECOVERED)
            self._cleared(alert)

    def next_ms(self) -> int | None:
        """Give when `advance` is due."""
        return self._timers.next_ms()

    def _clear_ms(self, alert: Alert) -> int:
        threshold = self._rules.of_alert(alert).conditions[alert.condition]
        minutes = threshold.minutes if alert.condition is Condition.FLAPPING else None
        seconds = threshold.clear_seconds if minutes is None else minutes * 60
        return alert.last_ms + round((seconds or 0) * 1000)
