"""An outbox in memory, and alerts to send: for tests of the sender and of channels."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from elasticjob_cloud.alerting import OutboxEntry
from elasticjob_cloud.model.alerting.alert import Alert, AlertState, Resolution
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.conditions import DEFAULT_SEVERITIES, Condition
from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState
from elasticjob_cloud.model.alerting.message import AlertMessage, MessageKind
from elasticjob_cloud.model.alerting.rule import Language
from elasticjob_cloud.model.errors import StoreUnavailableError

SINCE_MS = 1_800_000_000_000  # 2027-01-15 08:00 UTC


def make_alert(condition: Condition = Condition.RUN_FAILED, **fields: object) -> Alert:
    """An alert about the job `report`, or about a host."""
    of_job = condition.is_of_job
    alert = Alert(
        alert_id="alert-1",
        condition=condition,
        subject="report" if of_job else "host-1",
        severity=DEFAULT_SEVERITIES[condition],
        state=AlertState.FIRING,
        since_ms=SINCE_MS,
        fired_ms=SINCE_MS,
        last_ms=SINCE_MS,
        job_name="report" if of_job else "",
        app_name="finance" if of_job else "",
        where="host-1",
        run_id=17 if of_job else 0,
        items=(3,) if of_job else (),
        summary="KeyError: 'x'" if of_job else "its process ended",
        message_id="message-1",
    )
    return replace(alert, **fields)  # type: ignore[arg-type]  # fields of any type


def make_resolved(condition: Condition = Condition.RUN_FAILED, **fields: object) -> Alert:
    """The same, an hour later."""
    return make_alert(
        condition,
        state=AlertState.RESOLVED,
        resolved_ms=SINCE_MS + 3_600_000,
        resolution=Resolution.RECOVERED,
        **fields,
    )


def make_message(
    *alerts: Alert, kind: MessageKind = MessageKind.FIRE, message_id: str = "message-1", **fields: object
) -> AlertMessage:
    """A message about these alerts, or about one."""
    alerts = alerts or (make_alert(),)
    message = AlertMessage(
        message_id=message_id,
        kind=kind,
        created_ms=SINCE_MS,
        channels=("hook",),
        language=Language.ENGLISH,
        alerts=alerts,
        total=len(alerts),
    )
    return replace(message, **fields)  # type: ignore[arg-type]  # fields of any type


class MemoryOutbox:
    """Keeps its promises (`alerting.Outbox`) in memory; `failures`: so many records fail first."""

    def __init__(self, *channels: Channel) -> None:
        self.channels = {channel.name: channel for channel in channels}
        self.messages: dict[str, AlertMessage] = {}
        self.deliveries: list[Delivery] = []
        self.failures = 0
        self._recorded = asyncio.Condition()

    def post(self, message: AlertMessage, created_ms: int = SINCE_MS) -> None:
        self.messages[message.message_id] = message
        for channel in message.channels:
            self.deliveries.append(
                Delivery(
                    sequence=len(self.deliveries),
                    message_id=message.message_id,
                    channel=channel,
                    created_ms=created_ms,
                )
            )

    async def claim_due(self, now_ms: int, busy: frozenset[str]) -> Sequence[OutboxEntry]:
        heads: dict[str, Delivery] = {}
        for delivery in self.deliveries:
            if delivery.state is DeliveryState.PENDING:
                heads.setdefault(delivery.channel, delivery)
        return [
            OutboxEntry(head, self.messages[head.message_id], self.channels.get(head.channel))
            for head in heads.values()
            if head.channel not in busy and head.next_try_ms <= now_ms
        ]

    async def record(self, delivery: Delivery) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailableError("The database is locked.")
        async with self._recorded:
            self.deliveries[delivery.sequence] = delivery
            self._recorded.notify_all()

    async def wait_delivered(self, count: int) -> None:
        async with self._recorded:
            await self._recorded.wait_for(
                lambda: sum(it.state is DeliveryState.DELIVERED for it in self.deliveries) >= count
            )

    def states(self, channel: str) -> list[DeliveryState]:
        return [delivery.state for delivery in self.deliveries if delivery.channel == channel]
