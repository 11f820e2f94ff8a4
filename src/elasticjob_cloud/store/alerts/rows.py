"""Alerts to rows and back. A row is a tuple in the order of its table's columns."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from elasticjob_cloud.model.alerting.alert import Alert, AlertState, Resolution
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.conditions import Condition, Severity
from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState
from elasticjob_cloud.model.alerting.health import JobHealth
from elasticjob_cloud.model.alerting.message import AlertMessage
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.store.rows import Row, storable_text

_encode = msgspec.json.Encoder().encode
_decode_items = msgspec.json.Decoder(tuple[int, ...]).decode
_decode_texts = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_rule = msgspec.json.Decoder(AlertRule).decode
_decode_health = msgspec.json.Decoder(JobHealth).decode
_decode_channel = msgspec.json.Decoder(Channel).decode
decode_message = msgspec.json.Decoder(AlertMessage).decode


def alert_row(alert: Alert) -> Row:
    return (
        alert.alert_id,
        alert.condition.value,
        storable_text(alert.subject),
        alert.severity.value,
        alert.state.value,
        alert.since_ms,
        alert.fired_ms,
        alert.last_ms,
        alert.count,
        alert.job_name,
        alert.app_name,
        storable_text(alert.where),
        alert.first_run_id,
        alert.run_id,
        _text_of(alert.items),
        storable_text(alert.summary),
        float(alert.value),
        storable_text(alert.acknowledged_by),
        alert.acknowledged_ms,
        alert.resolved_ms,
        "" if alert.resolution is None else alert.resolution.value,
        _text_of(alert.channels),
        alert.message_id,
        alert.announced_ms,
        alert.told_ms,
        alert.closed_ms,
        int(alert.is_live),
    )


def alert_of(row: Any) -> Alert:
    return Alert(
        alert_id=row.alert_id,
        condition=Condition(row.condition),
        subject=row.subject,
        severity=Severity(row.severity),
        state=AlertState(row.state),
        since_ms=row.since_ms,
        fired_ms=row.fired_ms,
        last_ms=row.last_ms,
        count=row._mapping["count"],  # noqa: SLF001 - SQLAlchemy's public name; `count` is a method of tuples
        job_name=row.job_name,
        app_name=row.app_name,
        where=row.host,
        first_run_id=row.first_run_id,
        run_id=row.run_id,
        items=_decode_items(row.items) if row.items else (),
        summary=row.summary,
        value=row.value,
        acknowledged_by=row.acknowledged_by,
        acknowledged_ms=row.acknowledged_ms,
        resolved_ms=row.resolved_ms,
        resolution=Resolution(row.resolution) if row.resolution else None,
        channels=_decode_texts(row.channels) if row.channels else (),
        message_id=row.message_id,
        announced_ms=row.announced_ms,
        told_ms=row.told_ms,
        closed_ms=row.closed_ms,
        is_live=bool(row.is_live),
    )


def rule_row(scope: str, rule: AlertRule) -> Row:
    return (scope, _encode(rule).decode())


def rule_of(row: Sequence[Any]) -> AlertRule:
    return _decode_rule(row[1])


def channel_text(channel: Channel) -> str:
    return _encode(channel).decode()


def channel_of(text: str) -> Channel:
    return _decode_channel(text)


def silence_row(silence_id: str, silence: Silence) -> Row:
    return (
        silence_id,
        silence.start_ms,
        silence.end_ms,
        storable_text(silence.app_name),
        storable_text(silence.job_name),
        "" if silence.condition is None else silence.condition.value,
        storable_text(silence.created_by),
        storable_text(silence.comment),
    )


def silence_of(row: Sequence[Any]) -> Silence:
    silence_id, start_ms, end_ms, app_name, job_name, condition, created_by, comment = row
    return Silence(
        silence_id=silence_id,
        start_ms=start_ms,
        end_ms=end_ms,
        app_name=app_name,
        job_name=job_name,
        condition=Condition(condition) if condition else None,
        created_by=created_by,
        comment=comment,
    )


def health_row(job_name: str, health: JobHealth) -> Row:
    return (job_name, _encode(health).decode())


def health_of(row: Sequence[Any]) -> JobHealth:
    return _decode_health(row[1])


def message_row(message: AlertMessage) -> Row:
    alerts = tuple(map(_storable, message.alerts))
    text = _encode(replace(message, alerts=alerts)).decode()
    return (message.message_id, message.kind.value, message.created_ms, message.total, text)


def delivery_rows(message: AlertMessage) -> list[Row]:
    """Give a row for each channel, without the sequence, which the database counts."""
    state = DeliveryState.PENDING.value
    return [
        (message.message_id, channel, message.created_ms, state, 0, 0, 0, "") for channel in message.channels
    ]


def delivery_of(row: Sequence[Any]) -> Delivery:
    sequence, message_id, channel, created_ms, state, attempts, next_try_ms, ended_ms, last_error = row
    return Delivery(
        sequence=sequence,
        message_id=message_id,
        channel=channel,
        created_ms=created_ms,
        state=DeliveryState(state),
        attempts=attempts,
        next_try_ms=next_try_ms,
        ended_ms=ended_ms,
        last_error=last_error,
    )


def _storable(alert: Alert) -> Alert:
    """Give an alert whose texts can be written as JSON: they come from job code, and may be half a character."""
    return replace(
        alert,
        subject=storable_text(alert.subject),
        where=storable_text(alert.where),
        summary=storable_text(alert.summary),
        acknowledged_by=storable_text(alert.acknowledged_by),
    )


def _text_of(values: tuple[int, ...] | tuple[str, ...]) -> str:
    return _encode(values).decode() if values else ""
