"""Executions of daemon jobs are listed as runs are; those of other jobs are not among them."""

import itertools
from collections.abc import Iterator

import msgspec
import pytest

from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.queries.runs import DaemonExecution, RunQuery
from elasticjob_cloud.model.records import Changes, ExecutionTrace
from elasticjob_cloud.store import Store
from tests.contract.store import samples
from tests.contract.store.factories import STORE_FACTORIES


@pytest.fixture(params=sorted(STORE_FACTORIES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORE_FACTORIES[request.param]() as open_store:
        yield open_store()


def commit(store: Store, *executions: ExecutionTrace) -> None:
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    assert store.commit(epoch, Changes(executions=list(executions)))


def commit_one_by_one(store: Store, executions: list[ExecutionTrace]) -> None:
    """Have the ids rise in this order: a commit writes the executions of daemons after the others."""
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    for execution in executions:
        assert store.commit(epoch, Changes(executions=[execution]))


def execution(
    number: int, job_name: str = "daemon", app_name: str = "app", *, is_success: bool = True
) -> ExecutionTrace:
    trace = samples.execution(f"t{number}", number // 2, job_name=job_name, is_success=is_success)
    return msgspec.structs.replace(trace, app_name=app_name)


def all_executions(store: Store, query: RunQuery) -> Iterator[DaemonExecution]:
    cursor: str | None = ""
    while cursor is not None:
        page = store.daemon_executions(msgspec.structs.replace(query, cursor=cursor))
        assert len(page.rows) == query.limit or page.next is None
        yield from page.rows
        cursor = page.next


def test_each_combination_of_filters_gives_its_executions_newest_first_page_by_page(store: Store) -> None:
    kinds = itertools.product(("a", "b"), ("app-1", "app-2", ""), (True, False), range(3))
    executions = [
        execution(number, job, app, is_success=is_success)
        for number, (job, app, is_success, _) in enumerate(kinds)
    ]
    commit_one_by_one(store, executions)
    states = (None, RunState.SUCCEEDED, RunState.FAILED, RunState.KILLED)
    sources = (None, FireSource.DAEMON, FireSource.CRON)
    intervals = ((None, None), (3, 9))
    combinations = itertools.product(("", "a"), ("", "app-1"), states, sources, intervals)
    for job, app, state, source, (start_ms, end_ms) in combinations:
        query = RunQuery(job, app, state, source, start_ms, end_ms, limit=4)
        expected = [
            each.task_id
            for each in reversed(executions)
            if each.app_name
            and job in {"", each.job_name}
            and app in {"", each.app_name}
            and state in {None, RunState.SUCCEEDED if each.is_success else RunState.FAILED}
            and source is not FireSource.CRON
            and (start_ms is None or each.start_ms >= start_ms)
            and (end_ms is None or each.start_ms <= end_ms)
        ]
        assert [row.task_id for row in all_executions(store, query)] == expected, query


def test_an_execution_shows_its_reason(store: Store) -> None:
    failed = msgspec.structs.replace(
        execution(10, is_success=False), failure_cause="Traceback\nKeyError: 'x'", summary="KeyError: 'x'"
    )
    commit(store, failed, execution(12))
    succeeded, row = store.daemon_executions(RunQuery()).rows
    assert row == DaemonExecution(
        execution_id=row.execution_id,
        job_name="daemon",
        app_name="app",
        task_id="t10",
        item=0,
        hostname="host",
        ip="10.0.0.1",
        start_ms=5,
        end_ms=10,
        state=RunState.FAILED,
        summary="KeyError: 'x'",
        detail="Traceback\nKeyError: 'x'",
    )
    assert succeeded.state is RunState.SUCCEEDED


def test_a_daemon_jobs_last_results_are_those_of_its_executions(store: Store) -> None:
    commit(store, *(execution(2 * number, is_success=number % 3 != 0) for number in range(12)))
    states = {True: RunState.SUCCEEDED, False: RunState.FAILED}
    expected = tuple(states[number % 3 != 0] for number in range(11, 1, -1))
    results = store.job_results([], ["daemon", "nobody"])
    assert {name: it.recent for name, it in results.items()} == {"daemon": expected, "nobody": ()}
