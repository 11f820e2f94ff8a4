"""History goes by its order in time when the database is too large, and nothing that runs still need goes with it."""

from collections.abc import Iterator

import pytest

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.queries.history import HistoryPage, HistoryQuery
from elasticjob_cloud.model.records import Changes, FailoverRecord
from elasticjob_cloud.store import Store
from tests.contract.store import samples
from tests.contract.store.factories import STORE_FACTORIES

ROWS = 3_000


@pytest.fixture(params=sorted(STORE_FACTORIES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORE_FACTORIES[request.param]() as open_store:
        yield open_store()


def commit(store: Store, changes: Changes) -> None:
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    assert store.commit(epoch, changes)


def task_ids(page: HistoryPage) -> list[str]:
    return sorted(row["taskId"] for row in page.rows)


def test_the_oldest_rows_of_all_tables_go_first(store: Store) -> None:
    fires = [samples.fire(number, FireState.COMPLETED, number, number + 5) for number in range(20)]
    commit(
        store,
        Changes(
            fires={fire.fire_id: fire for fire in fires},
            executions=[samples.execution(f"e{number:03}", number) for number in range(60)],
            status_traces=[samples.status_trace(f"s{number:03}", 30 + number) for number in range(100)],
        ),
    )
    deleted = 0
    while deleted < 80:
        deleted += store.prune_oldest(10)
    executions, traces = store.executions(HistoryQuery()), store.status_traces(HistoryQuery())
    # 20 fires up to the time 25, 60 executions up to 59, traces from 30 on: the 80 oldest end at about 45.
    assert deleted < 100
    assert 10 <= executions.total <= 20
    assert 80 <= traces.total <= 90
    newest = store.executions(HistoryQuery(per_page=1)).rows
    assert newest[0]["taskId"] == "e059"


def test_what_runs_still_need_stays_when_all_history_goes(store: Store) -> None:
    fires = [
        samples.fire(1, FireState.RUNNING, 1),
        samples.fire(2, FireState.WAITING, 1),
        samples.fire(3, FireState.COMPLETED, 1, 2),
        samples.fire(4, FireState.DROPPED, 1),
    ]
    failover = FailoverRecord(1, "job", 1, "task", "agent", 1, 5)
    commit(
        store,
        Changes(
            apps={"app": samples.app()},
            fires={fire.fire_id: fire for fire in fires},
            tasks={"t": samples.task("t")},
            failovers={(1, 1): failover},
            executions=[samples.execution("e", 10)],
            status_traces=[samples.status_trace("s", 10)],
        ),
    )
    before = store.load()
    while store.prune_oldest(1000):
        pass
    assert store.executions(HistoryQuery()).total == store.status_traces(HistoryQuery()).total == 0
    assert store.load() == before
    assert [fire.fire_id for fire in before.fires] == [1, 2]
    assert before.tasks
    assert store.prune_oldest(1000) == 0


def test_no_more_rows_go_than_were_asked_for(store: Store) -> None:
    commit(store, Changes(status_traces=[samples.status_trace(f"s{n}", 1000) for n in range(700)]))
    assert store.prune_oldest(0) == 0
    assert store.prune_oldest(100) == 100
    assert store.status_traces(HistoryQuery()).total == 600


def test_the_size_in_use_follows_the_history_both_ways(store: Store) -> None:
    empty = store.size()
    assert 0 < empty.used_bytes <= empty.file_bytes
    traces = [samples.status_trace(f"s{n}", n, message="x" * 300) for n in range(ROWS)]
    executions = [samples.execution(f"e{n}", n) for n in range(ROWS)]
    commit(store, Changes(status_traces=traces, executions=executions))
    full = store.size()
    grown = full.used_bytes - empty.used_bytes
    assert ROWS * 400 < grown < ROWS * 3_000  # two rows each, of some 300 and 600 bytes

    while store.status_traces(HistoryQuery()).total > ROWS // 2:
        assert store.prune_oldest(200)
    half = store.size()
    assert empty.used_bytes + grown * 0.25 < half.used_bytes < empty.used_bytes + grown * 0.75
    assert half.file_bytes > half.used_bytes

    while store.prune_oldest(1000):
        pass
    assert store.size().used_bytes < empty.used_bytes + grown * 0.1


def test_a_database_with_room_is_not_full(store: Store) -> None:
    commit(store, Changes(apps={"app": samples.app()}))
    assert not store.is_full()
