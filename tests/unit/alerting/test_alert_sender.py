"""The sender: at least once, in order, with back-off, and no channel waits for another. In virtual time."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable

import pytest

from elasticjob_cloud.alerting import DeliveryError, Sender, SenderSettings
from elasticjob_cloud.model.alerting.channel import Channel, ChannelType
from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState
from elasticjob_cloud.model.alerting.message import AlertMessage
from tests.alert_outbox import SINCE_MS, MemoryOutbox, make_message
from tests.unit.virtual_loop import run_in_virtual_time

HOOK, OTHER = (
    Channel(name=name, type=ChannelType.WEBHOOK, url=f"http://{name}/") for name in ("hook", "other")
)
Refusal = DeliveryError | None


class Receivers:
    """Channels that answer as they are told to; `got` has what each was sent, and when (seconds)."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[int], Refusal]] = {}
        self.hanging: set[str] = set()
        self.got: list[tuple[str, str, float]] = []
        self.most_at_once = 0
        self._at_once = 0

    async def deliver(self, channel: Channel, message: AlertMessage) -> None:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if channel.name in self.hanging:
                await asyncio.sleep(15)
                raise DeliveryError("no answer in time")
            await asyncio.sleep(0)
        finally:
            self._at_once -= 1
        tries = sum(
            1 for name, message_id, _ in self.got if (name, message_id) == (channel.name, message.message_id)
        )
        self.got.append((channel.name, message.message_id, clock_ms() / 1000 - SINCE_MS / 1000))
        answer = self.answers.get(channel.name)
        refusal = answer(tries) if answer is not None else None
        if refusal is not None:
            raise refusal


def clock_ms() -> int:
    return SINCE_MS + round((asyncio.get_running_loop().time() - 1_000) * 1000)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    run_in_virtual_time(scenario())  # type: ignore[arg-type]  # an async function's result is a coroutine


async def send_for(sender: Sender, seconds: float) -> None:
    task = asyncio.create_task(sender.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def receivers() -> Receivers:
    return Receivers()


def test_message_is_sent_once_and_recorded(receivers: Receivers) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox(HOOK)
        outbox.post(make_message())
        await send_for(Sender(outbox, receivers.deliver, clock_ms), 100)
        assert len(receivers.got) == 1
        assert outbox.states("hook") == [DeliveryState.DELIVERED]
        assert outbox.deliveries[0].attempts == 1

    run(scenario)


def test_refused_message_is_tried_again_with_longer_pauses(receivers: Receivers) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox(HOOK)
        outbox.post(make_message())
        receivers.answers["hook"] = lambda tries: DeliveryError("down") if tries < 4 else None
        await send_for(Sender(outbox, receivers.deliver, clock_ms), 200)
        times = [time for _, _, time in receivers.got]
        pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert len(times) == 5
        assert all(
            wanted <= pause < wanted + 2 for wanted, pause in zip((5, 10, 20, 40), pauses, strict=True)
        )
        assert outbox.deliveries[0].last_error == ""

    run(scenario)


def test_channel_that_asks_to_wait_is_obeyed(receivers: Receivers) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox(HOOK)
        outbox.post(make_message())
        receivers.answers["hook"] = lambda tries: (
            None if tries else DeliveryError("full", retry_after_seconds=60)
        )
        await send_for(Sender(outbox, receivers.deliver, clock_ms), 100)
        assert [round(time) for _, _, time in receivers.got] == [0, 60]

    run(scenario)


def test_end_never_overtakes_its_beginning(receivers: Receivers) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox(HOOK)
        outbox.post(make_message())
        outbox.post(make_message(message_id="message-2"))
        receivers.answers["hook"] = lambda tries: DeliveryError("down") if tries < 2 else None
        await send_for(Sender(outbox, receivers.deliver, clock_ms), 100)
        ids = [message_id for _, message_id, _ in receivers.got]
        assert ids == ["message-1"] * 3 + ["message-2"] * 3

    run(scenario)


def test_dead_channel_delays_no_other(receivers: Receivers) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox(HOOK, OTHER)
        receivers.hanging.add("hook")
        for number in range(50):
            outbox.post(make_message(message_id=f"message-{number}", channels=("hook", "other")))
        await send_for(Sender(outbox, receivers.deliver, clock_ms), 6)
        assert outbox.states("other") == [DeliveryState.DELIVERED] * 50
        assert outbox.states("hook") == [DeliveryState.PENDING] * 50
        assert receivers.most_at_once == 2

    run(scenario)


def test_number_of_deliveries_under_way_is_bounded(receivers: Receivers) -> None:
    async def scenario() -> None:
        names = [f"channel-{number}" for number in range(20)]
        outbox = MemoryOutbox(*(Channel(name=name, type=ChannelType.WEBHOOK) for name in names))
        outbox.post(make_message(channels=tuple(names)))
        await send_for(Sender(outbox, receivers.deliver, clock_ms, SenderSettings(most_at_once=4)), 10)
        assert receivers.most_at_once == 4
        assert {delivery.state for delivery in outbox.deliveries} == {DeliveryState.DELIVERED}

    run(scenario)


def test_message_that_is_refused_for_good_is_given_up_loudly_and_the_next_one_sent(
    receivers: Receivers, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox(HOOK)
        outbox.post(make_message())
        outbox.post(make_message(message_id="message-2"))
        receivers.answers["hook"] = lambda _: (
            DeliveryError("bad", is_final=True) if len(receivers.got) == 1 else None
        )
        lost: list[Delivery] = []
        await send_for(Sender(outbox, receivers.deliver, clock_ms, gave_up=lost.append), 10)
        assert outbox.states("hook") == [DeliveryState.FAILED, DeliveryState.DELIVERED]
        assert [(delivery.message_id, delivery.last_error) for delivery in lost] == [("message-1", "bad")]

    with caplog.at_level(logging.WARNING):
        run(scenario)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "NOT delivered to the channel hook" in caplog.text


def test_channel_that_stays_dead_is_given_up_after_some_hours(receivers: Receivers) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox(HOOK)
        outbox.post(make_message())
        receivers.answers["hook"] = lambda _: DeliveryError("down")
        lost: list[Delivery] = []
        rarely = SenderSettings(poll_seconds=60)
        await send_for(Sender(outbox, receivers.deliver, clock_ms, rarely, lost.append), 7 * 3600)
        assert len(lost) == 1
        assert 60 < lost[0].attempts < 90
        assert receivers.got[-1][2] > 5.9 * 3600

    run(scenario)


def test_channel_that_does_not_exist_is_an_error_at_once(receivers: Receivers) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox()
        outbox.post(make_message())
        await send_for(Sender(outbox, receivers.deliver, clock_ms), 2)
        assert outbox.deliveries[0].last_error == "There is no channel named hook."
        assert outbox.states("hook") == [DeliveryState.FAILED]

    run(scenario)


def test_delivery_that_cannot_be_recorded_is_not_sent_again(receivers: Receivers) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox(HOOK)
        outbox.post(make_message())
        outbox.failures = 3
        await send_for(Sender(outbox, receivers.deliver, clock_ms), 60)
        assert len(receivers.got) == 1
        assert outbox.states("hook") == [DeliveryState.DELIVERED]

    run(scenario)


def test_delivery_that_was_cut_off_comes_again_under_its_id(receivers: Receivers) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox(HOOK)
        outbox.post(make_message())
        outbox.failures = 1
        await send_for(Sender(outbox, receivers.deliver, clock_ms), 1)  # sent, and not recorded
        await send_for(Sender(outbox, receivers.deliver, clock_ms), 1)
        assert [message_id for _, message_id, _ in receivers.got] == ["message-1", "message-1"]
        assert outbox.states("hook") == [DeliveryState.DELIVERED]

    run(scenario)


def test_message_that_cannot_be_written_stops_no_other(receivers: Receivers) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox(HOOK)
        outbox.post(make_message())
        outbox.post(make_message(message_id="message-2"))

        async def deliver(channel: Channel, message: AlertMessage) -> None:
            if message.message_id == "message-1":
                raise ZeroDivisionError(channel.url)
            await receivers.deliver(channel, message)

        await send_for(Sender(outbox, deliver, clock_ms), 10)
        assert outbox.states("hook") == [DeliveryState.FAILED, DeliveryState.DELIVERED]

    run(scenario)


def test_wake_sends_without_waiting_for_the_next_look(receivers: Receivers) -> None:
    async def scenario() -> None:
        outbox = MemoryOutbox(HOOK)
        sender = Sender(outbox, receivers.deliver, clock_ms, SenderSettings(poll_seconds=1000))
        task = asyncio.create_task(sender.run())
        await asyncio.sleep(10)
        outbox.post(make_message())
        sender.wake()
        await asyncio.sleep(1)
        assert outbox.states("hook") == [DeliveryState.DELIVERED]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(scenario)
