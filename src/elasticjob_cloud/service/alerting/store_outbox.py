"""The outbox in the database, as one leader's sender sees it."""

from collections.abc import Callable, Sequence

from elasticjob_cloud.alerting import OutboxEntry
from elasticjob_cloud.model.alerting.delivery import Delivery
from elasticjob_cloud.service.threads.store_threads import StoreThreads
from elasticjob_cloud.store.alert_contract import AlertStore


class StoreOutbox:
    """Implements `alerting.Outbox` for the leader of one epoch: any other gets nothing to send.

    `recorded` is told each attempt to deliver, once it is in the database.
    """

    def __init__(
        self, store: AlertStore, epoch: int, threads: StoreThreads, recorded: Callable[[Delivery], None]
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._threads = threads
        self._recorded = recorded

    async def claim_due(self, now_ms: int, busy: frozenset[str]) -> Sequence[OutboxEntry]:
        due = await self._threads.read(self._store.due_deliveries, self._epoch, now_ms, busy)
        return [OutboxEntry(entry.delivery, entry.message, entry.channel) for entry in due]

    async def record(self, delivery: Delivery) -> None:
        # Not by the thread that writes: commits of turns must not queue behind it.
        await self._threads.read(self._store.record_delivery, self._epoch, delivery)
        self._recorded(delivery)
