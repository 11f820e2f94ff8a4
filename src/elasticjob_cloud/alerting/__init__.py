"""Sends alerts: messages in people's languages, channels, and a sender that works through the outbox (docs/alerts.md)."""

from elasticjob_cloud.alerting.courier import Courier, DeliveryError, probe_message
from elasticjob_cloud.alerting.outbox import Outbox, OutboxEntry
from elasticjob_cloud.alerting.rendering import Letterhead
from elasticjob_cloud.alerting.sender import Sender, SenderSettings

__all__ = [
    "Courier",
    "DeliveryError",
    "Letterhead",
    "Outbox",
    "OutboxEntry",
    "Sender",
    "SenderSettings",
    "probe_message",
]
