"""Promises 3 and 6: when runs of a job start, as it changes, and daemons that are kept alive."""

import pytest

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.messages import (
    AgentEvents,
    Execution,
    Launch,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.commands import (
    DeregisterJob,
    PublishApp,
    RegisterJob,
    TriggerJob,
    UpdateJob,
)
from tests.unit.scheduling.core_driver import (
    DROPPED,
    EVERY_MINUTE,
    FAILED,
    FINISHED,
    KILLED,
    LOST,
    MINUTE_MS,
    SECOND_MS,
    CoreDriver,
    app,
    daemon,
    job,
    triggered,
)


def test_3_a_job_registered_anew_waits_until_the_old_tasks_are_gone() -> None:
    driver = triggered(job())
    old = driver.task()
    driver.ask(DeregisterJob("job"))
    assert driver.killed() == [old.task_id]

    driver.ask(RegisterJob(job()))
    driver.ask(TriggerJob("job"))
    assert driver.task() == driver.store.tasks[old.task_id]

    driver.end(old, KILLED)
    assert driver.launched() == [driver.task().task_id]


def test_3_a_job_registered_anew_under_another_app_leaves_the_old_tasks_alone() -> None:
    driver = triggered(job(failover=True))
    old = driver.task()
    driver.ask(
        DeregisterJob("job"), PublishApp(app("other")), RegisterJob(job(app_name="other", failover=True))
    )
    driver.restart()

    driver.join()
    assert driver.killed() == [old.task_id]
    driver.end(old, FAILED)

    assert not driver.store.tasks
    assert not driver.store.failovers


@pytest.mark.parametrize("end", [FINISHED, FAILED, KILLED])
def test_6_a_daemon_that_ends_is_started_again_for_ever(end: TaskState) -> None:
    driver = CoreDriver(daemon())

    for wait_ms in (1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000):
        driver.end(driver.task(), end)
        driver.pass_time(wait_ms)
        assert driver.tasks()


def test_6_a_daemon_that_ran_long_starts_its_backoff_anew() -> None:
    driver = CoreDriver(daemon())
    driver.end(driver.task(), FAILED)
    driver.pass_time(SECOND_MS)
    driver.tell(driver.status(driver.task(), TaskState.RUNNING))
    driver.pass_time(5 * MINUTE_MS)

    driver.end(driver.task(), FAILED)

    assert driver.core.next_due_ms() == driver.wall_ms + SECOND_MS


def test_6_a_lost_daemon_is_started_again_at_once() -> None:
    driver = CoreDriver(daemon(), agents=2)

    driver.lose(driver.task().agent_id)

    assert driver.tasks()


def test_an_update_lets_a_transient_run_end_under_its_old_settings_under_a_new_leader_too() -> None:
    driver = triggered(job(sharding_total_count=3, failover=True, job_parameter="old"), agents=2)
    driver.ask(UpdateJob(job(sharding_total_count=1, job_parameter="new")))
    driver.restart()
    driver.join("agent-0")

    driver.end(driver.tasks()[2], LOST)

    assert driver.sent(Launch)[-1].job.job_parameter == "old"


def test_a_transient_run_stays_one_though_its_job_becomes_a_daemon() -> None:
    driver = triggered(job(sharding_total_count=2))
    driver.ask(UpdateJob(daemon()))
    driver.restart()
    driver.join()
    for task in driver.tasks():
        driver.end(task)

    assert driver.fires(FireState.COMPLETED)
    assert driver.sent(Launch)[-1].job.is_daemon


def test_a_transient_run_is_not_killed_when_the_daemon_that_its_job_became_is_updated() -> None:
    driver = triggered(job())
    driver.ask(UpdateJob(daemon()))

    driver.ask(UpdateJob(daemon(description="new")))

    assert not driver.killed()


def test_a_daemon_is_replaced_when_its_job_is_updated() -> None:
    driver = CoreDriver(daemon())
    old = driver.task()

    driver.ask(UpdateJob(job(cron=EVERY_MINUTE)))
    assert driver.killed() == [old.task_id]
    driver.end(old, KILLED)
    driver.pass_time(MINUTE_MS)

    assert driver.task().task_id != old.task_id


def test_the_executions_of_a_daemon_are_told_apart_from_its_idle_time() -> None:
    driver = CoreDriver(daemon())
    task = driver.task()
    driver.tell(driver.status(task, TaskState.RUNNING, "BEGIN"))
    assert not driver.task().idle

    execution = Execution(driver.wall_ms, driver.wall_ms, success=True)
    driver.tell(
        TaskStatus(task.task_id, TaskState.RUNNING, driver.wall_ms, "COMPLETE", execution, by_executor=True)
    )

    assert driver.task().idle
    assert [it.execution_source for it in driver.store.executions] == ["NORMAL_TRIGGER"]
    assert driver.store.status_traces[-1].source == "CLOUD_EXECUTOR"


def test_a_repeated_or_late_status_changes_nothing() -> None:
    driver = triggered(job())
    task = driver.task()
    driver.tell(driver.status(task, TaskState.RUNNING))

    for state in (TaskState.RUNNING, TaskState.STAGING, DROPPED):
        assert not driver.tell(driver.status(task, state)).changes
    driver.end(task)
    assert not driver.end(task, FAILED).changes


@pytest.mark.parametrize("crash", [False, True], ids=["reconnect", "crash"])
def test_2_a_batch_of_executions_that_comes_again_is_recorded_once(crash: bool) -> None:
    driver = CoreDriver(daemon(cron=EVERY_MINUTE))
    task_id = driver.task().task_id
    told = (
        TaskStatus(task_id, TaskState.RUNNING, 1),
        TaskStatus(task_id, TaskState.RUNNING, 2, "BEGIN"),
        TaskStatus(task_id, TaskState.RUNNING, 3, "COMPLETE", Execution(2, 3, success=True)),
    )
    more = (TaskStatus(task_id, TaskState.RUNNING, 5, "COMPLETE", Execution(4, 5, success=True)),)
    driver.handle(AgentEvents("agent-0", 7, told))
    if crash:
        driver.restart()
    driver.join("agent-0", TaskStatus(task_id, TaskState.RUNNING, 1))

    driver.handle(AgentEvents("agent-0", 7, told), AgentEvents("agent-0", 8, more))

    assert [it.start_ms for it in driver.store.executions] == [2, 4]
    assert [it.message for it in driver.store.status_traces if it.state == "TASK_RUNNING"] == [
        "",
        "BEGIN",
        "COMPLETE",
        "COMPLETE",
    ]


def test_what_is_known_of_an_agents_batches_goes_with_the_agent() -> None:
    driver = CoreDriver(daemon(), agents=2)
    task = driver.task()
    running = (driver.status(task, TaskState.RUNNING),)
    driver.handle(AgentEvents("agent-0", 1, running), AgentEvents("agent-1", 1, running))
    assert set(driver.store.sequences) == {"agent-0", "agent-1"}

    driver.restart()
    assert set(driver.store.sequences) == {task.agent_id}  # the other holds nothing that could be told twice
    driver.lose(task.agent_id)
    driver.tell(driver.status(task, TaskState.RUNNING), agent_id=task.agent_id)

    assert not driver.store.sequences
