"""What came due is recorded in slices, once and in order, whatever the clock and the API do meanwhile."""

from collections import Counter

import pytest

from elasticjob_cloud.model.errors import ElasticJobError
from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.records import FireRecord
from elasticjob_cloud.scheduling import CoreSettings, Request
from elasticjob_cloud.scheduling.commands import (
    ApiCommand,
    DeregisterJob,
    RegisterJob,
    SetAppDisabled,
    SetJobDisabled,
    TriggerJob,
    UpdateJob,
)
from tests.unit.scheduling.core_driver import (
    EVERY_MINUTE,
    EVERY_SECOND,
    HOUR_MS,
    MINUTE_MS,
    NOON_MS,
    SECOND_MS,
    CoreDriver,
    job,
)

DAY_MS = 24 * HOUR_MS
SLICES = CoreSettings(fires_a_turn=2, cron_searches_a_turn=5)


def _recorded(driver: CoreDriver) -> Counter[tuple[str, int]]:
    fires = driver.store.fires.values()
    assert all(fire.count == 1 for fire in fires)
    return Counter((fire.job_name, fire.due_ms) for fire in fires)


def _catch_up(driver: CoreDriver) -> int:
    turns = 0
    while (due_ms := driver.core.next_due_ms()) is not None and due_ms <= driver.wall_ms:
        driver.handle()
        turns += 1
    return turns


def _jobs(count: int, cron: str = EVERY_SECOND, *, misfire: bool = True) -> list[JobConfiguration]:
    return [job(f"job-{n}", cron=cron, cpu_count=0.001, memory_mb=1, misfire=misfire) for n in range(count)]


@pytest.mark.parametrize("jump_ms", [5 * SECOND_MS, -5 * SECOND_MS])
@pytest.mark.parametrize("turns_before_crash", range(6))
def test_2_a_clock_that_jumps_over_a_backlog_has_no_fire_recorded_twice(
    jump_ms: int, turns_before_crash: int
) -> None:
    driver = CoreDriver(*_jobs(5), settings=SLICES)
    driver.pass_time(SECOND_MS)
    driver.set_clock(jump_ms)
    for _ in range(turns_before_crash):
        driver.handle()

    driver.restart(gap_ms=200)
    _catch_up(driver)
    driver.pass_time(10 * SECOND_MS)
    _catch_up(driver)

    last_ms = driver.wall_ms // SECOND_MS * SECOND_MS
    expected = {
        (f"job-{n}", due_ms)
        for n in range(5)
        for due_ms in range(NOON_MS + SECOND_MS, last_ms + 1, SECOND_MS)
    }
    assert _recorded(driver) == Counter(expected)


def test_10_how_far_a_cron_was_evaluated_never_goes_back() -> None:
    driver = CoreDriver(*_jobs(5), settings=SLICES)
    driver.pass_time(SECOND_MS)
    seen = dict(driver.store.schedules)

    driver.set_clock(HOUR_MS)
    while driver.core.state.backlog:
        driver.handle()
        assert all(driver.store.schedules[name] >= at_ms for name, at_ms in seen.items())
        seen = dict(driver.store.schedules)

    assert set(seen.values()) == {driver.wall_ms}


def test_a_long_time_without_a_leader_is_taken_up_over_many_short_turns() -> None:
    crons = [f"{n} {n} * * * ?" for n in range(40)]
    jobs = [
        job(f"job-{n}", cron=cron, misfire=n % 2 == 0, memory_mb=1, cpu_count=0.001)
        for n, cron in enumerate(crons)
    ]
    driver = CoreDriver(*jobs, settings=CoreSettings(fires_a_turn=20, cron_searches_a_turn=50))

    driver.restart(7 * DAY_MS)
    rows = [len(driver.last.changes.fires)]
    while driver.core.state.backlog:
        driver.handle()
        rows.append(len(driver.last.changes.fires))

    assert len(rows) > 40
    assert max(rows) <= 20 + 101
    assert sum(fire.count for fire in driver.store.fires.values()) == 40 * 7 * 24


def test_jobs_that_are_due_run_while_others_are_still_taken_up() -> None:
    jobs = [job(f"job-{n}", cron=f"{n} * * * * ?", cpu_count=0.001, memory_mb=1) for n in range(10)]
    driver = CoreDriver(*jobs, settings=CoreSettings(fires_a_turn=2, cron_searches_a_turn=20))
    driver.restart(DAY_MS)
    driver.join()
    assert driver.core.state.backlog

    driver.pass_time(MINUTE_MS)

    assert driver.launched()
    assert driver.core.state.backlog


def test_one_command_does_not_have_all_that_is_due_recorded_in_its_turn() -> None:
    jobs = [job(f"job-{n}", cron=EVERY_MINUTE, cpu_count=0.001, memory_mb=1) for n in range(50)]
    driver = CoreDriver(*jobs, job("other"), settings=CoreSettings(fires_a_turn=5))

    driver.wall_ms += MINUTE_MS
    driver.monotonic_ms += MINUTE_MS
    driver.ask(TriggerJob("other"))

    assert len(driver.last.changes.fires) == 6
    assert _catch_up(driver) == 9


@pytest.mark.parametrize(
    "command",
    [
        TriggerJob("job-9"),
        SetJobDisabled("job-9", disabled=True),
        DeregisterJob("job-9"),
        UpdateJob(job("job-9", cron="0 0 0 1 1 ?")),
        SetAppDisabled("app", disabled=True),
    ],
    ids=lambda it: type(it).__name__,
)
def test_1_a_command_swallows_no_fire_of_its_job_that_was_due_before(command: ApiCommand) -> None:
    jobs = [job(f"job-{n}", cron=EVERY_MINUTE, cpu_count=0.001, memory_mb=1) for n in range(10)]
    driver = CoreDriver(*jobs, settings=CoreSettings(fires_a_turn=1))
    driver.wall_ms += MINUTE_MS
    driver.monotonic_ms += MINUTE_MS

    driver.ask(command)

    (fire,) = (it for it in driver.store.fires.values() if it.job_name == "job-9" and it.source == "CRON")
    assert fire.due_ms == NOON_MS + MINUTE_MS
    assert fire.reason != "misfired"


@pytest.mark.parametrize(
    "command",
    [
        SetJobDisabled("job-9", disabled=True),
        DeregisterJob("job-9"),
        UpdateJob(job("job-9", cron="0 0 0 1 1 ?")),
        SetAppDisabled("app", disabled=True),
    ],
    ids=lambda it: type(it).__name__,
)
def test_a_command_waits_until_the_missed_fires_of_its_jobs_are_counted(command: ApiCommand) -> None:
    driver = CoreDriver(*_jobs(10, EVERY_MINUTE), settings=SLICES)
    driver.restart(5 * MINUTE_MS)

    request = Request(1_000, command)
    decisions = driver.handle(request)
    assert decisions.deferred == [request]
    turns = 1
    while decisions.deferred:
        decisions = driver.handle(*decisions.deferred)
        turns += 1

    assert decisions.outcomes == {1_000: None}
    dues = [fire.due_ms for fire in driver.store.fires.values() if fire.job_name == "job-9"]
    assert dues == [NOON_MS + n * MINUTE_MS for n in range(1, 6)]
    if not isinstance(command, SetAppDisabled):  # one job alone does not wait for the others
        assert turns < 10
        assert driver.core.state.backlog


def test_commands_for_other_jobs_do_not_wait_for_those_that_are_taken_up() -> None:
    driver = CoreDriver(*_jobs(10, EVERY_MINUTE), settings=SLICES)
    driver.restart(HOUR_MS)

    outcomes = driver.handle(
        Request(1, RegisterJob(job("new"))), Request(2, TriggerJob("new")), Request(3, TriggerJob("job-9"))
    ).outcomes

    assert outcomes == dict.fromkeys((1, 2, 3))


def test_a_second_jump_while_the_first_is_taken_up_loses_and_repeats_nothing() -> None:
    driver = CoreDriver(*_jobs(6), settings=SLICES)
    driver.pass_time(SECOND_MS)
    driver.set_clock(10 * SECOND_MS)
    driver.set_clock(10 * SECOND_MS)
    driver.set_clock(-3 * SECOND_MS)
    driver.set_clock(10 * SECOND_MS)

    _catch_up(driver)

    seconds = (driver.wall_ms - NOON_MS) // SECOND_MS
    assert _recorded(driver) == Counter(
        {(f"job-{n}", NOON_MS + second * SECOND_MS) for n in range(6) for second in range(1, seconds + 1)}
    )


def test_lateness_is_never_negative() -> None:
    driver = CoreDriver(*_jobs(6), settings=SLICES)
    driver.pass_time(SECOND_MS)

    driver.set_clock(-HOUR_MS)

    assert driver.last.lateness_ms == [0, 0]


def _waiting(driver: CoreDriver) -> list[FireRecord]:
    return [it for it in driver.store.fires.values() if it.state is FireState.WAITING]


def test_7_made_up_fires_start_in_the_order_in_which_they_were_due() -> None:
    driver = CoreDriver(*_jobs(3, EVERY_MINUTE), settings=SLICES)

    driver.restart(3 * MINUTE_MS)
    _catch_up(driver)

    for name in ("job-0", "job-1", "job-2"):
        dues = [fire.due_ms for fire in _waiting(driver) if fire.job_name == name]
        assert dues == [NOON_MS + n * MINUTE_MS for n in (1, 2, 3)]


def test_a_refused_command_is_refused_though_fires_are_due() -> None:
    driver = CoreDriver(*_jobs(3, EVERY_MINUTE), settings=SLICES)
    driver.wall_ms += MINUTE_MS

    with pytest.raises(ElasticJobError):
        driver.ask(TriggerJob("nobody"))
