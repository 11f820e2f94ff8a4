"""What Prometheus sees of alerts: which are open, how many fired, and what became of their messages."""

from collections import Counter as Counts
from collections.abc import Iterable
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge

from elasticjob_cloud.model.alerting.alert import Alert, AlertState
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState

_OPEN_STATES: Final = (AlertState.FIRING, AlertState.ACKNOWLEDGED)
_CONDITIONS: Final = tuple(it for it in Condition if it is not Condition.RECOVERED)  # no alert is of that one
_RETRIED: Final = "RETRIED"


class _Kind(NamedTuple):
    """The labels of an open alert."""

    state: AlertState
    condition: Condition


class AlertMetrics:
    """Counts alerts by their rows, as they are committed, so that a scrape costs the same however many are open."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._kinds: dict[str, _Kind] = {}  # of alerts that are live, by id
        self._counts: Counts[_Kind] = Counts()
        self._open = Gauge(
            "elasticjob_alerts", "Alerts that are not over.", ["state", "condition"], registry=registry
        )
        self._fired = Counter(
            "elasticjob_alerts_fired", "Alerts that began.", ["condition"], registry=registry
        )
        self._deliveries = Counter(
            "elasticjob_alert_deliveries",
            "Attempts to send a message to a channel: DELIVERED, RETRIED (it failed, and is tried again), FAILED (given up).",
            ["state"],
            registry=registry,
        )
        # An alert rule needs the zero before the first one.
        for condition in _CONDITIONS:
            self._fired.labels(condition.value)
        for state in (DeliveryState.DELIVERED, _RETRIED, DeliveryState.FAILED):
            self._deliveries.labels(state)
        self._show()

    def begin(self, alerts: Iterable[Alert]) -> None:
        """Go on from the alerts that a new leader finds in its record; with none this scheduler stands by."""
        self._kinds = {alert.alert_id: _kind(alert) for alert in alerts if alert.is_live}
        self._counts = Counts(self._kinds.values())
        self._show()

    def note(self, alerts: Iterable[Alert]) -> None:
        """Count what a committed turn wrote about alerts."""
        is_changed = False
        for alert in alerts:
            is_changed = True
            known = self._kinds.pop(alert.alert_id, None)
            if known is None:
                self._fired.labels(alert.condition.value).inc()
            else:
                self._counts[known] -= 1
            if alert.is_live:
                kind = self._kinds[alert.alert_id] = _kind(alert)
                self._counts[kind] += 1
        if is_changed:
            self._show()

    def note_delivery(self, delivery: Delivery) -> None:
        """Count an attempt to deliver a message, as it is recorded in the outbox."""
        state = _RETRIED if delivery.state is DeliveryState.PENDING else delivery.state.value
        self._deliveries.labels(state).inc()

    def _show(self) -> None:
        for state in _OPEN_STATES:
            for condition in _CONDITIONS:
                self._open.labels(state.value, condition.value).set(self._counts[_Kind(state, condition)])


def _kind(alert: Alert) -> _Kind:
    return _Kind(alert.state, alert.condition)
