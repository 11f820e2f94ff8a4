"""Alerts in the metrics: counted by the rows that each turn commits."""

import dataclasses

import pytest
from prometheus_client import CollectorRegistry

from elasticjob_cloud.model.alerting.alert import Alert, AlertState
from elasticjob_cloud.model.alerting.conditions import Condition, Severity
from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState
from elasticjob_cloud.service.metrics.alert_metrics import AlertMetrics


class Shown:
    """Metrics, and what they show."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = AlertMetrics(self.registry)

    def open(self, state: AlertState = AlertState.FIRING, condition: Condition = Condition.LATE) -> float:
        return self._value("elasticjob_alerts", state=state.value, condition=condition.value)

    def fired(self, condition: Condition = Condition.LATE) -> float:
        return self._value("elasticjob_alerts_fired_total", condition=condition.value)

    def deliveries(self, state: str) -> float:
        return self._value("elasticjob_alert_deliveries_total", state=state)

    def _value(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(name, labels)
        assert value is not None, "an alert rule needs the zero before the first"
        return value


@pytest.fixture
def shown() -> Shown:
    return Shown()


def alert(alert_id: str = "1", condition: Condition = Condition.LATE) -> Alert:
    return Alert(
        alert_id=alert_id,
        condition=condition,
        subject="job",
        severity=Severity.WARNING,
        state=AlertState.FIRING,
        since_ms=1,
        fired_ms=1,
        last_ms=1,
    )


def changed(first: Alert, state: AlertState, *, is_live: bool = True) -> Alert:
    return dataclasses.replace(first, state=state, is_live=is_live)


def test_alert_is_counted_in_the_state_that_it_has_now(shown: Shown) -> None:
    first = alert()
    shown.metrics.note([first, alert("2")])
    assert (shown.open(), shown.fired()) == (2, 2)
    shown.metrics.note([changed(first, AlertState.ACKNOWLEDGED)])
    assert (shown.open(), shown.open(AlertState.ACKNOWLEDGED), shown.fired()) == (1, 1, 2)
    shown.metrics.note([changed(first, AlertState.RESOLVED)])
    assert (shown.open(), shown.open(AlertState.ACKNOWLEDGED)) == (1, 0)


def test_end_that_is_told_later_is_no_other_alert(shown: Shown) -> None:
    first = alert()
    shown.metrics.note([first])
    shown.metrics.note([changed(first, AlertState.RESOLVED)])
    shown.metrics.note([changed(first, AlertState.RESOLVED, is_live=False)])
    assert (shown.open(), shown.fired()) == (0, 1)


def test_alert_that_began_and_ended_in_one_turn_has_fired(shown: Shown) -> None:
    shown.metrics.note([changed(alert(), AlertState.RESOLVED, is_live=False)])
    assert (shown.open(), shown.fired()) == (0, 1)


def test_conditions_are_counted_apart(shown: Shown) -> None:
    shown.metrics.note([alert(), alert("2", Condition.DISK_LOW)])
    assert shown.open() == shown.open(condition=Condition.DISK_LOW) == 1
    assert shown.open(condition=Condition.STUCK) == shown.fired(Condition.STUCK) == 0


def test_new_leader_shows_the_open_alerts_of_its_record_and_counts_none_as_fired(shown: Shown) -> None:
    shown.metrics.begin([alert(), changed(alert("2"), AlertState.RESOLVED)])
    assert (shown.open(), shown.fired()) == (1, 0)
    shown.metrics.note([changed(alert(), AlertState.RESOLVED)])
    assert (shown.open(), shown.fired()) == (0, 0)


def test_scheduler_that_stands_by_shows_none(shown: Shown) -> None:
    shown.metrics.note([alert()])
    shown.metrics.begin(())
    assert (shown.open(), shown.fired()) == (0, 1)


def test_deliveries_are_counted_by_what_became_of_each_attempt(shown: Shown) -> None:
    assert [shown.deliveries(state) for state in ("DELIVERED", "RETRIED", "FAILED")] == [0, 0, 0]
    for state in (DeliveryState.PENDING, DeliveryState.PENDING, DeliveryState.DELIVERED):
        shown.metrics.note_delivery(
            Delivery(sequence=1, message_id="m", channel="hook", created_ms=1, state=state)
        )
    assert [shown.deliveries(state) for state in ("DELIVERED", "RETRIED", "FAILED")] == [1, 2, 0]
