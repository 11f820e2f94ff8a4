"""Deliveries: one message on its way to one channel."""

from dataclasses import dataclass
from enum import StrEnum


class DeliveryState(StrEnum):
    """What became of a delivery so far."""

    PENDING = "PENDING"  # to be sent, or sent and not yet recorded
    DELIVERED = "DELIVERED"  # the channel took it
    FAILED = "FAILED"  # given up; `last_error` says why


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message for one channel. `sequence` orders those of a channel: they are sent in the order of writing."""

    sequence: int
    message_id: str
    channel: str
    created_ms: int
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    next_try_ms: int = 0
    ended_ms: int = 0
    last_error: str = ""
