"""Promise 10, after a clock that was ahead: jobs go on where they are told to, and repeat nothing that ran."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.scheduling.commands import (
    ApiCommand,
    DeregisterJob,
    ReconcileClock,
    SetJobDisabled,
    UpdateJob,
)
from elasticjob_cloud.scheduling.fires.rewinding import joined, without
from tests.unit.scheduling.core_driver import EVERY_MINUTE, HOUR_MS, MINUTE_MS, NOON_MS, CoreDriver, job

YEAR_MS = 365 * 24 * HOUR_MS
REPAIRS: list[ApiCommand] = [
    ReconcileClock(),
    UpdateJob(job(cron=EVERY_MINUTE, misfire=True, description="new")),
]


def _run_minutes(driver: CoreDriver, minutes: int) -> list[int]:
    """Let minutes pass; give when the job ran, in minutes after noon."""
    ran = []
    for _ in range(minutes):
        driver.pass_time(MINUTE_MS)
        for task in driver.tasks():
            due_ms = driver.store.fires[task.fire_id].due_ms
            ran.append((due_ms - NOON_MS) // MINUTE_MS)
            driver.end(task)
    return ran


def _silenced(*, misfire: bool = False, limit: int = 0) -> CoreDriver:
    settings = CoreSettings(misfire_limit=limit)
    driver = CoreDriver(job(cron=EVERY_MINUTE, misfire=misfire), settings=settings)
    driver.set_clock(YEAR_MS)
    while driver.core.state.backlog:
        driver.handle()
    for task in driver.tasks():
        driver.end(task)
    driver.set_clock(-YEAR_MS)
    return driver


def test_a_clock_that_is_wrong_for_a_moment_only_silences_nothing() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.set_clock(10 * YEAR_MS)
    assert driver.core.state.backlog  # so many fires take more than a turn to count

    driver.set_clock(-10 * YEAR_MS)

    assert _run_minutes(driver, 2) == [1, 2]


def test_jobs_that_a_wrong_clock_silenced_are_told_of() -> None:
    driver = _silenced()

    assert driver.last.ahead == ("job", NOON_MS + YEAR_MS)
    assert len(driver.core.state.ahead) == 1
    driver.restart()
    assert driver.last.ahead == ("job", NOON_MS + YEAR_MS)
    driver.pass_time(MINUTE_MS)
    assert driver.last.ahead is None


def test_a_small_correction_is_not_told_of() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.pass_time(MINUTE_MS)

    driver.set_clock(-30_000)

    assert driver.last.ahead is None


@pytest.mark.parametrize("repair", REPAIRS, ids=lambda it: type(it).__name__)
@pytest.mark.parametrize("crash", ["none", "before", "after"])
def test_a_job_that_a_wrong_clock_silenced_goes_on_when_it_is_repaired(
    repair: ApiCommand, crash: str
) -> None:
    driver = _silenced()
    assert _run_minutes(driver, 3) == []
    if crash == "before":
        driver.restart()
        driver.join()

    driver.ask(repair)
    if crash == "after":
        driver.restart()
        driver.join()

    assert _run_minutes(driver, 3) == [4, 5, 6]
    assert not driver.core.state.ahead


@pytest.mark.parametrize("repair", REPAIRS, ids=lambda it: type(it).__name__)
@pytest.mark.parametrize("crash", [False, True])
def test_what_ran_while_the_clock_was_ahead_does_not_run_again(repair: ApiCommand, crash: bool) -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.set_clock(10 * MINUTE_MS + 5_000)
    assert _run_minutes(driver, 3) == [11, 12, 13]
    driver.set_clock(-13 * MINUTE_MS - 5_000)

    driver.ask(repair)
    if crash:
        driver.restart()
        driver.join()

    assert _run_minutes(driver, 15) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15]


def test_made_up_fires_that_ran_early_do_not_run_again() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE, misfire=True), settings=CoreSettings(misfire_limit=3))
    driver.set_clock(10 * MINUTE_MS + 5_000)
    early = _run_minutes(driver, 6)
    assert early[:3] == [1, 2, 3]
    driver.set_clock(-16 * MINUTE_MS - 5_000)

    driver.ask(ReconcileClock())
    late = _run_minutes(driver, 30)

    assert sorted(early + late) == list(range(1, 31))


def test_a_time_without_a_leader_passes_over_what_ran_while_the_clock_was_ahead() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.set_clock(10 * MINUTE_MS + 5_000)
    assert len(_run_minutes(driver, 3)) == 3
    driver.set_clock(-13 * MINUTE_MS - 5_000)
    driver.ask(ReconcileClock())

    driver.restart(20 * MINUTE_MS)

    (missed,) = (it for it in driver.store.fires.values() if it.recorded_ms == driver.wall_ms)
    assert missed.count == 20 - 3


def test_a_second_wrong_clock_repeats_nothing_either() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    ran: list[int] = []
    for _ in range(3):
        driver.set_clock(10 * MINUTE_MS + 5_000)
        ran += _run_minutes(driver, 2)
        driver.set_clock(-12 * MINUTE_MS - 5_000)
        driver.ask(ReconcileClock())
        ran += _run_minutes(driver, 1)
    ran += _run_minutes(driver, 30)

    assert len(ran) == len(set(ran))
    assert max(ran) == 33


def test_a_repair_that_nothing_needs_changes_nothing() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE), job("off", cron=EVERY_MINUTE))
    driver.ask(SetJobDisabled("off", disabled=True))
    driver.pass_time(MINUTE_MS)
    driver.end(driver.task())

    assert not driver.ask(ReconcileClock()).changes


@pytest.mark.parametrize(
    "command", [SetJobDisabled("job", disabled=True), DeregisterJob("job")], ids=lambda it: type(it).__name__
)
def test_jobs_that_are_stopped_or_gone_are_not_told_of(command: ApiCommand) -> None:
    driver = _silenced()

    driver.ask(command)

    assert not driver.core.state.ahead
    assert isinstance(command, SetJobDisabled) or not driver.store.spans


def test_a_job_that_is_enabled_though_the_clock_was_ahead_is_told_of() -> None:
    driver = _silenced()
    driver.ask(SetJobDisabled("job", disabled=True))

    driver.ask(SetJobDisabled("job", disabled=False))

    assert len(driver.core.state.ahead) == 1


def test_the_time_that_silenced_a_job_may_come() -> None:
    driver = _silenced()

    driver.pass_time(YEAR_MS)

    assert not driver.core.state.ahead


_SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda it: (min(it), max(it))))


def _instants(spans: object) -> set[int]:
    return {at for first, last in spans for at in range(first, last + 1)}  # type: ignore[attr-defined]


@given(_SPANS)
def test_joined_spans_hold_the_same_instants_and_lie_apart(spans: list[tuple[int, int]]) -> None:
    result = joined(spans)

    assert _instants(result) == _instants(spans)
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(result))


@given(st.tuples(st.integers(0, 15), st.integers(15, 30)), _SPANS)
def test_a_span_without_others_holds_the_rest(span: tuple[int, int], others: list[tuple[int, int]]) -> None:
    assert _instants(without(span, others)) == _instants([span]) - _instants(others)
