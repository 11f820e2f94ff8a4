"""Statistics: what is counted, when, how often, and for how long it is kept."""

from collections.abc import Iterator

import msgspec
import pytest

from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.queries.statistics import RunCounts, StatisticInterval, StatisticsSample
from elasticjob_cloud.model.records import AttemptEnd, Changes, ExecutionTrace, FireRecord
from elasticjob_cloud.store import Store
from tests.contract.store import samples
from tests.contract.store.factories import STORE_FACTORIES, StoreOpener

MINUTE, HOUR, DAY = StatisticInterval.MINUTE, StatisticInterval.HOUR, StatisticInterval.DAY
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
TODAY = 20_000 * DAY_MS
NOTHING = StatisticsSample(0, 0, 0)


@pytest.fixture(params=sorted(STORE_FACTORIES))
def open_store(request: pytest.FixtureRequest) -> Iterator[StoreOpener]:
    with STORE_FACTORIES[request.param]() as opener:
        yield opener


class Leader:
    """A store and the epoch of the scheduler that leads on it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        epoch = store.acquire_lease("leader", "", 600, steal=True)
        assert epoch is not None
        self.epoch = epoch

    def trace(self, time_ms: int, *states: str) -> None:
        traces = [
            samples.status_trace(f"t{number}", time_ms, state=state) for number, state in enumerate(states)
        ]
        assert self.store.commit(self.epoch, Changes(status_traces=traces))

    def write(self, now_ms: int, sample: StatisticsSample = NOTHING) -> None:
        assert self.store.write_statistics(self.epoch, now_ms, sample)

    def results(self, interval: StatisticInterval) -> list[tuple[int, int, int]]:
        """Start, successes and failures of each interval, with the time since the start of today."""
        return [
            (it.statistics_ms - TODAY, it.success_count, it.failed_count)
            for it in self.store.task_results(interval, 0)
        ]


@pytest.fixture
def leader(open_store: StoreOpener) -> Leader:
    return Leader(open_store())


def test_finished_tasks_are_successes_and_failed_broken_and_lost_ones_are_failures(leader: Leader) -> None:
    leader.trace(
        TODAY + 1,
        *("TASK_STAGING", "TASK_RUNNING", "TASK_FINISHED", "TASK_FINISHED", "TASK_FAILED", "TASK_ERROR"),
        *("TASK_LOST", "TASK_KILLED", "TASK_DROPPED"),
    )
    leader.write(TODAY + MINUTE_MS)
    assert leader.results(MINUTE) == [(0, 2, 3)]


def test_a_task_that_finished_although_its_code_raised_is_a_failure(leader: Leader) -> None:
    ends = [
        msgspec.structs.replace(
            samples.status_trace(f"t{number}", TODAY + 1, state="TASK_FINISHED"),
            attempt_end=AttemptEnd(number + 1, 1, TODAY, TODAY, success),
        )
        for number, success in enumerate((True, False, False))
    ]
    assert leader.store.commit(leader.epoch, Changes(status_traces=ends))
    leader.write(TODAY + DAY_MS)

    assert leader.results(MINUTE)[0] == leader.results(DAY)[0] == (0, 1, 2)


def test_each_execution_of_a_daemon_counts_and_those_of_other_jobs_do_by_their_tasks(leader: Leader) -> None:
    executions = [
        msgspec.structs.replace(
            samples.execution(f"t{number}", TODAY), complete_ms=TODAY + 1, is_success=success, app_name=app
        )
        for number, (app, success) in enumerate([("app", True), ("app", False), ("app", True), ("", False)])
    ]
    assert leader.store.commit(leader.epoch, Changes(executions=executions))
    leader.trace(TODAY, "TASK_FAILED")
    leader.write(TODAY + MINUTE_MS)

    assert leader.results(MINUTE) == [(0, 2, 2)]


def test_an_interval_is_counted_once_it_has_ended(leader: Leader) -> None:
    leader.trace(TODAY + MINUTE_MS - 1, "TASK_FINISHED")
    leader.trace(TODAY + MINUTE_MS, "TASK_FAILED")
    leader.write(TODAY + MINUTE_MS - 1)
    assert leader.results(MINUTE) == []
    leader.write(TODAY + MINUTE_MS)
    assert leader.results(MINUTE) == [(0, 1, 0)]
    leader.write(TODAY + 2 * MINUTE_MS)
    assert leader.results(MINUTE) == [(0, 1, 0), (MINUTE_MS, 0, 1)]
    assert leader.results(HOUR) == leader.results(DAY) == []


def test_a_minute_in_which_nothing_ended_counts_as_zero(leader: Leader) -> None:
    leader.trace(TODAY, "TASK_FINISHED")
    leader.write(TODAY + 3 * MINUTE_MS)
    assert leader.results(MINUTE) == [(0, 1, 0), (MINUTE_MS, 0, 0), (2 * MINUTE_MS, 0, 0)]


def test_hours_are_sums_of_minutes_and_days_of_hours(leader: Leader) -> None:
    leader.trace(TODAY + MINUTE_MS, "TASK_FINISHED", "TASK_FAILED")
    leader.trace(TODAY + 59 * MINUTE_MS, "TASK_FINISHED")
    leader.trace(TODAY + HOUR_MS, "TASK_LOST")
    leader.trace(TODAY + DAY_MS - 1, "TASK_FINISHED")
    leader.write(TODAY + DAY_MS)
    hours = leader.results(HOUR)
    assert [hours[0], hours[1], hours[-1]] == [(0, 2, 1), (HOUR_MS, 0, 1), (DAY_MS - HOUR_MS, 1, 0)]
    assert len(hours) == 24
    assert leader.results(DAY) == [(0, 3, 2)]


def test_writing_again_and_after_a_change_of_leader_counts_nothing_twice(open_store: StoreOpener) -> None:
    first = Leader(open_store())
    first.trace(TODAY, "TASK_FINISHED", "TASK_FAILED")
    first.write(TODAY + HOUR_MS)
    first.write(TODAY + HOUR_MS)
    second = Leader(open_store())
    second.write(TODAY + HOUR_MS + 1)
    second.write(TODAY + HOUR_MS + MINUTE_MS)
    assert sum(count for _, count, _ in second.results(MINUTE)) == 1
    assert len(second.results(MINUTE)) == 61
    assert second.results(HOUR) == [(0, 1, 1)]


def test_a_scheduler_that_does_not_lead_writes_nothing(open_store: StoreOpener) -> None:
    old = Leader(open_store())
    old.trace(TODAY, "TASK_FINISHED")
    new = Leader(open_store())
    assert not old.store.write_statistics(old.epoch, TODAY + HOUR_MS, StatisticsSample(1, 1, 1))
    assert new.results(MINUTE) == []
    assert new.store.running_task_statistics(0) == []
    assert new.store.registered_job_statistics(0) == []


def test_a_trace_that_comes_late_is_added_to_the_minute_the_hour_and_the_day_it_belongs_to(
    leader: Leader,
) -> None:
    leader.trace(TODAY + DAY_MS - 1, "TASK_FINISHED")
    leader.write(TODAY + DAY_MS)
    leader.trace(TODAY + DAY_MS - 2, "TASK_FINISHED", "TASK_LOST")
    leader.write(TODAY + DAY_MS + 50 * MINUTE_MS)
    assert leader.results(MINUTE)[0] == (DAY_MS - MINUTE_MS, 2, 1)
    assert leader.results(HOUR) == [(DAY_MS - HOUR_MS, 2, 1)]
    assert leader.results(DAY) == [(0, 2, 1)]


def test_what_a_time_without_a_leader_left_out_is_made_up(leader: Leader) -> None:
    leader.trace(TODAY, "TASK_FINISHED")
    leader.write(TODAY + MINUTE_MS)
    # Committed just before a crash, and nobody leads for seven hours.
    leader.trace(TODAY + 2 * MINUTE_MS, "TASK_FAILED")
    leader.write(TODAY + 7 * HOUR_MS)
    assert leader.results(MINUTE)[:3] == [(0, 1, 0), (MINUTE_MS, 0, 0), (2 * MINUTE_MS, 0, 1)]
    assert leader.results(HOUR)[:2] == [(0, 1, 1), (HOUR_MS, 0, 0)]
    assert len(leader.results(HOUR)) == 7


def test_what_is_made_up_is_bounded(leader: Leader) -> None:
    leader.trace(TODAY, "TASK_FINISHED")
    leader.write(TODAY + MINUTE_MS)
    leader.trace(TODAY + MINUTE_MS, "TASK_FAILED")
    leader.write(TODAY + 400 * DAY_MS)
    assert len(leader.results(MINUTE)) <= 3 * 1440
    assert len(leader.results(HOUR)) <= 3 * 24
    assert len(leader.results(DAY)) <= 31


def test_counts_stay_when_the_traces_are_pruned(leader: Leader) -> None:
    leader.trace(TODAY, "TASK_FINISHED", "TASK_FAILED")
    leader.write(TODAY + MINUTE_MS)
    assert leader.store.prune_history(TODAY + MINUTE_MS, 1000) == 2
    leader.write(TODAY + 2 * MINUTE_MS)
    leader.write(TODAY + DAY_MS)
    assert leader.results(MINUTE)[0] == (0, 1, 1)
    assert leader.results(HOUR)[0] == leader.results(DAY)[0] == (0, 1, 1)


def test_minutes_go_after_days_and_days_stay_for_years(leader: Leader) -> None:
    leader.trace(TODAY, "TASK_FINISHED")
    leader.write(TODAY + DAY_MS)
    leader.write(TODAY + 3 * DAY_MS + MINUTE_MS)
    assert leader.results(MINUTE)[0][0] >= MINUTE_MS
    assert leader.results(HOUR)[0] == (0, 1, 0)
    leader.write(TODAY + 100 * DAY_MS)
    assert leader.results(HOUR)[0][0] >= 60 * DAY_MS
    assert leader.results(DAY)[0] == (0, 1, 0)
    leader.write(TODAY + 4000 * DAY_MS)
    assert leader.results(DAY)[0][0] >= 340 * DAY_MS


def test_samples_are_kept_for_each_minute_of_a_week_and_each_day(leader: Leader) -> None:
    leader.write(TODAY + 1, StatisticsSample(5, 2, 7))
    leader.write(TODAY + 2, StatisticsSample(6, 3, 8))
    leader.write(TODAY + MINUTE_MS, StatisticsSample(1, 1, 9))
    store = leader.store
    tasks = [(it.statistics_ms - TODAY, it.running_count) for it in store.running_task_statistics(TODAY)]
    jobs = [(it.statistics_ms - TODAY, it.running_count) for it in store.running_job_statistics(TODAY)]
    days = [(it.statistics_ms, it.registered_count) for it in store.registered_job_statistics(0)]
    assert tasks == [(0, 6), (MINUTE_MS, 1)]
    assert jobs == [(0, 3), (MINUTE_MS, 1)]
    assert days == [(TODAY, 9)]
    leader.write(TODAY + 9 * DAY_MS, StatisticsSample(4, 4, 4))
    assert [it.running_count for it in store.running_task_statistics(0)] == [4]
    assert [it.running_count for it in store.running_job_statistics(0)] == [4]
    assert [it.registered_count for it in store.registered_job_statistics(0)] == [9, 4]


def test_what_was_written_while_the_clock_was_ahead_goes_again(leader: Leader) -> None:
    leader.trace(TODAY, "TASK_FINISHED")
    leader.write(TODAY + MINUTE_MS)
    leader.write(TODAY + 5 * DAY_MS, StatisticsSample(1, 1, 1))
    leader.write(TODAY + 2 * MINUTE_MS)
    assert leader.results(MINUTE) == [(0, 1, 0), (MINUTE_MS, 0, 0)]
    assert leader.results(HOUR) == leader.results(DAY) == []
    assert [it.statistics_ms for it in leader.store.running_task_statistics(TODAY + HOUR_MS)] == []


def test_a_sum_takes_each_task_once_up_to_the_last_minute_that_ended(leader: Leader) -> None:
    for time_ms in (0, DAY_MS + 1, 2 * DAY_MS + 1, 2 * DAY_MS + HOUR_MS, 2 * DAY_MS + HOUR_MS + MINUTE_MS):
        leader.trace(TODAY + time_ms, "TASK_FINISHED", "TASK_LOST")
        leader.write(TODAY + time_ms + MINUTE_MS)
    leader.trace(TODAY + 2 * DAY_MS + HOUR_MS + 2 * MINUTE_MS, "TASK_FINISHED")
    leader.write(TODAY + 2 * DAY_MS + HOUR_MS + 2 * MINUTE_MS + 1)
    everything = leader.store.summed_task_results(0)
    assert everything is not None
    assert (everything.success_count, everything.failed_count, everything.statistics_ms) == (5, 5, TODAY)
    lately = leader.store.summed_task_results(TODAY + 2 * DAY_MS)
    assert lately is not None
    assert (lately.success_count, lately.failed_count, lately.statistics_ms) == (3, 3, TODAY + 2 * DAY_MS)


def test_there_are_no_statistics_before_the_first_task_ended(leader: Leader) -> None:
    leader.write(TODAY + DAY_MS)
    assert [leader.results(interval) for interval in StatisticInterval] == [[], [], []]
    assert leader.store.summed_task_results(0) is None


def ended(fire_id: int, ended_ms: int, outcome: RunState | None, **changes: object) -> FireRecord:
    fire = samples.fire(fire_id, FireState.COMPLETED, ended_ms=ended_ms)
    return msgspec.structs.replace(fire, outcome=outcome, shard_total=7, **changes)


def test_runs_are_counted_not_their_shards_and_at_once(open_store: StoreOpener) -> None:
    leader = Leader(open_store())
    fires = [
        ended(1, TODAY - 1, RunState.FAILED),
        ended(2, TODAY, RunState.SUCCEEDED),
        ended(3, TODAY + 1, RunState.FAILED, failed_tasks=3),
        ended(4, TODAY + 2, RunState.KILLED),
        ended(5, TODAY + 3, RunState.SUCCEEDED, source=FireSource.DAEMON),
        samples.fire(6, FireState.DROPPED),
        samples.fire(7, FireState.RUNNING),
    ]
    executions = [
        ExecutionTrace("d", "t", "h", "i", 0, "NORMAL", "", is_success, TODAY, TODAY, "app")
        for is_success in (True, True, False)
    ]
    assert leader.store.commit(
        leader.epoch, Changes(fires={it.fire_id: it for it in fires}, executions=executions)
    )
    leader.trace(TODAY, "TASK_FINISHED", "TASK_FAILED")  # of shards
    again = Leader(open_store()).store
    assert again.run_counts(TODAY) == RunCounts(succeeded=3, failed=2)
    assert again.run_counts(TODAY - MINUTE_MS) == RunCounts(succeeded=3, failed=3)
    assert again.run_counts(TODAY + MINUTE_MS) == RunCounts(succeeded=0, failed=0)


def test_counted_runs_are_not_added_to_the_results_of_tasks(leader: Leader) -> None:
    leader.trace(TODAY, "TASK_FINISHED")
    run = ended(1, TODAY, RunState.FAILED)
    assert leader.store.commit(leader.epoch, Changes(fires={1: run}))
    leader.write(TODAY + MINUTE_MS)
    assert leader.results(MINUTE) == [(0, 1, 0)]
