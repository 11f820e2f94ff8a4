"""One run in full: its attempts, their texts, and what it ran under, also after its job has changed."""

from collections.abc import Iterator

import msgspec
import pytest

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.output.excerpt import DETAIL_CHARACTERS
from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.model.queries.runs import RunDetail, ShardAttempt
from elasticjob_cloud.model.records import AttemptEnd, Changes, FailoverRecord, JobRecord, StatusTrace
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.store import Store
from elasticjob_cloud.store.history.attempts import DETAILS_SHOWN
from tests.contract.store import samples
from tests.contract.store.factories import STORE_FACTORIES

SUMMARY = "ValueError: no such city"


@pytest.fixture(params=sorted(STORE_FACTORIES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORE_FACTORIES[request.param]() as open_store:
        yield open_store()


def commit(store: Store, changes: Changes) -> None:
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    assert store.commit(epoch, changes)


def detail_of(store: Store, run_id: int) -> RunDetail:
    detail = store.run(run_id)
    assert detail is not None
    return detail


def job(parameter: str) -> JobConfiguration:
    return samples.job(parameter=parameter)


def ended(
    task_id: str, item: int, end: AttemptEnd, *, state: str = "TASK_FAILED", message: str = ""
) -> StatusTrace:
    trace = samples.status_trace(task_id, 2000, state=state, message=message)
    return msgspec.structs.replace(trace, sharding_item=item, attempt_end=end)


def failed_end(attempt: int = 1, staged_ms: int = 1000) -> AttemptEnd:
    return AttemptEnd(1, attempt, staged_ms, 1100, success=False, exit_code=3, summary=SUMMARY)


def test_attempts_that_ended_stand_with_those_that_live_by_item(store: Store) -> None:
    live = msgspec.structs.replace(
        samples.task("t4"), item=0, attempt=2, staged_ms=3000, running_ms=3100, state=TaskState.RUNNING
    )
    commit(
        store,
        Changes(
            fires={1: samples.fire(1)},
            tasks={"t4": live},
            failovers={(1, 2): FailoverRecord(1, "job", 2, "t3", "agent", 2, 5)},
            status_traces=[
                ended("t3", 2, AttemptEnd(1, 1, 1000, 0, success=False, signal=9)),
                ended(
                    "t2", 1, AttemptEnd(1, 1, 1000, 1200, success=True, exit_code=0), state="TASK_FINISHED"
                ),
                samples.status_trace("t1"),
                ended("t1", 0, failed_end(), message="Exit code 3."),
                ended("other", 0, msgspec.structs.replace(failed_end(), fire_id=2)),
            ],
        ),
    )
    detail = detail_of(store, 1)

    def attempt(
        task_id: str, item: int, times: tuple[int, int, int], state: TaskState, success: bool | None
    ) -> ShardAttempt:
        return ShardAttempt(task_id, item, 1, "agent", *times, state, success, None, 0, "", "")

    replace = msgspec.structs.replace
    assert detail.attempts == [
        replace(
            attempt("t1", 0, (1000, 1100, 2000), TaskState.FAILED, success=False),
            exit_code=3,
            summary=SUMMARY,
            detail="Exit code 3.",
        ),
        replace(attempt("t4", 0, (3000, 3100, 0), TaskState.RUNNING, success=None), attempt=2),
        replace(attempt("t2", 1, (1000, 1200, 2000), TaskState.FINISHED, success=True), exit_code=0),
        replace(attempt("t3", 2, (1000, 0, 2000), TaskState.FAILED, success=False), signal=9),
    ]
    assert detail.waiting_items == (2,)


def test_an_execution_that_failed_in_a_task_that_finished_tells_why(store: Store) -> None:
    cause = "Traceback (most recent call last)\n...\n" + SUMMARY
    commit(
        store,
        Changes(
            fires={1: samples.fire(1, FireState.COMPLETED)},
            executions=[
                samples.execution("t", is_success=False, failure_cause=cause),
                samples.execution("other", is_success=False, failure_cause="of another task"),
            ],
            status_traces=[ended("t", 0, failed_end(), state="TASK_FINISHED")],
        ),
    )
    (attempt,) = detail_of(store, 1).attempts
    assert (attempt.state, attempt.success, attempt.summary) == (TaskState.FINISHED, False, SUMMARY)
    assert attempt.detail == cause


def test_long_texts_keep_both_ends_and_only_the_first_hundred_failures_show_theirs(store: Store) -> None:
    traces = [
        ended(f"t{item}", item, failed_end(), message="x" * 20_000) for item in range(DETAILS_SHOWN + 1)
    ]
    commit(store, Changes(fires={1: samples.fire(1, FireState.COMPLETED)}, status_traces=traces))
    attempts = detail_of(store, 1).attempts
    assert all(0 < len(it.detail) <= DETAIL_CHARACTERS for it in attempts[:DETAILS_SHOWN])
    assert [it.detail for it in attempts[DETAILS_SHOWN:]] == [""]
    assert {it.summary for it in attempts} == {SUMMARY}


def test_a_run_shows_the_settings_that_its_job_had_then(store: Store) -> None:
    own = msgspec.structs.replace(samples.fire(4, FireState.COMPLETED), configuration=job("own"))
    commit(
        store,
        Changes(
            jobs={"job": JobRecord(job("today"))},
            past_configurations={
                ("job", 3): job("first"),
                ("job", 6): job("second"),
                ("other", 9): job("other"),
            },
            fires={number: samples.fire(number, FireState.COMPLETED) for number in (2, 3, 5, 6)} | {4: own},
        ),
    )
    # What comes later for the same fires changes nothing: nothing ran under it.
    commit(store, Changes(past_configurations={("job", 6): job("never used")}))
    parameters = {number: detail_of(store, number).configuration for number in (2, 3, 4, 5, 6)}
    assert [it.job_parameter for it in parameters.values() if it] == [
        "first",
        "second",
        "own",
        "second",
        "today",
    ]


def test_a_run_outlives_its_job(store: Store) -> None:
    commit(store, Changes(fires={1: samples.fire(1, FireState.COMPLETED)}))
    assert detail_of(store, 1).configuration is None
    assert store.run(2) is None


def test_settings_go_with_the_last_run_that_had_them(store: Store) -> None:
    commit(
        store,
        Changes(
            past_configurations={("job", 2): job("first"), ("job", 3): job("second")},
            fires={number: samples.fire(number, FireState.COMPLETED, number, number) for number in (1, 2)},
        ),
    )
    assert store.prune_history(2, 100) == 1
    assert detail_of(store, 2).configuration == job("second")
    commit(store, Changes(fires={1: samples.fire(1, FireState.COMPLETED)}))
    assert detail_of(store, 1).configuration == job("second")  # the first went


def test_pages_of_the_trace_tables_show_elasticjobs_columns_and_of_ours_what_a_task_came_to(
    store: Store,
) -> None:
    commit(
        store,
        Changes(
            status_traces=[ended("t", 0, failed_end())],
            executions=[msgspec.structs.replace(samples.execution("t"), app_name="app", summary=SUMMARY)],
        ),
    )
    (trace,) = store.status_traces(HistoryQuery()).rows
    (execution,) = store.executions(HistoryQuery()).rows
    assert list(trace)[-4:] == ["message", "creationTime", "success", "summary"]
    assert list(execution)[-2:] == ["startTime", "completeTime"]
