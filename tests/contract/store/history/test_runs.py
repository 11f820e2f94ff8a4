"""Pages of runs, newest first: every filter, every page, and what is known of runs of earlier versions."""

import itertools
from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import text

from elasticjob_cloud.model.errors import InvalidRequestError
from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.queries.runs import ENDED_STATES, EndedRun, Run, RunQuery, ShardCounts
from elasticjob_cloud.model.records import (
    AttemptEnd,
    Changes,
    FailoverRecord,
    FireRecord,
    JobRecord,
    StatusTrace,
)
from elasticjob_cloud.store import SqlStore, Store
from tests.contract.store import samples
from tests.contract.store.factories import STORE_FACTORIES

JOBS = ("a", "b", "c")
OUTCOMES = (RunState.SUCCEEDED, RunState.FAILED, RunState.KILLED)
STATES = [
    (FireState.WAITING, None),
    (FireState.RUNNING, None),
    (FireState.DROPPED, None),
    *((FireState.COMPLETED, outcome) for outcome in OUTCOMES),
]


@pytest.fixture(params=sorted(STORE_FACTORIES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORE_FACTORIES[request.param]() as open_store:
        yield open_store()


def commit(store: Store, changes: Changes) -> None:
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    assert store.commit(epoch, changes)


def commit_fires(store: Store, *fires: FireRecord) -> None:
    commit(store, Changes(fires={fire.fire_id: fire for fire in fires}))


def fire(
    fire_id: int,
    state: FireState = FireState.COMPLETED,
    outcome: RunState | None = RunState.SUCCEEDED,
    *,
    job_name: str = "job",
    source: FireSource = FireSource.CRON,
    recorded_ms: int = 1000,
    app_name: str = "app",
    shard_total: int = 1,
    idempotency_key: str = "",
) -> FireRecord:
    return FireRecord(
        fire_id,
        job_name,
        source,
        recorded_ms,
        state,
        recorded_ms,
        app_name=app_name,
        outcome=outcome if state is FireState.COMPLETED else None,
        shard_total=shard_total,
        idempotency_key=idempotency_key,
    )


def all_kinds() -> list[FireRecord]:
    """Three runs of every kind, whose times come by twos."""
    kinds = itertools.product(JOBS, FireSource, STATES, range(3))
    return [
        fire(
            number,
            *state,
            job_name=job,
            source=source,
            recorded_ms=number // 2,
            app_name="app-1" if job == "a" else "app-2",
        )
        for number, (job, source, state, _) in enumerate(kinds, 1)
    ]


def pages(store: Store, query: RunQuery) -> Iterator[list[Run]]:
    cursor: str | None = ""
    while cursor is not None:
        page = store.runs(
            RunQuery(
                query.job_name,
                query.app_name,
                query.state,
                query.source,
                query.start_ms,
                query.end_ms,
                query.limit,
                cursor,
            )
        )
        yield page.rows
        cursor = page.next


def matches(record: FireRecord, query: RunQuery) -> bool:
    return (
        record.source is not FireSource.DAEMON
        and query.job_name in {"", record.job_name}
        and query.app_name in {"", record.app_name}
        and query.state in {None, record.run_state}
        and query.source in {None, record.source}
        and (query.start_ms is None or record.recorded_ms >= query.start_ms)
        and (query.end_ms is None or record.recorded_ms <= query.end_ms)
    )


def test_each_combination_of_filters_gives_its_runs_newest_first_page_by_page(store: Store) -> None:
    fires = all_kinds()
    commit_fires(store, *fires)
    sources = (None, FireSource.RERUN)
    intervals = ((None, None), (40, 90))
    combinations = itertools.product(("", "a"), ("", "app-1", "app-2"), (None, *RunState), sources, intervals)
    for job, app, state, source, interval in combinations:
        query = RunQuery(job, app, state, source, *interval, limit=20)
        expected = [record.fire_id for record in reversed(fires) if matches(record, query)]
        found = list(pages(store, query))
        assert [run.run_id for page in found for run in page] == expected, query
        assert all(len(page) == 20 for page in found[:-1])
        assert all(state in {None, run.state} for page in found for run in page)


def test_a_page_is_not_moved_by_runs_that_come_or_end_meanwhile(store: Store) -> None:
    commit_fires(store, *(fire(number, FireState.RUNNING, recorded_ms=number) for number in range(1, 9)))
    first = store.runs(RunQuery(limit=3))
    commit_fires(store, *(fire(number, recorded_ms=number) for number in range(3, 12)))
    second = store.runs(RunQuery(limit=3, cursor=first.next or ""))
    assert [run.run_id for run in first.rows + second.rows] == [8, 7, 6, 5, 4, 3]
    assert [run.state for run in second.rows] == [RunState.SUCCEEDED] * 3


def test_a_run_shows_all_that_was_recorded_of_it(store: Store) -> None:
    record = FireRecord(
        7,
        "job",
        FireSource.RERUN,
        900,
        FireState.COMPLETED,
        1000,
        reason="",
        started_ms=1100,
        ended_ms=1200,
        failed_tasks=2,
        app_name="app",
        outcome=RunState.FAILED,
        shard_total=5,
        succeeded_shards=3,
        summary="ValueError: no such city",
        triggered_by="root",
        rerun_of=5,
        items=(1, 2, 3, 4, 6),
    )
    commit_fires(store, record)
    (run,) = store.runs(RunQuery()).rows
    assert run == Run(
        run_id=7,
        job_name="job",
        app_name="app",
        source=FireSource.RERUN,
        due_ms=900,
        recorded_ms=1000,
        start_ms=1100,
        end_ms=1200,
        state=RunState.FAILED,
        reason="",
        shards=ShardCounts(total=5, waiting=0, running=0, succeeded=3, failed=2),
        summary="ValueError: no such city",
        triggered_by="root",
        rerun_of=5,
        count=1,
        last_due_ms=0,
    )


def ended_task(task_id: str, fire_id: int, *, success: bool) -> StatusTrace:
    trace = samples.status_trace(task_id, state="TASK_FINISHED" if success else "TASK_FAILED")
    return msgspec.structs.replace(trace, attempt_end=AttemptEnd(fire_id, 1, 900, 950, success))


def test_the_shards_of_live_runs_are_counted_by_their_tasks(store: Store) -> None:
    commit(
        store,
        Changes(
            fires={
                1: fire(1, FireState.RUNNING, shard_total=9),
                2: fire(2, FireState.RUNNING, shard_total=1),
                3: fire(3, FireState.WAITING, shard_total=4),
            },
            tasks={
                name: samples.task(name, fire_id) for name, fire_id in zip("tuvw", (1, 1, 1, 2), strict=True)
            },
            failovers={(1, item): FailoverRecord(1, "job", item, "t", "agent", 2, 5) for item in (7, 8)},
            status_traces=[
                ended_task("s1", 1, success=True),
                ended_task("s2", 1, success=True),
                ended_task("f1", 1, success=False),
                samples.status_trace("s3", state="TASK_FINISHED"),
            ],
        ),
    )
    waiting, single, many = store.runs(RunQuery()).rows
    assert many.shards == ShardCounts(total=9, waiting=2, running=3, succeeded=2, failed=0)
    assert single.shards == ShardCounts(total=1, waiting=0, running=1, succeeded=0, failed=0)
    assert waiting.shards == ShardCounts(total=4, waiting=4, running=0, succeeded=0, failed=0)


def test_results_of_runs_of_earlier_versions_are_known_by_their_failed_tasks(store: Store) -> None:
    assert isinstance(store, SqlStore)
    with store._database.writer.begin() as connection:
        for fire_id, fire_state, failed in ((1, "COMPLETED", 0), (2, "COMPLETED", 3), (3, "DROPPED", 0)):
            connection.execute(
                text(
                    "INSERT INTO fire (fire_id, job_name, source, due_ms, state, recorded_ms, reason, count, "
                    "last_due_ms, started_ms, ended_ms, failed_tasks, configuration) "
                    "VALUES (:id, 'job', 'CRON', 1, :state, 1, '', 1, 0, 1, 1, :failed, '')"
                ),
                {"id": fire_id, "state": fire_state, "failed": failed},
            )
    expected: dict[RunState | None, list[int]] = {
        RunState.SUCCEEDED: [1],
        RunState.FAILED: [2],
        RunState.DROPPED: [3],
        RunState.KILLED: [],
        None: [3, 2, 1],
    }
    for state, ids in expected.items():
        assert [run.run_id for run in store.runs(RunQuery(state=state)).rows] == ids
    assert store.runs(RunQuery(state=RunState.FAILED)).rows[0].shards.failed == 3


@pytest.mark.parametrize("cursor", ["x", "1", "1.2.3", "1.", f"{2**63}.1"])
def test_a_cursor_that_is_none_of_ours_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(InvalidRequestError, match="cursor"):
        store.runs(RunQuery(cursor=cursor))


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_page_has_from_one_to_a_thousand_rows(store: Store, limit: int) -> None:
    with pytest.raises(InvalidRequestError, match="limit"):
        store.runs(RunQuery(limit=limit))


def test_the_last_results_of_many_jobs_are_given_at_once(store: Store) -> None:
    outcomes = [OUTCOMES[number % 3] for number in range(12)]
    ended = [fire(number, outcome=outcome, recorded_ms=number) for number, outcome in enumerate(outcomes, 1)]
    dropped = [fire(20, FireState.DROPPED, job_name="b", recorded_ms=20)]
    live = [
        fire(30, FireState.RUNNING, recorded_ms=30),
        fire(31, FireState.WAITING, recorded_ms=31),
        fire(32, FireState.WAITING, job_name="c", recorded_ms=32),
    ]
    moved = [fire(40 + number, job_name="d", app_name=app) for number, app in enumerate(("", "y", "x"))]
    commit(store, Changes(jobs={name: JobRecord(samples.job(name)) for name in ("job", "b", "c", "d")}))
    commit_fires(store, *ended, *dropped, *live, *moved)
    results = store.job_results(["job", "b", "c", "d", "unknown"])
    assert results["job"].recent == tuple(reversed(outcomes[2:]))
    assert results["b"].recent == (RunState.DROPPED,)
    assert results["c"].recent == results["unknown"].recent == ()
    assert results["d"].recent == (RunState.SUCCEEDED,) * 2  # a job of more than two apps shows two
    last_runs = {name: it.last_run.run_id if it.last_run else None for name, it in results.items()}
    assert last_runs == {"job": 30, "b": 20, "c": None, "d": 41, "unknown": None}


def test_a_new_leader_knows_the_keys_of_the_last_day(store: Store) -> None:
    day_ms = 86_400_000
    commit_fires(
        store,
        fire(1, idempotency_key="old", recorded_ms=day_ms - 1),
        fire(2, idempotency_key="one", recorded_ms=day_ms),
        fire(3, FireState.DROPPED, idempotency_key="two", recorded_ms=day_ms + 5),
        fire(4, idempotency_key="one", recorded_ms=2 * day_ms, job_name="other"),
        fire(5, idempotency_key="one", recorded_ms=2 * day_ms),
        fire(6, recorded_ms=3 * day_ms),
    )
    assert store.load().idempotency_keys == {
        ("job", "one"): (5, 2 * day_ms),
        ("job", "two"): (3, day_ms + 5),
        ("other", "one"): (4, 2 * day_ms),
    }


def test_versions_before_know_the_sources_of_live_fires(store: Store) -> None:
    commit_fires(
        store,
        fire(1, FireState.WAITING, source=FireSource.RERUN),
        fire(2, FireState.WAITING, source=FireSource.MISFIRE),
    )
    assert isinstance(store, SqlStore)
    with store._database.reader.begin() as connection:
        stored = connection.execute(text("SELECT source FROM fire ORDER BY fire_id")).scalars().all()
    assert stored == ["TRIGGER", "CRON"]
    assert [record.source for record in store.load().fires] == [FireSource.RERUN, FireSource.MISFIRE]


def test_the_latest_runs_that_ended_are_given_part_by_part(store: Store) -> None:
    fires = all_kinds()
    commit_fires(store, *fires)
    found: list[EndedRun] = []
    before: tuple[int, int] | None = None
    while True:
        part, before = store.latest_ended(before, 25)
        assert len(part) <= 25
        found += part
        if before is None:
            break
    expected = [
        EndedRun(it.recorded_ms, it.fire_id, it.job_name, it.run_state, it.ended_ms or it.recorded_ms)
        for it in reversed(fires)
        if it.run_state in ENDED_STATES and it.source is not FireSource.DAEMON
    ]
    assert found == expected
