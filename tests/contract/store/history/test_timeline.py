"""Runs that ran at some moment of a time."""

import itertools
from collections.abc import Iterator

import pytest

from elasticjob_cloud.model.errors import InvalidRequestError
from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.queries.timeline import TimelineQuery, TimelineRun
from elasticjob_cloud.model.records import Changes, FireRecord
from elasticjob_cloud.store import Store
from elasticjob_cloud.store.history import timeline
from tests.contract.store.factories import STORE_FACTORIES

DAY_MS = 86_400_000
START_MS, END_MS = 10 * DAY_MS, 10 * DAY_MS + 3_600_000


@pytest.fixture(params=sorted(STORE_FACTORIES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORE_FACTORIES[request.param]() as open_store:
        yield open_store()


def commit(store: Store, *fires: FireRecord) -> None:
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    assert store.commit(epoch, Changes(fires={fire.fire_id: fire for fire in fires}))


def fire(
    fire_id: int,
    start_ms: int,
    end_ms: int,
    *,
    job: str = "job",
    app: str = "app",
    source: FireSource = FireSource.CRON,
    outcome: RunState = RunState.SUCCEEDED,
) -> FireRecord:
    return FireRecord(
        fire_id,
        job,
        source,
        start_ms,
        FireState.COMPLETED if end_ms else FireState.RUNNING,
        start_ms - 5,
        started_ms=start_ms,
        ended_ms=end_ms,
        app_name=app,
        outcome=outcome if end_ms else None,
    )


def found(store: Store, **fields: object) -> tuple[list[int], bool]:
    runs = store.past_runs(TimelineQuery(START_MS, END_MS, **fields))  # type: ignore[arg-type]  # any of its fields
    return [run.run_id for run in runs.rows], runs.complete


def test_runs_that_touch_the_time_are_found_and_no_others(store: Store) -> None:
    # As offsets from the start and from the end of the time.
    starts = (-3_600_000, -1, 0, 1, 3_599_999, 3_600_000, 3_600_001)
    ends = (-1, 0, 1, 3_600_000, 7_200_000, None)
    spans = [(start, end) for start, end in itertools.product(starts, ends) if end is None or end >= start]
    fires = [
        fire(number, START_MS + start, 0 if end is None else START_MS + end, job=f"job-{number}")
        for number, (start, end) in enumerate(spans, 1)
    ]
    commit(store, *fires)
    expected = [
        it for it in fires if it.started_ms <= END_MS and (not it.ended_ms or it.ended_ms >= START_MS)
    ]
    expected.sort(key=lambda it: (it.started_ms, it.fire_id), reverse=True)
    assert found(store) == ([it.fire_id for it in expected], True)
    assert 0 < len(expected) < len(fires)
    for number, it in enumerate(fires, 1):
        assert found(store, job_name=f"job-{number}") == ([number] if it in expected else [], True)


def test_a_run_is_shown_by_its_times_and_its_state(store: Store) -> None:
    commit(store, fire(7, START_MS + 1, START_MS + 9, outcome=RunState.FAILED), fire(8, START_MS + 2, 0))
    assert store.past_runs(TimelineQuery(START_MS, END_MS)).rows == [
        TimelineRun(8, "job", "app", START_MS + 2, 0, RunState.RUNNING),
        TimelineRun(7, "job", "app", START_MS + 1, START_MS + 9, RunState.FAILED),
    ]


def test_runs_of_other_jobs_and_apps_are_left_out_and_so_are_daemons(store: Store) -> None:
    commit(
        store,
        fire(1, START_MS - 9, START_MS + 1, job="a", app="x"),
        fire(2, START_MS - 9, START_MS + 1, job="b", app="x"),
        fire(3, START_MS + 1, START_MS + 2, job="a", app="y"),
        fire(4, START_MS + 1, 0, job="a", app="x"),
        fire(5, START_MS + 1, 0, job="c", app="y"),
        fire(6, START_MS + 1, 0, job="d", source=FireSource.DAEMON),
        fire(7, START_MS - 9, START_MS + 1, job="d", source=FireSource.DAEMON),
    )
    assert found(store, job_name="a") == ([4, 3, 1], True)
    assert found(store, app_name="x") == ([4, 2, 1], True)
    assert found(store, job_name="a", app_name="x") == ([4, 1], True)
    assert found(store) == ([5, 4, 3, 2, 1], True)


def test_the_latest_are_kept_and_the_cut_is_told(store: Store) -> None:
    commit(store, *(fire(number, START_MS + number, START_MS + number + 1) for number in range(1, 8)))
    assert found(store, limit=3) == ([7, 6, 5], False)
    assert found(store, limit=7) == ([7, 6, 5, 4, 3, 2, 1], True)


def test_who_does_not_look_back_far_enough_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "ROWS_LOOKED_BACK", 5)
    commit(
        store,
        fire(1, START_MS - 900, START_MS + 1, job="long"),
        *(fire(number, START_MS - number, START_MS - number + 1) for number in range(10, 17)),
    )
    assert found(store) == ([], False)
    assert found(store, job_name="long") == ([1], True)


def test_a_time_out_of_range_is_refused(store: Store) -> None:
    with pytest.raises(InvalidRequestError):
        store.past_runs(TimelineQuery(2**63, 2**63 + 1))
