"""The port between the sender and the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.delivery import Delivery
from elasticjob_cloud.model.alerting.message import AlertMessage


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A delivery that is due. `channel`: as it is set now; None: there is none of that name (any more)."""

    delivery: Delivery
    message: AlertMessage
    channel: Channel | None


class Outbox(Protocol):
    """What the sender needs of a store. Both methods may raise `StoreUnavailableError`; the sender asks again later."""

    async def claim_due(self, now_ms: int, busy: frozenset[str]) -> Sequence[OutboxEntry]:
        """Give the oldest PENDING delivery of each channel that is not busy, if its `next_try_ms` has come.

        A younger delivery waits behind an older one, so that no end overtakes its beginning. Nothing is changed: only
        the leader has a sender, and what it does not record is due again for the next one.
        """
        ...

    async def record(self, delivery: Delivery) -> None:
        """Write what became of a delivery over its row. It stays PENDING until then."""
        ...
