"""Deletes alerts that are over, deliveries that ended, their messages, and silences that ended. Live rows stay."""

from collections.abc import Callable

from sqlalchemy import Connection, delete, exists, select, text

from elasticjob_cloud.store.alerts import tables

_Prune = Callable[[Connection, int], int]


def alert_prunes(before_ms: int) -> list[_Prune]:
    """Give what deletes at most so many rows that were over before this, one function for each kind of row."""
    return [
        lambda connection, limit: _prune_alerts(connection, before_ms, limit),
        lambda connection, limit: _prune_deliveries(connection, before_ms, limit),
        lambda connection, limit: _prune_messages(connection, before_ms, limit),
        lambda connection, limit: _prune_silences(connection, before_ms, limit),
    ]


def _prune_alerts(connection: Connection, before_ms: int, limit: int) -> int:
    alert = tables.alert.c
    old = (
        select(alert.alert_id)
        .where(text(tables.CLOSED_ALERT), alert.closed_ms < before_ms)
        .order_by(alert.closed_ms)
        .limit(limit)
    )
    return connection.execute(delete(tables.alert).where(alert.alert_id.in_(old))).rowcount


def _prune_deliveries(connection: Connection, before_ms: int, limit: int) -> int:
    delivery = tables.alert_delivery.c
    old = (
        select(delivery.sequence)
        .where(text(tables.ENDED_DELIVERY), delivery.ended_ms < before_ms)
        .order_by(delivery.ended_ms)
        .limit(limit)
    )
    return connection.execute(delete(tables.alert_delivery).where(delivery.sequence.in_(old))).rowcount


def _prune_messages(connection: Connection, before_ms: int, limit: int) -> int:
    """Delete messages of which no delivery is left."""
    message, delivery = tables.alert_message.c, tables.alert_delivery.c
    is_kept = exists().where(delivery.message_id == message.message_id)
    old = (
        select(message.message_id)
        .where(message.created_ms < before_ms, ~is_kept)
        .order_by(message.created_ms)
        .limit(limit)
    )
    return connection.execute(delete(tables.alert_message).where(message.message_id.in_(old))).rowcount


def _prune_silences(connection: Connection, before_ms: int, limit: int) -> int:
    silence = tables.alert_silence.c
    old = select(silence.silence_id).where(silence.end_ms < before_ms).limit(limit)
    return connection.execute(delete(tables.alert_silence).where(silence.silence_id.in_(old))).rowcount
