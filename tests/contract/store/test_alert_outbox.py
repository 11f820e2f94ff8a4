"""Messages leave the outbox at least once and in order, whichever scheduler leads."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from elasticjob_cloud.model.alerting.changes import AlertChanges
from elasticjob_cloud.model.alerting.channel import Channel, ChannelType
from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState
from elasticjob_cloud.model.alerting.message import MessageKind
from elasticjob_cloud.model.alerting.queries import DeliveryQuery
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import Store
from tests.contract.store.alert_samples import message
from tests.contract.store.factories import STORE_FACTORIES, StoreOpener

NOBODY: frozenset[str] = frozenset()
HOOK = Channel(
    name="ops",
    type=ChannelType.WEBHOOK,
    url="https://hooks.example.org/x",
    secret="whsec_abc",
    headers={"X-Team": "ops"},
    mentions=("1",),
)


@pytest.fixture(params=sorted(STORE_FACTORIES))
def open_store(request: pytest.FixtureRequest) -> Iterator[StoreOpener]:
    with STORE_FACTORIES[request.param]() as opener:
        yield opener


@pytest.fixture
def store(open_store: StoreOpener) -> Store:
    return open_store()


def lead(store: Store, name: str = "test") -> int:
    epoch = store.acquire_lease(name, "", 60, steal=True)
    assert epoch is not None
    return epoch


def post(store: Store, epoch: int, *message_ids: str, channels: tuple[str, ...] = ("ops",)) -> None:
    messages = [message(each, *channels) for each in message_ids]
    assert store.commit(epoch, Changes(alerts=AlertChanges(messages=messages)))


def due(store: Store, epoch: int, now_ms: int = 2_000, busy: frozenset[str] = NOBODY) -> list[Delivery]:
    return [it.delivery for it in store.alerts.due_deliveries(epoch, now_ms, busy)]


def names(deliveries: list[Delivery]) -> list[tuple[str, str]]:
    return [(it.channel, it.message_id) for it in deliveries]


def delivered(delivery: Delivery) -> Delivery:
    return replace(
        delivery, state=DeliveryState.DELIVERED, attempts=delivery.attempts + 1, ended_ms=3_000, last_error=""
    )


def retried(delivery: Delivery, next_try_ms: int) -> Delivery:
    return replace(delivery, attempts=delivery.attempts + 1, next_try_ms=next_try_ms, last_error="HTTP 503")


def test_each_channel_gets_its_oldest_message_with_its_settings_of_now(store: Store) -> None:
    epoch = lead(store)
    store.alerts.put_channel(replace(HOOK, url="http://before"))
    store.alerts.put_channel(HOOK)
    post(store, epoch, "m1", "m2", channels=("ops", "gone"))
    entries = store.alerts.due_deliveries(epoch, 2_000, NOBODY)
    assert [(it.delivery.channel, it.message, it.channel) for it in entries] == [
        ("ops", message("m1", "ops", "gone"), HOOK),
        ("gone", message("m1", "ops", "gone"), None),
    ]
    assert names(due(store, epoch, busy=frozenset({"ops"}))) == [("gone", "m1")]
    assert names(due(store, epoch)) == [("ops", "m1"), ("gone", "m1")], "a claim changes nothing"


def test_a_younger_message_waits_behind_one_that_is_tried_again(store: Store) -> None:
    epoch = lead(store)
    post(store, epoch, "m1", "m2")
    (first,) = due(store, epoch)
    store.alerts.record_delivery(epoch, retried(first, 9_000))
    assert due(store, epoch, 8_999) == []
    (again,) = due(store, epoch, 9_000)
    assert again == retried(first, 9_000)
    store.alerts.record_delivery(epoch, delivered(again))
    assert names(due(store, epoch, 2_000)) == [("ops", "m2")]


def test_a_delivery_that_failed_for_good_makes_way(store: Store) -> None:
    epoch = lead(store)
    post(store, epoch, "m1", "m2")
    (first,) = due(store, epoch)
    failed = replace(first, state=DeliveryState.FAILED, attempts=3, ended_ms=2_500, last_error="HTTP 400\0")
    store.alerts.record_delivery(epoch, failed)
    assert names(due(store, epoch)) == [("ops", "m2")]
    (listed,) = store.alerts.deliveries(DeliveryQuery(state=DeliveryState.FAILED)).rows
    assert listed.delivery.last_error == "HTTP 400\N{REPLACEMENT CHARACTER}"


def test_a_new_leader_sends_what_the_last_one_did_not_record(open_store: StoreOpener) -> None:
    old, new = open_store(), open_store()
    old_epoch = lead(old, "old")
    post(old, old_epoch, "m1", "m2")
    (under_way,) = due(old, old_epoch)
    new_epoch = lead(new, "new")
    assert due(old, old_epoch) == [], "the one that was deposed sends no more"
    assert due(new, new_epoch) == [under_way]


def test_of_a_deposed_leader_a_success_counts_and_a_failure_does_not(open_store: StoreOpener) -> None:
    old, new = open_store(), open_store()
    old_epoch = lead(old, "old")
    post(old, old_epoch, "m1", "m2")
    (first,) = due(old, old_epoch)
    new_epoch = lead(new, "new")
    failed = replace(first, state=DeliveryState.FAILED, attempts=1, ended_ms=2_500, last_error="late")
    old.alerts.record_delivery(old_epoch, failed)
    old.alerts.record_delivery(old_epoch, retried(first, 9_000))
    assert due(new, new_epoch) == [first]
    old.alerts.record_delivery(old_epoch, delivered(first))
    assert names(due(new, new_epoch)) == [("ops", "m2")]
    # The new leader sent it too; that it failed there takes nothing back.
    new.alerts.record_delivery(new_epoch, retried(first, 9_000))
    assert names(due(new, new_epoch)) == [("ops", "m2")]


def test_deliveries_are_listed_newest_first_by_channel_state_and_message(store: Store) -> None:
    epoch = lead(store)
    post(store, epoch, "m1", "m2", channels=("ops", "mail"))
    (first, _) = due(store, epoch)
    store.alerts.record_delivery(epoch, delivered(first))
    page = store.alerts.deliveries(DeliveryQuery(limit=3))
    assert names([it.delivery for it in page.rows]) == [("mail", "m2"), ("ops", "m2"), ("mail", "m1")]
    assert {(it.kind, it.total) for it in page.rows} == {(MessageKind.FIRE, 1)}
    assert page.next is not None
    rest = store.alerts.deliveries(DeliveryQuery(limit=3, cursor=page.next))
    assert (names([it.delivery for it in rest.rows]), rest.next) == ([("ops", "m1")], None)

    def found(query: DeliveryQuery) -> list[tuple[str, str]]:
        return names([it.delivery for it in store.alerts.deliveries(query).rows])

    assert found(DeliveryQuery(channel="ops")) == [("ops", "m2"), ("ops", "m1")]
    assert found(DeliveryQuery(state=DeliveryState.DELIVERED)) == [("ops", "m1")]
    assert found(DeliveryQuery(channel="ops", state=DeliveryState.PENDING)) == [("ops", "m2")]
    assert found(DeliveryQuery(message_id="m1")) == [("mail", "m1"), ("ops", "m1")]


def test_channels_are_kept_by_name_and_gone_when_they_are_dropped(store: Store) -> None:
    mail = Channel(
        name="mail", type=ChannelType.MAIL, password="p", settings={"host": "smtp", "to": "a@b,c@d"}
    )
    store.alerts.put_channel(HOOK)
    store.alerts.put_channel(mail)
    assert store.alerts.channels() == [mail, HOOK]
    assert store.alerts.drop_channel("mail")
    assert not store.alerts.drop_channel("mail")
    assert store.alerts.channels() == [HOOK]
