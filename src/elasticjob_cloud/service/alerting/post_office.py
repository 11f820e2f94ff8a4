"""Sends what the outbox holds, for as long as this scheduler leads."""

import asyncio
from collections.abc import Callable
from typing import Final

from elasticjob_cloud.alerting import Courier, Sender
from elasticjob_cloud.model.alerting.delivery import Delivery
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.service.alerting.settings import AlertSettings
from elasticjob_cloud.service.alerting.store_outbox import StoreOutbox
from elasticjob_cloud.service.threads.store_threads import StoreThreads
from elasticjob_cloud.store.alert_contract import AlertStore

_LOOK_SECONDS: Final = 0.25


class PostOffice:
    """Has one sender in each term. A term that ends cuts off what is under way: the next leader sends it again.

    Args:
        store: Where the outbox is.
        threads: In which the store is called.
        settings: How messages look.
        epoch: Gives the epoch of the present term; None while another leads.
        now_ms: The wall clock.
        recorded: Told each attempt to deliver a message.
    """

    def __init__(
        self,
        store: AlertStore,
        threads: StoreThreads,
        settings: AlertSettings,
        epoch: Callable[[], int | None],
        now_ms: Callable[[], int],
        recorded: Callable[[Delivery], None],
    ) -> None:
        self._store = store
        self._threads = threads
        self._settings = settings
        self._epoch = epoch
        self._now_ms = now_ms
        self._recorded = recorded
        self._sender: Sender | None = None

    def note_commit(self, changes: Changes) -> None:
        """Look into the outbox at once where a turn has put something into it."""
        if self._sender is not None and changes.alerts.messages:
            self._sender.wake()

    async def work(self) -> None:
        """Send until cancelled."""
        async with Courier(self._settings.head, self._now_ms) as courier:
            while True:
                epoch = self._epoch()
                if epoch is not None:
                    await self._work_in_term(courier, epoch)
                await asyncio.sleep(_LOOK_SECONDS)

    async def _work_in_term(self, courier: Courier, epoch: int) -> None:
        outbox = StoreOutbox(self._store, epoch, self._threads, self._recorded)
        sender = self._sender = Sender(outbox, courier.deliver, self._now_ms)
        sending = asyncio.create_task(sender.run(), name="alert-sender")
        try:
            while self._epoch() == epoch and not sending.done():
                await asyncio.wait({sending}, timeout=_LOOK_SECONDS)
        finally:
            self._sender = None
            sending.cancel()
            await asyncio.wait({sending})
        if not sending.cancelled():
            sending.result()  # raises what ended it
