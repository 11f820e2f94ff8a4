"""Promises 1, 2, 7 and 9 across a change of leader, and what agents that join tell it."""

import time

import pytest

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.messages import (
    ExecutorStarted,
    ExecutorStopped,
    Kill,
    Launch,
    RemoveApp,
    StopExecutor,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.scheduling.commands import (
    DeleteApp,
    DeregisterJob,
    PublishApp,
    RegisterJob,
    SetJobDisabled,
    TriggerJob,
    UpdateApp,
)
from tests.unit.scheduling.core_driver import (
    EVERY_MINUTE,
    EVERY_SECOND,
    HOUR_MS,
    MINUTE_MS,
    NOON_MS,
    CoreDriver,
    app,
    daemon,
    job,
)

WEEK_MS = 7 * 24 * HOUR_MS
WAITING, DROPPED, COMPLETED = FireState.WAITING, FireState.DROPPED, FireState.COMPLETED


def test_7_fires_of_a_time_without_a_leader_are_dropped_in_one_record() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE), job("other", cron=EVERY_MINUTE))

    driver.restart(10 * MINUTE_MS)

    (fire,) = driver.fires(DROPPED)
    assert (fire.count, fire.due_ms, fire.last_due_ms) == (
        10,
        NOON_MS + MINUTE_MS,
        NOON_MS + 10 * MINUTE_MS,
    )
    assert driver.core.next_start_ms() == NOON_MS + 11 * MINUTE_MS


def test_7_fires_of_a_time_without_a_leader_are_made_up_oldest_first_up_to_the_limit() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE, misfire=True))

    driver.restart(3 * HOUR_MS)

    assert [fire.due_ms for fire in driver.fires(WAITING)] == [NOON_MS + n * MINUTE_MS for n in range(1, 101)]
    assert [(fire.reason, fire.count) for fire in driver.fires(DROPPED)] == [("misfired", 80)]


def test_7_a_short_time_without_a_leader_loses_nothing() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE, misfire=True))

    driver.restart(10 * MINUTE_MS)

    assert len(driver.fires(WAITING)) == 10
    assert not driver.fires(DROPPED)


def test_7_what_is_made_up_is_bounded_by_the_ready_queue() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE, misfire=True), settings=CoreSettings(job_state_queue_size=5))

    driver.restart(HOUR_MS)

    assert len(driver.fires(WAITING)) == 5
    assert [(fire.reason, fire.count) for fire in driver.fires(DROPPED)] == [("queue full", 55)]


def test_7_a_week_without_a_leader_costs_a_job_of_every_second_no_time() -> None:
    driver = CoreDriver(job(cron=EVERY_SECOND, misfire=True), job("hourly", cron="0 0 * * * ?"))
    started = time.process_time()

    driver.restart(WEEK_MS)

    assert time.process_time() - started < 1
    assert sum(fire.count for fire in driver.store.fires.values()) == 7 * 24 * 3_600 + 7 * 24


def test_1_what_waits_goes_on_waiting_under_a_new_leader() -> None:
    driver = CoreDriver(job(), agents=0)
    driver.ask(TriggerJob("job"))
    driver.restart()

    driver.join()

    assert driver.launched()


def test_2_staging_tasks_are_sent_again_to_an_agent_that_does_not_hold_them() -> None:
    driver = CoreDriver(job(sharding_total_count=2))
    driver.ask(TriggerJob("job"))
    task_ids = driver.launched()
    driver.restart()
    assert not driver.last.commands

    driver.join()

    assert driver.launched() == task_ids
    assert len(driver.sent(Launch)) == 1


def test_2_tasks_that_an_agent_holds_are_not_sent_again() -> None:
    driver = CoreDriver(job(), job("other"))
    driver.ask(TriggerJob("job"), TriggerJob("other"))
    staging, running = driver.task(), driver.task("other")
    driver.tell(driver.status(running, TaskState.RUNNING))
    driver.restart()

    driver.join(
        "agent-0", driver.status(staging, TaskState.STAGING), driver.status(running, TaskState.RUNNING)
    )

    assert not driver.last.commands


def test_2_the_end_of_a_task_is_taken_from_the_inventory() -> None:
    driver = CoreDriver(job())
    driver.ask(TriggerJob("job"))
    task = driver.task()
    driver.restart()

    driver.join("agent-0", driver.status(task, TaskState.FINISHED))

    assert driver.fires(COMPLETED)
    assert not driver.last.commands


def test_1_a_running_task_that_its_agent_does_not_know_is_lost() -> None:
    driver = CoreDriver(job())
    driver.ask(TriggerJob("job"))
    driver.tell(driver.status(driver.task(), TaskState.RUNNING))

    driver.join()

    assert driver.last.ended == {"TASK_LOST": 1}
    assert driver.fires(COMPLETED)


def test_5_a_task_that_the_scheduler_does_not_know_is_killed() -> None:
    driver = CoreDriver()
    task_id = "job@-@0@-@READY@-@agent-0@-@1"

    driver.join("agent-0", TaskStatus(task_id, TaskState.RUNNING, NOON_MS))

    assert driver.killed() == [task_id]


def test_5_an_agent_that_is_gone_is_sent_nothing() -> None:
    driver = CoreDriver(job())
    driver.lose()

    driver.tell(
        TaskStatus("job@-@0@-@READY@-@agent-0@-@1", TaskState.RUNNING, NOON_MS), ExecutorStarted("app")
    )
    driver.tell(
        TaskStatus("job@-@0@-@READY@-@agent-0@-@1", TaskState.KILLED, NOON_MS), ExecutorStopped("app")
    )
    driver.lose()

    assert not driver.last.commands
    assert not driver.core.state.agents


def test_a_kill_that_was_lost_is_sent_again_when_the_agent_is_back() -> None:
    driver = CoreDriver(job())
    driver.ask(TriggerJob("job"))
    task = driver.task()
    driver.ask(SetJobDisabled("job", disabled=True))
    driver.restart()
    assert not driver.sent(Kill)

    driver.join("agent-0", driver.status(task, TaskState.RUNNING))

    assert driver.killed() == [task.task_id]


def test_the_last_task_of_a_removed_job_ends_under_a_new_leader() -> None:
    driver = CoreDriver(job(failover=True))
    driver.ask(TriggerJob("job"))
    task = driver.task()
    driver.ask(DeregisterJob("job"))
    driver.restart()
    driver.join("agent-0", driver.status(task, TaskState.RUNNING))

    driver.end(task, TaskState.LOST)

    assert driver.fires(COMPLETED)
    assert not driver.store.failovers


def test_a_shard_that_waits_for_its_backoff_goes_on_waiting_under_a_new_leader() -> None:
    driver = CoreDriver(job(failover=True))
    driver.ask(TriggerJob("job"))
    driver.end(driver.task(), TaskState.FAILED)
    driver.restart()
    driver.join()
    assert not driver.tasks()

    driver.pass_time(1_000)

    assert driver.task().attempt == 2


def test_a_daemon_that_never_got_its_fire_has_one_from_a_new_leader() -> None:
    driver = CoreDriver(daemon(), daemon("idle"))
    driver.store.fires = {key: it for key, it in driver.store.fires.items() if it.job_name != "idle"}
    driver.store.tasks = {key: it for key, it in driver.store.tasks.items() if it.job_name != "idle"}

    driver.restart()
    driver.join()

    assert len(driver.tasks("idle")) == len(driver.tasks("job")) == 1


def test_a_new_leader_leaves_disabled_jobs_alone() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE), daemon("daemon"), job("by-hand"))
    for name in ("job", "daemon", "by-hand"):
        driver.ask(SetJobDisabled(name, disabled=True))

    driver.restart(HOUR_MS)

    assert not driver.fires(DROPPED)
    assert driver.core.next_start_ms() is None


def test_4_a_running_executor_keeps_the_room_that_it_was_started_with() -> None:
    driver = CoreDriver(job(props={}))
    driver.ask(TriggerJob("job"))
    task = driver.task()
    driver.tell(ExecutorStarted("app"))
    driver.ask(UpdateApp("app", {"cpu_count": 2.5}))

    driver.join("agent-0", driver.status(task, TaskState.RUNNING), executors=("app",))

    assert driver.core.state.agents["agent-0"].used().milli_cpus == 2_000


def test_an_executor_of_an_unknown_app_is_removed() -> None:
    driver = CoreDriver()

    driver.join("agent-0", executors=("gone",))

    assert driver.sent(RemoveApp) == [RemoveApp("gone")]


def test_a_deleted_app_is_removed_everywhere_once_its_tasks_have_ended() -> None:
    driver = CoreDriver(job(), agents=2)
    driver.ask(TriggerJob("job"))
    task = driver.task()
    driver.ask(DeleteApp("app"))
    assert driver.store.apps["app"].removing
    driver.restart()
    for agent_id in ("agent-0", "agent-1"):
        driver.join(agent_id)

    driver.end(task, TaskState.KILLED)

    assert set(driver.last.commands) == {"agent-0", "agent-1"}
    assert not driver.store.apps
    driver.ask(PublishApp(app()), RegisterJob(job()))


def test_no_executor_is_stopped_where_that_would_not_help() -> None:
    driver = CoreDriver(job(props={}))
    driver.ask(TriggerJob("job"))
    driver.tell(ExecutorStarted("app"))
    driver.end(driver.task())
    driver.ask(RegisterJob(job("huge", cpu_count=99)))

    driver.ask(TriggerJob("huge"))

    assert not driver.sent(StopExecutor)


@pytest.mark.parametrize("gap_ms", [-HOUR_MS, -MINUTE_MS])
def test_10_a_clock_that_went_back_while_nobody_led_repeats_no_fire(gap_ms: int) -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.pass_time(MINUTE_MS)
    driver.end(driver.task())

    driver.restart(gap_ms)
    driver.join()
    driver.pass_time(-gap_ms)

    assert len(driver.store.fires) == 1
