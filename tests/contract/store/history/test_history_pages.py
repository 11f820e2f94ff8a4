"""Pages of the history against a plain list: totals, order, deep pages, with counts and limits that are soon reached."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.model.records import Changes, ExecutionTrace, StatusTrace
from elasticjob_cloud.store import Store
from elasticjob_cloud.store.history import pages as history
from tests.contract.store import samples
from tests.contract.store.factories import STORE_FACTORIES

HOUR_MS = 3_600_000
# Around the edges of minutes and hours, where counted and uncounted rows meet.
TIMES = st.builds(
    lambda hour, minute, edge: hour * HOUR_MS + minute * 60_000 + edge,
    st.integers(10, 13),
    st.sampled_from([0, 1, 30, 59]),
    st.sampled_from([0, 1, 30_000, 59_999]),
)
STATES = st.sampled_from(["TASK_STAGING", "TASK_RUNNING", "TASK_FINISHED", "TASK_FAILED", "TASK_LOST"])
TRACES = st.builds(
    samples.status_trace,
    st.sampled_from(["t1", "t2", "t3"]),
    TIMES,
    job_name=st.sampled_from(["a", "b"]),
    state=STATES,
    slave_id=st.sampled_from(["x", "y"]),
    source=st.sampled_from(["CLOUD_SCHEDULER", "CLOUD_EXECUTOR"]),
    execution_type=st.sampled_from(["READY", "FAILOVER"]),
)
EXECUTIONS = st.builds(
    samples.execution,
    st.sampled_from(["t1", "t2", "t3"]),
    TIMES,
    job_name=st.sampled_from(["a", "b"]),
    is_success=st.booleans(),
    ip=st.sampled_from(["1", "2"]),
)
TRACE_FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "jobName": st.sampled_from(["a", "b", "c"]),
        "taskId": st.sampled_from(["t1", "t9"]),
        "slaveId": st.sampled_from(["x", "y"]),
        "source": st.sampled_from(["CLOUD_SCHEDULER", "CLOUD_EXECUTOR", "LITE_EXECUTOR"]),
        "executionType": st.sampled_from(["READY", "FAILOVER"]),
        "state": STATES,
    },
)
EXECUTION_FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "jobName": st.sampled_from(["a", "b", "c"]),
        "taskId": st.sampled_from(["t1", "t9"]),
        "ip": st.sampled_from(["1", "2"]),
        "isSuccess": st.sampled_from(["true", "false"]),
    },
)
BOUNDS = st.none() | TIMES
PAGES = {"page": st.integers(1, 12), "per_page": st.integers(1, 7), "ascending": st.booleans()}
TRACE_QUERIES = st.builds(HistoryQuery, start_ms=BOUNDS, end_ms=BOUNDS, filters=TRACE_FILTERS, **PAGES)
EXECUTION_QUERIES = st.builds(
    HistoryQuery, start_ms=BOUNDS, end_ms=BOUNDS, filters=EXECUTION_FILTERS, **PAGES
)


@pytest.fixture(autouse=True)
def seek_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_SEEK_FROM", 1)


def text_of(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def expected(rows: Sequence[dict[str, Any]], time: str, query: HistoryQuery) -> tuple[int, list[int]]:
    """Answer the query from the list of all rows, as a table without any index would."""
    found = [
        row
        for row in rows
        if all(text_of(row[name]) == value for name, value in query.filters.items())
        and (query.start_ms is None or row[time] >= query.start_ms)
        and (query.end_ms is None or row[time] <= query.end_ms)
    ]
    found.sort(key=lambda row: (row[time], row["id"]), reverse=not query.ascending)
    first = (query.page - 1) * query.per_page
    return len(found), [row["id"] for row in found[first : first + query.per_page]]


def lead(store: Store) -> int:
    epoch = store.acquire_lease("test", "", 600, steal=True)
    assert epoch is not None
    return epoch


@pytest.mark.slow
@pytest.mark.parametrize("factory", sorted(STORE_FACTORIES))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(TRACES, max_size=25), max_size=3),
    queries=st.lists(TRACE_QUERIES, min_size=20, max_size=30),
    pruned_before_ms=st.none() | TIMES,
)
def test_every_page_of_status_traces_is_what_a_list_would_give(
    factory: str,
    batches: list[list[StatusTrace]],
    queries: list[HistoryQuery],
    pruned_before_ms: int | None,
) -> None:
    with STORE_FACTORIES[factory]() as open_store:
        store = open_store()
        epoch = lead(store)
        for batch in batches:
            assert store.commit(epoch, Changes(status_traces=batch))
        if pruned_before_ms is not None:
            store.prune_history(pruned_before_ms, 30)
        rows = store.status_traces(HistoryQuery(per_page=1000)).rows
        for query in queries:
            page = store.status_traces(query)
            total, ids = expected(rows, "creationTime", query)
            assert (page.total, [row["id"] for row in page.rows]) == (total, ids), query


@pytest.mark.slow
@pytest.mark.parametrize("factory", sorted(STORE_FACTORIES))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(EXECUTIONS, max_size=25), max_size=3),
    queries=st.lists(EXECUTION_QUERIES, min_size=20, max_size=30),
    pruned_before_ms=st.none() | TIMES,
)
def test_every_page_of_executions_is_what_a_list_would_give(
    factory: str,
    batches: list[list[ExecutionTrace]],
    queries: list[HistoryQuery],
    pruned_before_ms: int | None,
) -> None:
    with STORE_FACTORIES[factory]() as open_store:
        store = open_store()
        epoch = lead(store)
        for batch in batches:
            assert store.commit(epoch, Changes(executions=batch))
        if pruned_before_ms is not None:
            store.prune_history(pruned_before_ms, 30)
        rows = store.executions(HistoryQuery(per_page=1000)).rows
        for query in queries:
            page = store.executions(query)
            total, ids = expected(rows, "startTime", query)
            assert (page.total, [row["id"] for row in page.rows]) == (total, ids), query


@pytest.mark.parametrize("factory", sorted(STORE_FACTORIES))
def test_totals_that_no_count_knows_end_at_the_limit_and_pages_with_them(
    factory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROWS_COUNTED", 20)
    with STORE_FACTORIES[factory]() as open_store:
        store = open_store()
        executions = [samples.execution(f"t{number}", number, job_name="a") for number in range(30)]
        assert store.commit(lead(store), Changes(executions=executions))
        of_job = HistoryQuery(filters={"jobName": "a"}, page=2)
        assert store.executions(HistoryQuery()).total == 30
        page = store.executions(of_job)
        assert (page.total, len(page.rows)) == (20, 10)
        assert store.executions(HistoryQuery(filters={"jobName": "a"}, page=3)).rows == []
        assert store.executions(HistoryQuery(filters={"isSuccess": "true"}, page=3)).total == 30


@pytest.mark.parametrize("factory", sorted(STORE_FACTORIES))
def test_another_order_than_that_of_time_is_an_order_of_the_newest_rows(
    factory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROWS_SORTED", 20)
    with STORE_FACTORIES[factory]() as open_store:
        store = open_store()
        executions = [
            samples.execution(f"t{number}", number, job_name=f"j{number:02}") for number in range(30)
        ]
        assert store.commit(lead(store), Changes(executions=executions))
        page = store.executions(HistoryQuery(sort="jobName", ascending=True, per_page=100))
        assert page.total == 20
        assert [row["jobName"] for row in page.rows] == [f"j{number:02}" for number in range(10, 30)]
