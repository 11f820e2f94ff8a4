"""Promises 1, 2 and 10 while clocks go back: New York shows 1:00 to 2:00 twice on 2026-11-01."""

import pytest

from elasticjob_cloud.model.fire import CRON_SOURCES
from elasticjob_cloud.scheduling.commands import (
    ApiCommand,
    RegisterJob,
    SetAppDisabled,
    SetJobDisabled,
    UpdateJob,
)
from tests.unit.scheduling.core_driver import HOUR_MS, MINUTE_MS, NOON_MS, CoreDriver, job

SECOND_PASS_MS = 1_793_512_800_000  # 2026-11-01T06:00:00Z
HALF_PAST_ONE_MS = SECOND_PASS_MS + 30 * MINUTE_MS
DAILY = job(cron="0 30 1 * * ?", time_zone="America/New_York", misfire=True)
ONCE = job("once", cron="0 30 1 1 11 ? 2026", time_zone="America/New_York")


def driver_at(moment_ms: int, driver: CoreDriver) -> CoreDriver:
    driver.pass_time(moment_ms - driver.wall_ms)
    return driver


def due_since(driver: CoreDriver, since_ms: int) -> list[int]:
    fires = driver.store.fires.values()
    return [fire.due_ms for fire in fires if fire.source in CRON_SOURCES and fire.due_ms >= since_ms]


@pytest.mark.parametrize("minutes_before", [61, 31, 30, 15, 1])
def test_1_restart_during_the_first_pass_loses_no_fire(minutes_before: int) -> None:
    driver = driver_at(SECOND_PASS_MS - minutes_before * MINUTE_MS, CoreDriver(DAILY, ONCE))

    driver.restart()
    assert driver.core.next_start_ms() == HALF_PAST_ONE_MS
    driver.pass_time(2 * HOUR_MS)

    assert due_since(driver, SECOND_PASS_MS - HOUR_MS) == [HALF_PAST_ONE_MS] * 2


def test_1_fire_that_came_due_while_nobody_led_is_made_up_after_a_crash_in_the_first_pass() -> None:
    driver = driver_at(SECOND_PASS_MS - MINUTE_MS, CoreDriver(DAILY))

    driver.restart(HOUR_MS)

    assert due_since(driver, SECOND_PASS_MS - HOUR_MS) == [HALF_PAST_ONE_MS]


def test_one_shot_can_be_registered_during_the_first_pass_whatever_the_clock_shows() -> None:
    driver = driver_at(SECOND_PASS_MS - MINUTE_MS, CoreDriver())

    driver.ask(RegisterJob(ONCE))

    assert driver.core.next_start_ms() == HALF_PAST_ONE_MS


@pytest.mark.parametrize(
    "commands",
    [
        [UpdateJob(job(cron=DAILY.cron, time_zone=DAILY.time_zone, description="new"))],
        [SetJobDisabled("job", disabled=True), SetJobDisabled("job", disabled=False)],
        [SetAppDisabled("app", disabled=True), SetAppDisabled("app", disabled=False)],
    ],
    ids=["update", "enable", "enable-app"],
)
def test_1_job_taken_up_again_during_the_first_pass_has_the_second_ahead(commands: list[ApiCommand]) -> None:
    driver = driver_at(SECOND_PASS_MS - MINUTE_MS, CoreDriver(DAILY))

    driver.ask(*commands)

    assert driver.core.next_start_ms() == HALF_PAST_ONE_MS


def test_2_restarts_all_through_a_change_of_clocks_repeat_no_fire_of_a_frequent_cron() -> None:
    begin_ms = SECOND_PASS_MS - 2 * HOUR_MS
    frequent = job(cron="0/20 * * * * ?", time_zone="America/New_York", misfire=True)
    driver = driver_at(begin_ms, CoreDriver())
    driver.ask(RegisterJob(frequent))

    for _ in range(4 * 60):
        driver.pass_time(55_000)
        driver.restart(5_000)

    hours = (begin_ms, SECOND_PASS_MS, SECOND_PASS_MS + HOUR_MS)  # the first pass is silent
    expected = [hour_ms + n * 20_000 for hour_ms in hours for n in range(180)]
    assert due_since(driver, NOON_MS) == [*expected, SECOND_PASS_MS + 2 * HOUR_MS][1:]
