"""What is committed is what is loaded, and only the leader commits."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.model.records import Changes, FailoverRecord, Snapshot
from elasticjob_cloud.store import Store
from tests.contract.store import records, samples
from tests.contract.store.factories import STORE_FACTORIES, StoreOpener

LIVE = {FireState.WAITING, FireState.RUNNING}
# A few for every commit, many with the long tests.
_EXAMPLES = [pytest.param(8, marks=pytest.mark.slow), pytest.param(40, marks=pytest.mark.long)]


@pytest.fixture(params=sorted(STORE_FACTORIES), scope="module")
def open_store(request: pytest.FixtureRequest) -> Iterator[StoreOpener]:
    with STORE_FACTORIES[request.param]() as opener:
        yield opener


@pytest.fixture
def store(open_store: StoreOpener) -> Iterator[Store]:
    """The module's database, emptied, without a leader."""
    opened = open_store()
    empty(opened)
    yield opened
    opened.close()


def lead(store: Store) -> int:
    epoch = store.acquire_lease("test", "http://127.0.0.1:1", 60, steal=True)
    assert epoch is not None
    return epoch


def empty(store: Store) -> None:
    """Delete all rows that a caller can delete; ended fires go by pruning."""
    epoch = lead(store)
    snapshot = store.load()
    ended = [samples.fire(fire.fire_id, FireState.DROPPED, recorded_ms=0) for fire in snapshot.fires]
    changes = Changes(
        apps=dict.fromkeys(snapshot.apps),
        jobs=dict.fromkeys(snapshot.jobs),
        schedules=dict.fromkeys(snapshot.schedules),
        spans=dict.fromkeys(snapshot.spans),
        sequences=dict.fromkeys(snapshot.sequences),
        fires={fire.fire_id: fire for fire in ended},
        tasks=dict.fromkeys(task.task_id for task in snapshot.tasks),
        failovers=dict.fromkeys((failover.fire_id, failover.item) for failover in snapshot.failovers),
    )
    assert store.commit(epoch, changes)
    store.prune_history(2**62, 10_000)
    store.release_lease(epoch)


def assert_holds(snapshot: Snapshot, changes: Changes) -> None:
    assert snapshot.apps == changes.apps
    assert snapshot.jobs == changes.jobs
    assert snapshot.schedules == changes.schedules
    assert snapshot.spans == changes.spans
    assert snapshot.sequences == changes.sequences
    assert snapshot.fires == sorted(
        (fire for fire in changes.fires.values() if fire.state in LIVE), key=lambda fire: fire.fire_id
    )
    assert {task.task_id: task for task in snapshot.tasks} == changes.tasks
    assert {
        (failover.fire_id, failover.item): failover for failover in snapshot.failovers
    } == changes.failovers


@pytest.mark.parametrize("examples", _EXAMPLES)
def test_every_kind_of_row_is_loaded_as_it_was_committed_and_gone_when_deleted(
    store: Store, examples: int
) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(changes=records.changes_of_all_kinds())
    def is_kept(changes: Changes) -> None:
        _check_rows(store, changes)

    is_kept()


def _check_rows(store: Store, changes: Changes) -> None:
    empty(store)
    before = store.load().next_fire_id
    epoch = lead(store)

    assert store.commit(epoch, changes)
    snapshot = store.load()
    assert_holds(snapshot, changes)
    assert snapshot.next_fire_id == max([before - 1, *changes.fires]) + 1
    assert store.status_traces(HistoryQuery()).total == len(changes.status_traces)
    assert store.executions(HistoryQuery()).total == len(changes.executions)

    empty(store)
    emptied = store.load()
    assert_holds(emptied, Changes())
    assert emptied.next_fire_id == snapshot.next_fire_id


@pytest.mark.parametrize("examples", _EXAMPLES)
def test_a_later_row_of_the_same_key_replaces_the_earlier_one(store: Store, examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(first=records.changes_of_all_kinds(), second=records.changes_of_all_kinds(), data=st.data())
    def is_replaced(first: Changes, second: Changes, data: st.DataObject) -> None:
        _check_replacement(store, first, second, data)

    is_replaced()


def _check_replacement(store: Store, first: Changes, second: Changes, data: st.DataObject) -> None:
    empty(store)
    epoch = lead(store)
    for task_id, old in first.tasks.items():
        replacement = data.draw(st.none() | records.TASKS)
        if replacement is None:
            second.tasks[task_id] = None
        else:
            assert old is not None
            second.tasks[task_id] = samples.task(task_id, replacement.fire_id)
    assert store.commit(epoch, first)
    assert store.commit(epoch, second)

    expected = {
        task_id: task for task_id, task in {**first.tasks, **second.tasks}.items() if task is not None
    }
    snapshot = store.load()
    assert {task.task_id: task for task in snapshot.tasks} == expected
    assert snapshot.apps == {**first.apps, **second.apps}
    assert snapshot.jobs == {**first.jobs, **second.jobs}
    assert snapshot.schedules == {**first.schedules, **second.schedules}
    assert snapshot.spans == {**first.spans, **second.spans}
    assert snapshot.sequences == {**first.sequences, **second.sequences}


def test_deleting_what_is_not_there_changes_nothing(store: Store) -> None:
    epoch = lead(store)
    absent = Changes(
        apps={"a": None},
        jobs={"b": None},
        schedules={"c": None},
        spans={"c": None},
        sequences={"e": None},
        tasks={"d": None},
        failovers={(1, 0): None},
    )
    assert store.commit(epoch, absent)
    assert_holds(store.load(), Changes())


def test_failovers_of_one_fire_are_told_apart_by_item(store: Store) -> None:
    epoch = lead(store)
    waiting = {
        (7, item): FailoverRecord(7, "job", item, f"task-{item}", "agent", 1, 1000) for item in (2, 0, 1)
    }
    assert store.commit(epoch, Changes(failovers=dict(waiting)))
    assert store.commit(epoch, Changes(failovers={(7, 1): None}))
    assert store.load().failovers == [waiting[7, 0], waiting[7, 2]]


def test_an_older_epoch_writes_nothing(store: Store) -> None:
    old = lead(store)
    new = lead(store)
    assert new > old
    changes = Changes(apps={"app": samples.app()}, executions=[samples.execution("t")])
    assert not store.commit(old, changes)
    assert not store.commit(new + 1, changes)
    assert store.load().apps == {}
    assert store.executions(HistoryQuery()).total == 0
    assert store.commit(new, changes)
    assert set(store.load().apps) == {"app"}


def test_a_released_epoch_writes_nothing(store: Store) -> None:
    epoch = lead(store)
    store.release_lease(epoch)
    assert not store.commit(epoch, Changes(apps={"app": samples.app()}))
    assert store.load().apps == {}


def test_an_empty_commit_tells_whether_the_epoch_still_leads(store: Store) -> None:
    epoch = lead(store)
    assert store.commit(epoch, Changes())
    assert not store.commit(epoch + 1, Changes())


def test_a_commit_that_fails_half_way_writes_nothing_and_the_next_one_works(store: Store) -> None:
    epoch = lead(store)
    impossible = samples.execution("huge", 2**70)  # no database has room for it
    with pytest.raises(Exception, match=r"large|range"):
        store.commit(
            epoch, Changes(apps={"app": samples.app()}, executions=[samples.execution("t"), impossible])
        )
    assert store.load().apps == {}
    assert store.executions(HistoryQuery()).total == 0
    assert store.commit(epoch, Changes(apps={"app": samples.app()}))


def test_a_commit_is_seen_by_other_schedulers_at_once(store: Store, open_store: StoreOpener) -> None:
    epoch = lead(store)
    other = open_store()
    assert store.commit(epoch, Changes(tasks={"t": samples.task("t")}))
    assert other.load().tasks == [samples.task("t")]


def test_fire_ids_are_never_used_again_after_pruning(store: Store) -> None:
    epoch = lead(store)
    highest = store.load().next_fire_id + 10
    assert store.commit(
        epoch, Changes(fires={highest: samples.fire(highest, FireState.COMPLETED, ended_ms=2000)})
    )
    assert store.prune_history(10_000, 100) == 1
    assert store.load().next_fire_id == highest + 1


def test_long_or_odd_text_from_job_code_is_bounded_and_stored(store: Store) -> None:
    epoch = lead(store)
    odd = "a\0b\ud800c"
    changes = Changes(
        executions=[
            samples.execution("long", 1, is_success=False, failure_cause="x" * 20_000 + "the reason"),
            samples.execution("odd", 2, is_success=False, failure_cause=odd),
        ],
        status_traces=[
            samples.status_trace("long", message="界" * 16_001),
            samples.status_trace("fits", message="y" * 16_000),
        ],
    )
    assert store.commit(epoch, changes)
    long, bad = store.executions(HistoryQuery(ascending=True)).rows
    cause = str(long["failureCause"])
    assert cause.startswith("xxx")
    assert cause.endswith("xxx" + "the reason")
    assert "\n... 4064 characters left out ...\n" in cause
    assert bad["failureCause"] == "a\N{REPLACEMENT CHARACTER}b?c"
    messages = [row["message"] for row in store.status_traces(HistoryQuery(sort="id", ascending=True)).rows]
    assert [len(cause) <= 16_000, *(len(message) <= 16_000 for message in messages)] == [True] * 3
    assert messages[0].startswith("界" * 7000)
    assert messages[1] == "y" * 16_000


def test_a_closed_store_says_so_and_closing_twice_does_nothing(open_store: StoreOpener) -> None:
    store = open_store()
    store.close()
    store.close()
    with pytest.raises(Exception, match="closed"):
        store.load()
