"""One leader at a time, by the database's clock."""

import threading
import time
from collections.abc import Iterator

import pytest

from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import SchedulerRow
from tests.contract.store import samples
from tests.contract.store.factories import STORE_FACTORIES, StoreOpener
from tests.waiting import wait_for

SHORT_SECONDS = 0.1


@pytest.fixture(params=sorted(STORE_FACTORIES))
def open_store(request: pytest.FixtureRequest) -> Iterator[StoreOpener]:
    with STORE_FACTORIES[request.param]() as opener:
        yield opener


def test_only_one_leads_and_the_standby_follows_after_a_release(open_store: StoreOpener) -> None:
    first, second = open_store(), open_store()
    epoch = first.acquire_lease("first", "http://127.0.0.1:1", 60)
    assert epoch is not None
    assert second.acquire_lease("second", "http://127.0.0.1:2", 60) is None
    first.release_lease(epoch)
    following = second.acquire_lease("second", "http://127.0.0.1:2", 60)
    assert following is not None
    assert following > epoch
    assert not first.renew_lease(epoch, 60)


def test_an_expired_lease_is_taken_and_its_holder_can_neither_renew_nor_commit(
    open_store: StoreOpener,
) -> None:
    first, second = open_store(), open_store()
    epoch = first.acquire_lease("first", "", SHORT_SECONDS)
    assert epoch is not None
    following = wait_for(lambda: second.acquire_lease("second", "", 60), "the second has the lease", 5)
    assert following > epoch
    assert not first.renew_lease(epoch, 60)
    assert not first.commit(epoch, Changes())
    first.release_lease(epoch)
    assert second.renew_lease(following, 60), "the release of an old epoch must not touch the new one"


def test_a_lease_that_is_renewed_does_not_expire(open_store: StoreOpener) -> None:
    first, second = open_store(), open_store()
    epoch = first.acquire_lease("first", "", SHORT_SECONDS)
    assert epoch is not None
    assert first.renew_lease(epoch, 60)
    deadline = time.monotonic() + 2 * SHORT_SECONDS
    while time.monotonic() < deadline:
        assert second.acquire_lease("second", "", 60) is None
        time.sleep(0.01)
    assert first.commit(epoch, Changes())


def test_an_expired_lease_that_nobody_took_can_still_be_renewed(open_store: StoreOpener) -> None:
    store = open_store()
    epoch = store.acquire_lease("only", "", 0)
    assert epoch is not None
    assert not any(row.leader for row in store.schedulers())
    assert store.renew_lease(epoch, 60)
    assert store.schedulers()[0].leader


def test_everybody_learns_who_leads_and_where(open_store: StoreOpener) -> None:
    first, second = open_store(), open_store()
    assert second.leader() is None
    epoch = first.acquire_lease("first", "http://127.0.0.1:1", 60)
    assert epoch is not None
    assert second.acquire_lease("second", "http://127.0.0.1:2", 60) is None
    assert first.leader() == second.leader() == SchedulerRow("first", "http://127.0.0.1:1", True, epoch)
    first.release_lease(epoch)
    assert second.leader() is None
    following = second.acquire_lease("second", "http://127.0.0.1:2", 0)
    assert following is not None
    assert first.leader() is None, "its lease has expired"
    assert second.renew_lease(following, 60)
    assert first.leader() == SchedulerRow("second", "http://127.0.0.1:2", True, following)


def test_steal_takes_a_lease_that_has_not_expired(open_store: StoreOpener) -> None:
    first, second = open_store(), open_store()
    epoch = first.acquire_lease("first", "", 60)
    assert epoch is not None
    stolen = second.acquire_lease("second", "", 60, steal=True)
    assert stolen is not None
    assert stolen > epoch
    assert not first.commit(epoch, Changes())


def test_epochs_rise_for_ever(open_store: StoreOpener) -> None:
    epochs = []
    for number in range(5):
        store = open_store()
        epoch = store.acquire_lease(f"scheduler-{number}", "", 60)
        assert epoch is not None
        epochs.append(epoch)
        store.release_lease(epoch)
        store.close()
    assert epochs == sorted(set(epochs))


def test_of_many_that_ask_at_once_exactly_one_leads(open_store: StoreOpener) -> None:
    stores = [open_store() for _ in range(4)]
    start = threading.Barrier(len(stores))
    results: list[int | None] = [None] * len(stores)

    def ask(number: int) -> None:
        start.wait()
        results[number] = stores[number].acquire_lease(f"scheduler-{number}", "", 60)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(result is not None for result in results) == 1


def test_schedulers_are_listed_with_the_leader_and_leave_on_release_or_silence(
    open_store: StoreOpener,
) -> None:
    first, second, third = open_store(), open_store(), open_store()
    epoch = first.acquire_lease("a", "http://127.0.0.1:1", 60)
    assert epoch is not None
    second.acquire_lease("b", "http://127.0.0.1:2", 60)
    third.acquire_lease("silent", "http://127.0.0.1:3", 0)
    rows = second.schedulers()
    assert [(row.scheduler_id, row.address, row.leader, row.epoch) for row in rows] == [
        ("a", "http://127.0.0.1:1", True, epoch),
        ("b", "http://127.0.0.1:2", False, 0),
    ]
    first.release_lease(epoch)
    assert [row.scheduler_id for row in second.schedulers()] == ["b"]


def test_agents_are_lost_as_late_as_any_leader_of_the_running_tasks_has_said(open_store: StoreOpener) -> None:
    store = open_store()

    def begin_term(seconds: float) -> tuple[int, float | None]:
        epoch = store.acquire_lease("leader", "", 60, steal=True)
        assert epoch is not None
        return epoch, store.agree_on_lost_seconds(epoch, seconds)

    deposed, agreed = begin_term(15.5)
    assert agreed == 15.5
    epoch, agreed = begin_term(10)
    assert agreed == 10  # nothing runs
    assert store.commit(epoch, Changes(fires={1: samples.fire(1)}, tasks={"t": samples.task("t")}))
    for own, expected in ((60.0, 60.0), (15.0, 60.0), (10.0, 60.0), (70.0, 70.0)):
        epoch, agreed = begin_term(own)
        assert agreed == expected
    assert store.agree_on_lost_seconds(deposed, 600) is None
    assert store.commit(epoch, Changes(tasks={"t": None}))
    assert begin_term(10)[1] == 10
