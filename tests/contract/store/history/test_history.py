"""Pages of the trace tables, and their pruning."""

import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from elasticjob_cloud.model.errors import InvalidRequestError
from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.queries.history import EXECUTION_FILTERS, STATUS_TRACE_FILTERS, HistoryQuery
from elasticjob_cloud.model.records import AttemptEnd, Changes, ExecutionTrace, StatusTrace
from elasticjob_cloud.store import Store
from tests.contract.store import samples
from tests.contract.store.factories import STORE_FACTORIES, StoreOpener


@pytest.fixture(params=sorted(STORE_FACTORIES))
def open_store(request: pytest.FixtureRequest) -> Iterator[StoreOpener]:
    with STORE_FACTORIES[request.param]() as opener:
        yield opener


@pytest.fixture
def store(open_store: StoreOpener) -> Store:
    return open_store()


def commit(store: Store, changes: Changes) -> None:
    epoch = store.acquire_lease("test", "", 60, steal=True)
    assert epoch is not None
    assert store.commit(epoch, changes)


def trace(store: Store, *status_traces: StatusTrace) -> None:
    commit(store, Changes(status_traces=list(status_traces)))


def execute(store: Store, *executions: ExecutionTrace) -> None:
    commit(store, Changes(executions=list(executions)))


def task_ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["taskId"] for row in rows]


def test_an_execution_is_shown_with_the_names_of_the_api(store: Store) -> None:
    execute(store, ExecutionTrace("作业", "t", "host", "::1", 3, "FAILOVER", "Zürich 💥", False, 1000, 1005))
    page = store.executions(HistoryQuery())
    assert page.total == 1
    assert page.rows == [
        {
            "id": page.rows[0]["id"],
            "jobName": "作业",
            "taskId": "t",
            "hostname": "host",
            "ip": "::1",
            "shardingItem": 3,
            "executionSource": "FAILOVER",
            "failureCause": "Zürich 💥",
            "isSuccess": False,
            "startTime": 1000,
            "completeTime": 1005,
        }
    ]
    assert page.rows[0]["isSuccess"] is False


def test_a_status_trace_is_shown_with_the_names_of_the_api(store: Store) -> None:
    trace(
        store, StatusTrace("job", "o", "t", "a", "CLOUD_EXECUTOR", "FAILOVER", 3, "TASK_LOST", "gone", 1000)
    )
    row = store.status_traces(HistoryQuery()).rows[0]
    assert row == {
        "id": row["id"],
        "jobName": "job",
        "originalTaskId": "o",
        "taskId": "t",
        "slaveId": "a",
        "source": "CLOUD_EXECUTOR",
        "executionType": "FAILOVER",
        "shardingItem": 3,
        "state": "TASK_LOST",
        "message": "gone",
        "creationTime": 1000,
        "success": None,
        "summary": "",
    }


@pytest.mark.parametrize("success, summary", [(True, ""), (False, "ValueError: no data")])
def test_a_status_trace_that_ended_an_attempt_tells_what_it_came_to(
    store: Store, success: bool, summary: str
) -> None:
    ended = samples.status_trace("t", state="TASK_FINISHED")
    end = AttemptEnd(7, 1, 0, 0, success, summary=summary)
    trace(store, msgspec.structs.replace(ended, attempt_end=end))
    row = store.status_traces(HistoryQuery()).rows[0]
    assert (row["success"], row["summary"]) == (success, summary)
    assert "fireId" not in row


def test_the_newest_rows_come_first_and_pages_share_no_row(store: Store) -> None:
    # Ten rows of each millisecond: only the id can put them in order.
    execute(store, *(samples.execution(f"t{number}", 1000 + number // 10) for number in range(35)))
    expected = [f"t{number}" for number in reversed(range(35))]
    shown = []
    for page in range(1, 6):
        answer = store.executions(HistoryQuery(page=page))
        assert answer.total == 35
        shown += task_ids(answer.rows)
    assert shown == expected


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("sort", ["id", "jobName", "taskId", "hostname", "ip", "shardingItem", "executionSource",
                                  "failureCause", "isSuccess", "startTime", "completeTime"])  # fmt: skip
def test_executions_sort_by_any_column(store: Store, sort: str, ascending: bool) -> None:
    execute(
        store,
        *(
            samples.execution(
                f"t{number * 7 % 10}",
                1000 + number * 3 % 10,
                job_name=f"j{number % 3}",
                is_success=number % 2 == 0,
                failure_cause=f"c{number % 4}",
            )
            for number in range(10)
        ),
    )
    rows = store.executions(HistoryQuery(sort=sort, ascending=ascending)).rows
    assert rows == sorted(
        rows, key=lambda row: (row[sort], row["startTime"], row["id"]), reverse=not ascending
    )
    assert len(rows) == 10


@pytest.mark.parametrize(
    "filters, expected",
    [
        ({"jobName": "a"}, ["t1", "t2"]),
        ({"taskId": "t2"}, ["t2"]),
        ({"ip": "10.0.0.9"}, ["t3"]),
        ({"isSuccess": "false"}, ["t2"]),
        ({"isSuccess": "true"}, ["t1", "t3"]),
        ({"isSuccess": "true", "jobName": "a"}, ["t1"]),
        ({"jobName": "A"}, []),
        ({"jobName": "%"}, []),
        ({"jobName": "' OR 1=1 --"}, []),
    ],
)
def test_executions_are_filtered_by_exact_value(
    store: Store, filters: dict[str, str], expected: list[str]
) -> None:
    execute(
        store,
        samples.execution("t1", 1, job_name="a"),
        samples.execution("t2", 2, job_name="a", is_success=False),
        samples.execution("t3", 3, job_name="b", ip="10.0.0.9"),
    )
    page = store.executions(HistoryQuery(filters=filters, ascending=True))
    assert task_ids(page.rows) == expected
    assert page.total == len(expected)


@pytest.mark.parametrize(
    "filters, expected",
    [
        ({"jobName": "other"}, ["t2"]),
        ({"taskId": "t1"}, ["t1"]),
        ({"slaveId": "b"}, ["t3"]),
        ({"source": "CLOUD_EXECUTOR"}, ["t4"]),
        ({"executionType": "FAILOVER"}, ["t5"]),
        ({"state": "TASK_FAILED"}, ["t6"]),
        ({"state": "TASK_STAGING", "executionType": "READY"}, ["t1", "t2", "t3", "t4"]),
    ],
)
def test_status_traces_are_filtered_by_exact_value(
    store: Store, filters: dict[str, str], expected: list[str]
) -> None:
    trace(
        store,
        samples.status_trace("t1", 1),
        samples.status_trace("t2", 2, job_name="other"),
        samples.status_trace("t3", 3, slave_id="b"),
        samples.status_trace("t4", 4, source="CLOUD_EXECUTOR"),
        samples.status_trace("t5", 5, execution_type="FAILOVER"),
        samples.status_trace("t6", 6, state="TASK_FAILED"),
    )
    page = store.status_traces(HistoryQuery(filters=filters, ascending=True))
    assert task_ids(page.rows) == expected
    assert page.total == len(expected)


@pytest.mark.parametrize(
    "start_ms, end_ms, expected",
    [(None, None, 5), (2, None, 4), (None, 2, 2), (2, 4, 3), (3, 3, 1), (4, 2, 0)],
)
def test_both_bounds_of_the_time_are_included(
    store: Store, start_ms: int | None, end_ms: int | None, expected: int
) -> None:
    execute(store, *(samples.execution(f"t{number}", number) for number in range(1, 6)))
    page = store.executions(HistoryQuery(start_ms=start_ms, end_ms=end_ms))
    assert page.total == len(page.rows) == expected


@pytest.mark.parametrize(
    "query",
    [
        HistoryQuery(sort="nothing"),
        HistoryQuery(sort="start_time"),
        HistoryQuery(filters={"hostname": "h"}),
        HistoryQuery(filters={"isSuccess": "yes"}),
        HistoryQuery(page=0),
        HistoryQuery(per_page=0),
        HistoryQuery(page=2**70, per_page=2**70),
        HistoryQuery(start_ms=2**70),
    ],
)
def test_a_query_that_cannot_be_answered_is_the_callers_fault(store: Store, query: HistoryQuery) -> None:
    with pytest.raises(InvalidRequestError):
        store.executions(query)


def test_every_filter_of_the_api_is_known(store: Store) -> None:
    for name in EXECUTION_FILTERS:
        assert store.executions(HistoryQuery(filters={name: "true"})).total == 0
    for name in STATUS_TRACE_FILTERS:
        assert store.status_traces(HistoryQuery(filters={name: "x"})).total == 0


def test_a_page_after_the_last_is_empty_and_keeps_the_total(store: Store) -> None:
    execute(store, samples.execution("t"))
    page = store.executions(HistoryQuery(page=100))
    assert page.total == 1
    assert page.rows == []


def test_pruning_deletes_old_traces_and_ended_fires_only(store: Store) -> None:
    fires = [
        samples.fire(1, FireState.COMPLETED, recorded_ms=10, ended_ms=20),
        samples.fire(2, FireState.DROPPED, recorded_ms=10),
        samples.fire(3, FireState.RUNNING, recorded_ms=10),
        samples.fire(4, FireState.COMPLETED, recorded_ms=10, ended_ms=100),
        samples.fire(5, FireState.WAITING, recorded_ms=100),
    ]
    commit(
        store,
        Changes(
            fires={fire.fire_id: fire for fire in fires},
            executions=[samples.execution("old", 99), samples.execution("new", 100)],
            status_traces=[samples.status_trace("old", 99), samples.status_trace("new", 100)],
        ),
    )
    assert store.prune_history(100, 1000) == 4
    assert task_ids(store.executions(HistoryQuery()).rows) == ["new"]
    assert task_ids(store.status_traces(HistoryQuery()).rows) == ["new"]
    assert [fire.fire_id for fire in store.load().fires] == [3, 5]
    assert store.executions(HistoryQuery()).total == store.status_traces(HistoryQuery()).total == 1
    assert store.prune_history(100, 1000) == 0


def test_pruning_keeps_to_its_limit_and_takes_the_oldest_first(store: Store) -> None:
    trace(store, *(samples.status_trace(f"t{number}", number) for number in range(1300)))
    assert store.prune_history(2000, 0) == 0
    assert store.prune_history(2000, 1200) == 1200
    page = store.status_traces(HistoryQuery(ascending=True, per_page=1))
    assert (page.total, task_ids(page.rows)) == (100, ["t1200"])


def test_queries_from_several_threads_see_whole_commits_while_one_writes(store: Store) -> None:
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    stop = threading.Event()
    problems: list[object] = []

    def read() -> None:
        try:
            while not stop.is_set():
                page = store.executions(HistoryQuery(per_page=1000))
                counted = store.executions(HistoryQuery(filters={"jobName": "job"}, per_page=1))
                if page.total != len(page.rows) or page.total % 7 or counted.total % 7:
                    problems.append((page.total, len(page.rows), counted.total))
        except Exception as error:
            problems.append(error)

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    for number in range(20):
        assert store.commit(epoch, Changes(executions=[samples.execution(f"t{number}") for _ in range(7)]))
    stop.set()
    for reader in readers:
        reader.join(30)
    assert problems == []
    assert store.executions(HistoryQuery()).total == 140
