"""Promise 6: which shards of a run are started again, when, and how often."""

import pytest

from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.messages import (
    Execution,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState, TaskType
from elasticjob_cloud.scheduling.commands import (
    KillTask,
    PublishApp,
    RegisterJob,
    SetJobDisabled,
    TriggerJob,
    UpdateApp,
)
from tests.unit.scheduling.core_driver import (
    DROPPED,
    ERROR,
    EVERY_MINUTE,
    FAILED,
    FINISHED,
    HOUR_MS,
    KILLED,
    LOST,
    MINUTE_MS,
    SECOND_MS,
    CoreDriver,
    app,
    job,
    triggered,
)


def test_6_without_failover_a_task_that_is_lost_ends_its_shard() -> None:
    driver = triggered(job())

    driver.end(driver.task(), LOST)

    assert [fire.failed_tasks for fire in driver.fires(FireState.COMPLETED)] == [1]


def test_6_a_lost_task_is_started_again_at_once_on_another_agent() -> None:
    driver = triggered(job(failover=True), agents=2)
    old = driver.task()

    driver.lose(old.agent_id)

    new = driver.task()
    assert new.agent_id != old.agent_id
    assert (new.type, new.original_task_id, new.attempt) == (TaskType.FAILOVER, old.task_id, 1)


def test_6_the_agent_where_a_shard_failed_is_taken_when_there_is_no_other() -> None:
    driver = triggered(job(failover=True))

    driver.end(driver.task(), LOST)

    assert driver.task().agent_id == "agent-0"


def test_6_a_task_that_is_lost_as_soon_as_it_runs_is_started_once_a_second() -> None:
    driver = triggered(job(failover=True))
    original = driver.task().task_id
    driver.end(driver.task(), LOST)

    driver.end(driver.task(), LOST)
    assert not driver.tasks()
    assert driver.core.next_start_ms() == driver.wall_ms + SECOND_MS

    driver.pass_time(SECOND_MS)
    assert driver.task().original_task_id == original


@pytest.mark.parametrize("state", [FAILED, ERROR])
def test_6_a_shard_that_fails_is_started_three_times_with_growing_waits(state: TaskState) -> None:
    driver = triggered(job(failover=True))

    for wait_ms in (1 * SECOND_MS, 2 * SECOND_MS):
        driver.end(driver.task(), state)
        assert driver.core.next_start_ms() == driver.wall_ms + wait_ms
        driver.pass_time(wait_ms - 1)
        assert not driver.tasks()
        driver.pass_time(1)
    driver.end(driver.task(), state)

    assert not driver.store.failovers
    assert [fire.failed_tasks for fire in driver.fires(FireState.COMPLETED)] == [1]


def test_6_a_backoff_does_not_wait_longer_for_a_clock_set_back() -> None:
    driver = triggered(job(failover=True))
    driver.end(driver.task(), FAILED)

    driver.set_clock(-HOUR_MS)
    driver.pass_time(SECOND_MS)

    assert driver.tasks()


def test_6_a_backoff_does_not_wait_longer_for_a_clock_set_back_while_nobody_led() -> None:
    driver = triggered(job(failover=True))
    driver.end(driver.task(), FAILED)

    driver.restart(-HOUR_MS)

    due_ms = driver.core.next_start_ms()
    assert due_ms is not None
    assert due_ms <= driver.wall_ms + 5 * MINUTE_MS


def test_6_a_shard_that_found_no_room_is_started_when_some_is_freed() -> None:
    driver = triggered(job(failover=True, cpu_count=4))
    driver.lose()
    assert driver.store.failovers
    assert driver.core.next_start_ms() is None

    driver.join("agent-1")

    assert driver.tasks()
    assert not driver.store.failovers


def test_6_a_killed_task_is_not_started_again_whatever_its_end() -> None:
    for end in (KILLED, FAILED, LOST, DROPPED):
        driver = triggered(job(failover=True))
        driver.ask(KillTask(driver.task().task_id))
        assert driver.killed() == [driver.task().task_id]
        driver.end(driver.task(), end)
        assert driver.fires(FireState.COMPLETED), end


def test_6_only_a_live_task_can_be_killed() -> None:
    driver = CoreDriver(job())

    with pytest.raises(NotFoundError, match="has ended, or never was"):
        driver.ask(KillTask("job@-@0@-@READY@-@agent-0@-@0"))


def test_6_a_dropped_task_is_sent_again_after_a_second_though_failover_is_off() -> None:
    driver = triggered(job())
    driver.end(driver.task(), DROPPED)
    assert not driver.tasks()

    driver.pass_time(SECOND_MS)

    assert (driver.task().type, driver.task().attempt) == (TaskType.READY, 1)


def test_6_a_shard_that_waits_is_forgotten_when_its_job_is_disabled() -> None:
    driver = triggered(job(failover=True, cron=EVERY_MINUTE))
    driver.end(driver.task(), FAILED)

    driver.ask(SetJobDisabled("job", disabled=True))

    assert not driver.store.failovers
    assert driver.core.next_start_ms() is None
    driver.pass_time(SECOND_MS)
    assert [fire.reason for fire in driver.fires(FireState.COMPLETED)] == ["The job was disabled."]


def test_6_a_shard_whose_job_was_disabled_and_enabled_meanwhile_is_not_started_again() -> None:
    driver = triggered(job(failover=True))
    driver.end(driver.task(), FAILED)
    driver.ask(SetJobDisabled("job", disabled=True), SetJobDisabled("job", disabled=False))

    driver.pass_time(SECOND_MS)

    assert not driver.tasks()


def test_6_shards_that_find_no_room_all_wait_for_it() -> None:
    driver = triggered(job(failover=True, sharding_total_count=4))
    driver.lose()
    assert len(driver.store.failovers) == 4

    driver.join("agent-1", cpus=3)
    assert [task.item for task in driver.tasks()] == [0, 1, 2]
    driver.end(driver.tasks()[0])

    assert not driver.store.failovers


def test_6_a_shard_that_found_no_room_is_started_when_its_app_asks_for_less() -> None:
    driver = CoreDriver()
    driver.ask(PublishApp(app("big")), RegisterJob(job(app_name="big", props={}, failover=True)))
    driver.ask(TriggerJob("job"))
    driver.ask(UpdateApp("big", {"cpu_count": 9.0}))
    driver.lose()
    driver.join("agent-1")
    assert driver.store.failovers

    driver.ask(UpdateApp("big", {"cpu_count": 1.0}))

    assert driver.tasks()


def test_6_a_run_ends_when_all_of_its_shards_have() -> None:
    driver = triggered(job(sharding_total_count=3))
    first, second, third = driver.tasks()

    driver.end(first, FAILED)
    driver.end(second)
    assert not driver.fires(FireState.COMPLETED)
    driver.end(third)

    assert [fire.failed_tasks for fire in driver.fires(FireState.COMPLETED)] == [1]


def test_an_execution_of_a_failover_is_traced_as_such() -> None:
    driver = triggered(job(failover=True))
    driver.end(driver.task(), LOST)
    execution = Execution(driver.wall_ms, driver.wall_ms, success=True)

    driver.tell(TaskStatus(driver.task().task_id, FINISHED, driver.wall_ms, execution=execution))

    (trace,) = driver.store.executions
    assert (trace.execution_source, trace.hostname) == ("FAILOVER", "host-agent-0")
