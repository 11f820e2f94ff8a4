"""Works through the outbox, next to the scheduling loop: at least once, in order for each channel, each channel for itself."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from elasticjob_cloud.alerting.errors import DeliveryError
from elasticjob_cloud.alerting.outbox import Outbox, OutboxEntry
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState
from elasticjob_cloud.model.alerting.message import AlertMessage

_log = logging.getLogger(__name__)
_LONGEST_EXPONENT: Final = 20
_LONGEST_ERROR: Final = 1_000

# `Courier.deliver`: raises `DeliveryError` where a channel did not take a message.
Deliver: TypeAlias = Callable[[Channel, AlertMessage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """How the sender behaves."""

    poll_seconds: float = 1.0  # how often it looks for retries; new messages wake it
    most_at_once: int = 64  # deliveries under way, one for each channel at most
    first_retry_seconds: float = 5.0  # twice as long each time
    longest_retry_seconds: float = 300.0
    longest_wait_seconds: float = 600.0  # that a channel may ask for
    give_up_seconds: float = 6 * 3600.0  # after the message was written


class Sender:
    """Sends what is due. `gave_up` is told of each delivery that will never be made."""

    def __init__(
        self,
        outbox: Outbox,
        deliver: Deliver,
        now_ms: Callable[[], int],
        settings: SenderSettings | None = None,
        gave_up: Callable[[Delivery], None] = lambda _delivery: None,
    ) -> None:
        self._outbox = outbox
        self._deliver = deliver
        self._now_ms = now_ms
        self._settings = settings or SenderSettings()
        self._gave_up = gave_up
        self._wake = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Tell that messages were committed. To be called in the sender's event loop."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled. What is under way then is sent again by the next sender, under the same id."""
        try:
            while True:
                self._wake.clear()
                await self.start_due()
                try:
                    async with asyncio.timeout(self._settings.poll_seconds):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def start_due(self) -> None:
        """Begin all deliveries that are due."""
        room = self._settings.most_at_once - len(self._under_way)
        if room <= 0:
            return
        try:
            entries = await self._outbox.claim_due(self._now_ms(), frozenset(self._under_way))
        except Exception as error:  # noqa: BLE001 - the sender goes on, whatever the database does
            _log.warning("deliveries of alerts cannot be read: %s", error)
            return
        for entry in entries[:room]:
            name = entry.delivery.channel
            self._under_way[name] = asyncio.create_task(self._send(entry), name=f"alert-{name}")

    async def wait_idle(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(list(self._under_way.values()))

    async def _send(self, entry: OutboxEntry) -> None:
        try:
            delivery = await self._try(entry)
            self._tell(delivery)
            await self._record(delivery)
        finally:
            del self._under_way[entry.delivery.channel]
            self._wake.set()  # the channel's next message may be due

    async def _record(self, delivery: Delivery) -> None:
        # Until it is recorded, it is not sent again by this sender, and its channel waits.
        failures = 0
        while True:
            try:
                await self._outbox.record(delivery)
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, to send once more would be worse
                failures += 1
                _log.warning("a delivery to the channel %s cannot be recorded: %s", delivery.channel, error)
                await asyncio.sleep(self._pause_seconds(failures))

    async def _try(self, entry: OutboxEntry) -> Delivery:
        delivery, channel = entry.delivery, entry.channel
        if channel is None:
            error = DeliveryError(f"There is no channel named {delivery.channel}.", is_final=True)
            return self._failed(delivery, error)
        try:
            await self._deliver(channel, entry.message)
        except DeliveryError as error:
            return self._failed(delivery, error)
        except Exception as error:  # noqa: BLE001 - a message that we cannot write must not stop the others
            text = channel.redact(f"{type(error).__name__}: {error}")
            _log.error("an alert for the channel %s cannot be written; this is a bug: %s", channel.name, text)
            return self._failed(delivery, DeliveryError(text, is_final=True))
        return replace(
            delivery,
            state=DeliveryState.DELIVERED,
            attempts=delivery.attempts + 1,
            ended_ms=self._now_ms(),
            last_error="",
        )

    def _failed(self, delivery: Delivery, error: DeliveryError) -> Delivery:
        settings, now_ms = self._settings, self._now_ms()
        seconds = self._pause_seconds(delivery.attempts + 1)
        asked = min(error.retry_after_seconds, settings.longest_wait_seconds)
        next_try_ms = now_ms + round(max(seconds, asked) * 1000)
        gives_up = error.is_final or next_try_ms > delivery.created_ms + settings.give_up_seconds * 1000
        return replace(
            delivery,
            state=DeliveryState.FAILED if gives_up else DeliveryState.PENDING,
            attempts=delivery.attempts + 1,
            next_try_ms=0 if gives_up else next_try_ms,
            ended_ms=now_ms if gives_up else 0,
            last_error=str(error)[:_LONGEST_ERROR],
        )

    def _pause_seconds(self, failures: int) -> float:
        exponent = min(failures - 1, _LONGEST_EXPONENT)
        return min(self._settings.first_retry_seconds * 2.0**exponent, self._settings.longest_retry_seconds)

    def _tell(self, delivery: Delivery) -> None:
        if delivery.state is DeliveryState.FAILED:
            _log.error(
                "the alert message %s was NOT delivered to the channel %s, and will not be tried again: %s",
                delivery.message_id,
                delivery.channel,
                delivery.last_error,
            )
            self._gave_up(delivery)
        elif delivery.state is DeliveryState.PENDING and delivery.attempts == 1:
            _log.warning(
                "the alert message %s was not delivered to the channel %s, and will be tried again: %s",
                delivery.message_id,
                delivery.channel,
                delivery.last_error,
            )
