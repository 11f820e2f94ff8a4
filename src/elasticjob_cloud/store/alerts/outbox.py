"""The sender's side of the outbox. What is sent next is asked of the database each time, so a new leader forgets nothing."""

from collections.abc import Set as AbstractSet

from sqlalchemy import Connection, func, select, text, update

from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState
from elasticjob_cloud.store import lease
from elasticjob_cloud.store.alert_contract import DueDelivery
from elasticjob_cloud.store.alerts import rows, tables
from elasticjob_cloud.store.rows import storable_text

_DELIVERY = tables.alert_delivery
_MESSAGE = tables.alert_message
_CHANNEL = tables.alert_channel
_MOST_AT_ONCE = 64  # messages may be long: no more than a sender has under way


def due_deliveries(connection: Connection, now_ms: int, busy: AbstractSet[str]) -> list[DueDelivery]:
    """Give the oldest pending delivery of each channel that is not busy, if its time has come."""
    heads = (
        select(func.min(_DELIVERY.c.sequence))
        .where(text(tables.PENDING_DELIVERY), _DELIVERY.c.channel.not_in(sorted(busy)))
        .group_by(_DELIVERY.c.channel)
    )
    due = (
        select(*_DELIVERY.c, _MESSAGE.c.message, _CHANNEL.c.channel.label("settings"))
        .join(_MESSAGE, _MESSAGE.c.message_id == _DELIVERY.c.message_id)
        .outerjoin(_CHANNEL, _CHANNEL.c.name == _DELIVERY.c.channel)
        .where(_DELIVERY.c.sequence.in_(heads), _DELIVERY.c.next_try_ms <= now_ms)
        .order_by(_DELIVERY.c.sequence)
        .limit(_MOST_AT_ONCE)
    )
    return [
        DueDelivery(
            rows.delivery_of(row),
            rows.decode_message(message),
            None if settings is None else rows.channel_of(settings),
        )
        for *row, message, settings in connection.execute(due)
    ]


def record_delivery(connection: Connection, epoch: int, delivery: Delivery) -> None:
    """Write what became of a delivery that is pending.

    One that arrived has arrived, also when another scheduler leads now. A failure is for the leader alone to judge: the next one may have
    been through with this delivery already.
    """
    if delivery.state is DeliveryState.DELIVERED:
        lease.hold(connection)
    elif not lease.holds(connection, epoch):
        return
    connection.execute(
        update(_DELIVERY)
        .where(_DELIVERY.c.sequence == delivery.sequence, text(tables.PENDING_DELIVERY))
        .values(
            state=delivery.state.value,
            attempts=delivery.attempts,
            next_try_ms=delivery.next_try_ms,
            ended_ms=delivery.ended_ms,
            last_error=storable_text(delivery.last_error),
        )
    )
