"""Promises 1, 2, 7, 8 and 10: what becomes of a due time and of a trigger."""

import pytest

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.fire import FireSource, FireState
from elasticjob_cloud.model.messages import Launch
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.scheduling.commands import (
    DeregisterJob,
    RegisterJob,
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
    app,
    daemon,
    job,
)

WAITING, RUNNING, COMPLETED, DROPPED = (
    FireState.WAITING,
    FireState.RUNNING,
    FireState.COMPLETED,
    FireState.DROPPED,
)
SMALL_QUEUE = CoreSettings(job_state_queue_size=2)


def test_1_a_due_job_is_launched_and_its_fire_recorded() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    assert driver.core.next_due_ms() == NOON_MS + MINUTE_MS

    driver.pass_time(MINUTE_MS)

    (fire,) = driver.fires(RUNNING)
    assert (fire.due_ms, fire.source) == (NOON_MS + MINUTE_MS, FireSource.CRON)
    assert driver.launched() == [driver.task().task_id]
    assert driver.last.lateness_ms == [0]


def test_1_a_completed_run_says_so_and_leaves_nothing_behind() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.pass_time(MINUTE_MS)

    driver.end(driver.task())

    assert [fire.failed_tasks for fire in driver.fires(COMPLETED)] == [0]
    assert not driver.tasks()
    assert driver.last.ended == {"TASK_FINISHED": 1}
    assert driver.core.state.agents["agent-0"].used() == (0, 0)


def test_1_a_fire_that_waits_when_its_job_is_disabled_is_recorded_as_such() -> None:
    driver = CoreDriver(job(), agents=0)
    driver.ask(TriggerJob("job"))

    driver.ask(SetJobDisabled("job", disabled=True))

    assert [fire.reason for fire in driver.fires(DROPPED)] == ["disabled"]
    assert driver.last.dropped == {"disabled": 1}


def test_1_a_fire_that_waits_when_its_job_is_removed_is_recorded_as_such() -> None:
    driver = CoreDriver(job(), agents=0)
    driver.ask(TriggerJob("job"))

    driver.ask(DeregisterJob("job"))

    assert [fire.reason for fire in driver.fires(DROPPED)] == ["removed"]


def test_1_disabling_a_job_swallows_no_fire_that_was_due_before() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.wall_ms += MINUTE_MS
    driver.monotonic_ms += MINUTE_MS

    driver.ask(SetJobDisabled("job", disabled=True))

    assert [fire.due_ms for fire in driver.fires(DROPPED)] == [NOON_MS + MINUTE_MS]


def test_2_a_task_is_in_the_rows_of_the_turn_that_launches_it() -> None:
    driver = CoreDriver(job())

    decisions = driver.ask(TriggerJob("job"))

    assert driver.launched() == list(decisions.changes.tasks)


def test_2_jobs_with_one_cron_fire_together_once_each() -> None:
    driver = CoreDriver(*(job(f"job-{number}", cron=EVERY_MINUTE) for number in range(3)))

    driver.pass_time(MINUTE_MS)
    driver.handle()

    assert len(driver.store.fires) == 3
    assert driver.core.next_due_ms() == NOON_MS + 2 * MINUTE_MS


def test_7_a_misfire_is_dropped_and_recorded() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.pass_time(MINUTE_MS)

    driver.pass_time(MINUTE_MS)

    assert [fire.reason for fire in driver.fires(DROPPED)] == ["misfired"]


def test_7_a_run_that_ended_before_the_next_fire_is_no_reason_to_misfire() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.pass_time(MINUTE_MS)
    driver.wall_ms += MINUTE_MS
    driver.monotonic_ms += MINUTE_MS

    driver.end(driver.task())

    assert not driver.fires(DROPPED)
    assert len(driver.fires(RUNNING)) == 1


def test_7_misfires_are_counted_and_run_one_after_another() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE, misfire=True))
    for _ in range(3):
        driver.pass_time(MINUTE_MS)
    assert len(driver.fires(WAITING)) == 2

    for _ in range(3):
        driver.end(driver.task())

    assert [fire.due_ms for fire in driver.fires(COMPLETED)] == [NOON_MS + n * MINUTE_MS for n in (1, 2, 3)]


def test_7_a_trigger_during_a_run_is_queued_whatever_misfire_says() -> None:
    driver = CoreDriver(job(misfire=False))
    driver.ask(TriggerJob("job"), TriggerJob("job"), TriggerJob("job"))

    assert len(driver.fires(WAITING)) == 2
    assert driver.core.explain_waiting("job") == "Waits until the job's earlier run has ended."


def test_8_a_fire_beyond_the_queue_is_dropped_and_a_trigger_refused() -> None:
    jobs = [job(f"job-{number}", cron=EVERY_MINUTE) for number in range(3)]
    driver = CoreDriver(*jobs, agents=0, settings=SMALL_QUEUE)
    driver.pass_time(MINUTE_MS)

    assert [fire.reason for fire in driver.fires(DROPPED, "job-2")] == ["queue full"]
    with pytest.raises(UnavailableError, match="ready queue is full"):
        driver.ask(TriggerJob("job-2"))


def test_8_fires_of_one_job_are_bounded_too() -> None:
    driver = CoreDriver(job(), agents=0, settings=SMALL_QUEUE)
    driver.ask(TriggerJob("job"), TriggerJob("job"))

    with pytest.raises(UnavailableError):
        driver.ask(TriggerJob("job"))


def test_8_what_can_start_at_once_takes_no_place_in_the_queue() -> None:
    jobs = [job(f"job-{number}", cron=EVERY_MINUTE, cpu_count=0.1) for number in range(9)]
    driver = CoreDriver(*jobs, settings=SMALL_QUEUE)

    driver.pass_time(MINUTE_MS)

    assert len(driver.store.tasks) == 9
    assert not driver.last.dropped


def test_8_room_that_was_freed_in_the_same_turn_counts_before_a_fire_is_dropped() -> None:
    driver = CoreDriver(job("long", cpu_count=4), settings=SMALL_QUEUE)
    driver.ask(TriggerJob("long"))
    driver.ask(RegisterJob(job("a")), RegisterJob(job("b")), RegisterJob(job("c", cron=EVERY_MINUTE)))
    driver.ask(TriggerJob("a"), TriggerJob("b"))
    driver.wall_ms += MINUTE_MS
    driver.monotonic_ms += MINUTE_MS

    driver.end(driver.task("long"))

    assert not driver.last.dropped
    assert len(driver.store.tasks) == 3


def test_10_a_clock_set_back_repeats_no_fire() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.pass_time(MINUTE_MS)
    driver.end(driver.task())

    driver.set_clock(-30 * SECOND_MS)
    driver.pass_time(30 * SECOND_MS)

    assert len(driver.store.fires) == 1


@pytest.mark.parametrize("afresh", ["updated", "enabled"])
def test_10_a_clock_set_back_repeats_no_fire_though_the_job_is_changed(afresh: str) -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.pass_time(MINUTE_MS)
    driver.end(driver.task())
    driver.set_clock(-30 * SECOND_MS)

    if afresh == "updated":
        driver.ask(UpdateJob(job(cron=EVERY_MINUTE, description="new")))
    else:
        driver.ask(SetJobDisabled("job", disabled=True))
        driver.ask(SetJobDisabled("job", disabled=False))
    driver.pass_time(30 * SECOND_MS)

    assert len(driver.store.fires) == 1
    driver.pass_time(MINUTE_MS)
    assert len(driver.store.fires) == 2


def test_10_fires_that_a_clock_set_forwards_skips_have_misfired() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.handle()

    driver.set_clock(HOUR_MS + 30 * SECOND_MS)

    (fire,) = driver.fires(DROPPED)
    assert (fire.reason, fire.count, fire.due_ms) == ("misfired", 60, NOON_MS + MINUTE_MS)
    assert fire.last_due_ms == NOON_MS + HOUR_MS
    assert driver.core.next_due_ms() == NOON_MS + HOUR_MS + MINUTE_MS


def test_10_skipped_fires_are_made_up_where_the_job_asks_for_it() -> None:
    driver = CoreDriver(job(cron=EVERY_SECOND, misfire=True))
    driver.handle()

    driver.set_clock(HOUR_MS)

    dropped = driver.fires(DROPPED)
    assert (
        len(driver.fires(WAITING)) + len(driver.fires(RUNNING)) == 101
    )  # the one that is due now came in time
    assert sum(fire.count for fire in dropped) == 3_499
    assert {fire.reason for fire in dropped} == {"misfired"}


def test_10_a_fire_is_never_early() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))

    driver.pass_time(MINUTE_MS - 1)

    assert not driver.store.fires


def test_10_a_cron_is_evaluated_in_the_zone_of_its_job() -> None:
    driver = CoreDriver(job(cron="0 30 21 * * ?", time_zone="Asia/Shanghai"))

    assert driver.core.next_due_ms() == NOON_MS + HOUR_MS + 30 * MINUTE_MS


def test_10_a_cron_that_has_come_to_its_end_fires_no_more() -> None:
    driver = CoreDriver(job(cron="0 1 12 26 10 ? 2026"))

    driver.pass_time(MINUTE_MS)

    assert len(driver.store.fires) == 1
    assert driver.core.next_due_ms() is None


def test_daemon_is_fired_once_and_by_no_cron() -> None:
    driver = CoreDriver(daemon(cron=EVERY_MINUTE))

    driver.pass_time(HOUR_MS)

    assert [fire.source for fire in driver.fires(RUNNING)] == [FireSource.DAEMON]
    assert driver.core.next_due_ms() is None


def test_10_a_daemon_is_told_the_zone_that_its_cron_is_evaluated_in() -> None:
    driver = CoreDriver(daemon(cron=EVERY_MINUTE), settings=CoreSettings(time_zone="Asia/Shanghai"))

    (launch,) = driver.sent(Launch)

    assert launch.job.time_zone == "Asia/Shanghai"


def test_10_jobs_that_are_due_at_once_are_fired_over_several_turns() -> None:
    jobs = [job(f"job-{number}", cron=EVERY_MINUTE, cpu_count=0.1) for number in range(5)]
    driver = CoreDriver(*jobs, settings=CoreSettings(fires_a_turn=2))

    driver.pass_time(MINUTE_MS)
    turns = [len(driver.launched())]
    while driver.core.next_due_ms() == NOON_MS + MINUTE_MS:
        driver.pass_time(0)
        turns.append(len(driver.launched()))

    assert turns == [2, 2, 1]
    assert [fire.due_ms for fire in driver.fires(RUNNING, "job-4")] == [NOON_MS + MINUTE_MS]


def test_an_app_and_its_executor_come_with_each_launch() -> None:
    driver = CoreDriver(job(sharding_total_count=2, sharding_item_parameters="0=Beijing", props={}))

    driver.ask(TriggerJob("job"))

    (launch,) = driver.sent(Launch)
    assert launch.app == app()
    assert [(spec.item, spec.parameter) for spec in launch.tasks] == [(0, "Beijing"), (1, "")]
    assert {task.state for task in driver.tasks()} == {TaskState.STAGING}
