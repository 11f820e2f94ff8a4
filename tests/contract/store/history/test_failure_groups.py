"""What failed in a time, grouped by what it says."""

from collections.abc import Iterator

import msgspec
import pytest

from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.queries.failures import GROUPS_SHOWN, FailureGroup, FailureQuery
from elasticjob_cloud.model.records import Changes, ExecutionTrace, FireRecord
from elasticjob_cloud.store import Store
from elasticjob_cloud.store.history import failures
from tests.contract.store import samples
from tests.contract.store.factories import STORE_FACTORIES

ALL = FailureQuery(0, 10_000)


@pytest.fixture(params=sorted(STORE_FACTORIES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORE_FACTORIES[request.param]() as open_store:
        yield open_store()


def commit(store: Store, *records: FireRecord | ExecutionTrace) -> None:
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    changes = Changes(
        fires={it.fire_id: it for it in records if isinstance(it, FireRecord)},
        executions=[it for it in records if isinstance(it, ExecutionTrace)],
    )
    assert store.commit(epoch, changes)


def failed(
    fire_id: int,
    summary: str,
    *,
    job: str = "job",
    app: str = "app",
    recorded_ms: int = 1000,
    outcome: RunState = RunState.FAILED,
) -> FireRecord:
    return FireRecord(
        fire_id,
        job,
        FireSource.CRON,
        recorded_ms,
        FireState.COMPLETED,
        recorded_ms,
        ended_ms=recorded_ms + 5,
        app_name=app,
        outcome=outcome,
        summary=summary,
    )


def execution(
    summary: str, start_ms: int, *, job: str = "daemon", is_success: bool = False
) -> ExecutionTrace:
    trace = samples.execution("t", start_ms, job_name=job, is_success=is_success)
    return msgspec.structs.replace(trace, app_name="app", summary=summary)


def test_failures_are_grouped_over_jobs_and_the_latest_is_named(store: Store) -> None:
    commit(
        store,
        failed(1, "no row 17"),
        failed(2, "no row 4", job="other", recorded_ms=2000),
        failed(3, "no row 4", recorded_ms=1500),
        failed(4, "quota exceeded"),
        failed(5, "", outcome=RunState.SUCCEEDED),
        execution("no row 9", 1200),
        execution("", 1300, is_success=True),
    )
    groups = store.failure_groups(ALL)
    assert groups.rows == [
        FailureGroup("no row #", 4, 3, 2005, 2, "other", "no row 4"),
        FailureGroup("quota exceeded", 1, 1, 1005, 4, "job", "quota exceeded"),
    ]
    assert (groups.looked_at, groups.complete) == (5, True)


def test_only_what_is_asked_for_is_counted(store: Store) -> None:
    commit(
        store,
        failed(1, "a", app="x"),
        failed(2, "a", job="other", app="y"),
        failed(3, "a", app="x", recorded_ms=3000),
        execution("a", 1000),
        execution("a", 3000),
    )

    def counted(query: FailureQuery) -> int:
        return store.failure_groups(query).looked_at

    assert counted(ALL) == 5
    assert counted(FailureQuery(1000, 2999)) == 3
    assert counted(FailureQuery(0, 10_000, job_name="job")) == 2
    assert counted(FailureQuery(0, 10_000, job_name="daemon")) == 2
    assert counted(FailureQuery(0, 10_000, app_name="y")) == 1
    assert counted(FailureQuery(0, 10_000, job_name="job", app_name="y")) == 0


def test_of_too_many_the_latest_are_counted_and_the_answer_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "ROWS_LOOKED_AT", 3)
    commit(
        store,
        *(failed(number, "old" if number < 5 else "new", recorded_ms=number) for number in range(1, 8)),
    )
    groups = store.failure_groups(ALL)
    assert [(it.summary, it.count) for it in groups.rows] == [("new", 3)]
    assert not groups.complete


def test_the_largest_groups_are_shown_and_the_others_told_of(store: Store) -> None:
    names = [chr(0x4E00 + number) for number in range(GROUPS_SHOWN + 1)]
    commit(store, *(failed(number, name) for number, name in enumerate([*names, names[7]], 1)))
    groups = store.failure_groups(ALL)
    assert (len(groups.rows), groups.rows[0].summary, groups.complete) == (GROUPS_SHOWN, names[7], False)
