"""Promises 3, 4, 6 and 11: when runs start, what room they take, and which shards are started again."""

import pytest

from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.messages import (
    Execution,
    ExecutorStarted,
    ExecutorStopped,
    Launch,
    StopExecutor,
    TaskStatus,
)
from elasticjob_cloud.model.records import FireState
from elasticjob_cloud.model.task import TaskState, TaskType
from elasticjob_cloud.scheduling.commands import (
    DeregisterJob,
    KillTask,
    PublishApp,
    RegisterJob,
    SetJobDisabled,
    TriggerJob,
    UpdateApp,
    UpdateJob,
)
from tests.unit.core_driver import (
    EVERY_MINUTE,
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    CoreDriver,
    app,
    daemon,
    job,
)

FINISHED, FAILED, ERROR, KILLED, LOST, DROPPED = (
    TaskState.FINISHED,
    TaskState.FAILED,
    TaskState.ERROR,
    TaskState.KILLED,
    TaskState.LOST,
    TaskState.DROPPED,
)


def _triggered(*jobs: object, agents: int = 1) -> CoreDriver:
    driver = CoreDriver(*jobs, agents=agents)  # type: ignore[arg-type]
    for name in list(driver.store.jobs):
        driver.ask(TriggerJob(name))
    return driver


def test_3_a_job_registered_anew_waits_until_the_old_tasks_are_gone() -> None:
    driver = _triggered(job())
    old = driver.task()
    driver.ask(DeregisterJob("job"))
    assert driver.killed() == [old.task_id]

    driver.ask(RegisterJob(job()))
    driver.ask(TriggerJob("job"))
    assert driver.task() == driver.store.tasks[old.task_id]

    driver.end(old, KILLED)
    assert driver.launched() == [driver.task().task_id]


def test_3_a_job_registered_anew_under_another_app_leaves_the_old_tasks_alone() -> None:
    driver = _triggered(job(failover=True))
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


def test_4_a_run_without_room_for_all_shards_holds_none() -> None:
    driver = _triggered(job("large", sharding_total_count=5), job("small"))

    assert not driver.tasks("large")
    assert driver.tasks("small")
    assert "could hold 4 of its shards" in driver.core.explain_waiting("large")


def test_4_a_waiting_run_starts_when_an_agent_brings_the_room() -> None:
    driver = _triggered(job(sharding_total_count=5))

    driver.join("agent-1")

    assert [task.item for task in driver.tasks()] == [0, 1, 2, 3, 4]
    assert {task.agent_id for task in driver.tasks()} == {"agent-0", "agent-1"}


def test_4_a_waiting_run_starts_when_room_is_freed() -> None:
    driver = _triggered(job("first", cpu_count=4), job("second", cpu_count=4))
    assert driver.core.explain_waiting("second") == "Waits until there is room for all its shards."

    driver.end(driver.task("first"))

    assert driver.tasks("second")


def test_4_without_agents_a_waiting_run_says_so() -> None:
    driver = _triggered(job(), agents=0)

    assert driver.core.explain_waiting("job") == "No agent is there to run it."


def test_4_a_job_that_asks_for_too_much_waits_no_longer_once_it_is_updated() -> None:
    driver = _triggered(job(cpu_count=99))

    driver.ask(UpdateJob(job(cpu_count=1)))

    assert driver.tasks()


def test_4_a_job_that_is_updated_to_ask_for_too_much_waits() -> None:
    driver = _triggered(job("first", cpu_count=4), job(cpu_count=1))
    driver.ask(UpdateJob(job(cpu_count=99)))

    driver.end(driver.task("first"))

    assert not driver.tasks()
    assert "Needs 1 x 99 CPU" in driver.core.explain_waiting("job")


def test_4_an_update_between_fire_and_start_is_what_the_run_asks_for() -> None:
    driver = _triggered(job("first", cpu_count=4), job(cpu_count=2))
    driver.ask(UpdateJob(job(cpu_count=3)))

    driver.end(driver.task("first"))

    assert [task.cpu_count for task in driver.tasks()] == [3]


def test_4_an_app_that_asks_for_less_lets_its_jobs_start() -> None:
    driver = CoreDriver()
    driver.ask(PublishApp(app("big", cpu_count=9.0)), RegisterJob(job(app_name="big", props={})))
    driver.ask(TriggerJob("job"))
    assert "and 9 CPU and 128 MB for the app's executor" in driver.core.explain_waiting("job")

    driver.ask(UpdateApp("big", {"cpu_count": 1.0}))

    assert driver.tasks()


def test_4_an_executor_holds_its_room_once_on_each_agent() -> None:
    driver = _triggered(job(sharding_total_count=2, props={}))
    agent = driver.core.state.agents["agent-0"]
    assert agent.used().milli_cpus == 3_000

    driver.tell(ExecutorStarted("app"))
    for task in driver.tasks():
        driver.end(task)
    assert agent.used().milli_cpus == 1_000

    driver.tell(ExecutorStopped("app"))
    assert agent.used().milli_cpus == 0


def test_4_an_executor_that_never_came_up_gives_its_room_back_with_its_last_task() -> None:
    driver = _triggered(job(props={}))

    driver.end(driver.task(), ERROR)

    assert driver.core.state.agents["agent-0"].used() == (0, 0)


def test_4_an_executor_that_restarts_under_its_tasks_keeps_its_room() -> None:
    driver = _triggered(job(props={}))
    driver.tell(ExecutorStarted("app"), ExecutorStopped("app"))
    assert driver.core.state.agents["agent-0"].used().milli_cpus == 2_000

    driver.tell(ExecutorStarted("app"), ExecutorStopped("never-heard-of"))
    assert driver.core.state.agents["agent-0"].used().milli_cpus == 2_000


def test_4_an_idle_executor_is_stopped_once_for_a_run_that_needs_its_room() -> None:
    driver = _triggered(job(props={}))
    driver.tell(ExecutorStarted("app"))
    driver.end(driver.task())
    driver.ask(PublishApp(app("other")), RegisterJob(job("large", app_name="other", cpu_count=4)))

    driver.ask(TriggerJob("large"))
    assert driver.sent(StopExecutor) == [StopExecutor("app")]
    driver.join("agent-tiny", cpus=0.1)
    assert not driver.sent(StopExecutor)

    driver.tell(ExecutorStopped("app"))
    assert driver.tasks("large")


def test_4_an_executor_that_refused_to_stop_is_told_again() -> None:
    driver = _triggered(job(props={}))
    driver.tell(ExecutorStarted("app"))
    driver.end(driver.task())
    driver.ask(RegisterJob(job("large", cpu_count=4)))
    driver.ask(TriggerJob("large"))

    driver.tell(TaskStatus("job@-@0@-@READY@-@agent-0@-@unknown", KILLED, driver.wall_ms))

    assert driver.sent(StopExecutor) == [StopExecutor("app")]


def test_6_without_failover_a_task_that_is_lost_ends_its_shard() -> None:
    driver = _triggered(job())

    driver.end(driver.task(), LOST)

    assert [fire.failed_tasks for fire in driver.fires(FireState.COMPLETED)] == [1]


def test_6_a_lost_task_is_started_again_at_once_on_another_agent() -> None:
    driver = _triggered(job(failover=True), agents=2)
    old = driver.task()

    driver.lose(old.agent_id)

    new = driver.task()
    assert new.agent_id != old.agent_id
    assert (new.type, new.original_task_id, new.attempt) == (TaskType.FAILOVER, old.task_id, 1)


def test_6_the_agent_where_a_shard_failed_is_taken_when_there_is_no_other() -> None:
    driver = _triggered(job(failover=True))

    driver.end(driver.task(), LOST)

    assert driver.task().agent_id == "agent-0"


def test_6_a_task_that_is_lost_as_soon_as_it_runs_is_started_once_a_second() -> None:
    driver = _triggered(job(failover=True))
    original = driver.task().task_id
    driver.end(driver.task(), LOST)

    driver.end(driver.task(), LOST)
    assert not driver.tasks()
    assert driver.core.next_due_ms() == driver.wall_ms + SECOND_MS

    driver.pass_time(SECOND_MS)
    assert driver.task().original_task_id == original


@pytest.mark.parametrize("state", [FAILED, ERROR])
def test_6_a_shard_that_fails_is_started_three_times_with_growing_waits(state: TaskState) -> None:
    driver = _triggered(job(failover=True))

    for wait_ms in (1 * SECOND_MS, 2 * SECOND_MS):
        driver.end(driver.task(), state)
        assert driver.core.next_due_ms() == driver.wall_ms + wait_ms
        driver.pass_time(wait_ms - 1)
        assert not driver.tasks()
        driver.pass_time(1)
    driver.end(driver.task(), state)

    assert not driver.store.failovers
    assert [fire.failed_tasks for fire in driver.fires(FireState.COMPLETED)] == [1]


def test_6_a_backoff_does_not_wait_longer_for_a_clock_set_back() -> None:
    driver = _triggered(job(failover=True))
    driver.end(driver.task(), FAILED)

    driver.set_clock(-HOUR_MS)
    driver.pass_time(SECOND_MS)

    assert driver.tasks()


def test_6_a_backoff_does_not_wait_longer_for_a_clock_set_back_while_nobody_led() -> None:
    driver = _triggered(job(failover=True))
    driver.end(driver.task(), FAILED)

    driver.restart(-HOUR_MS)

    due_ms = driver.core.next_due_ms()
    assert due_ms is not None
    assert due_ms <= driver.wall_ms + 5 * MINUTE_MS


def test_6_a_shard_that_found_no_room_is_started_when_some_is_freed() -> None:
    driver = _triggered(job(failover=True, cpu_count=4))
    driver.lose()
    assert driver.store.failovers
    assert driver.core.next_due_ms() is None

    driver.join("agent-1")

    assert driver.tasks()
    assert not driver.store.failovers


def test_6_a_killed_task_is_not_started_again_whatever_its_end() -> None:
    for end in (KILLED, FAILED, LOST, DROPPED):
        driver = _triggered(job(failover=True))
        driver.ask(KillTask(driver.task().task_id))
        assert driver.killed() == [driver.task().task_id]
        driver.end(driver.task(), end)
        assert driver.fires(FireState.COMPLETED), end


def test_6_only_a_live_task_can_be_killed() -> None:
    driver = CoreDriver(job())

    with pytest.raises(NotFoundError, match="has ended, or never was"):
        driver.ask(KillTask("job@-@0@-@READY@-@agent-0@-@0"))


def test_6_a_dropped_task_is_sent_again_after_a_second_though_failover_is_off() -> None:
    driver = _triggered(job())
    driver.end(driver.task(), DROPPED)
    assert not driver.tasks()

    driver.pass_time(SECOND_MS)

    assert (driver.task().type, driver.task().attempt) == (TaskType.READY, 1)


def test_6_a_shard_that_waits_is_forgotten_when_its_job_is_disabled() -> None:
    driver = _triggered(job(failover=True, cron=EVERY_MINUTE))
    driver.end(driver.task(), FAILED)

    driver.ask(SetJobDisabled("job", disabled=True))

    assert not driver.store.failovers
    assert driver.core.next_due_ms() is None
    driver.pass_time(SECOND_MS)
    assert [fire.reason for fire in driver.fires(FireState.COMPLETED)] == ["The job was disabled."]


def test_6_a_shard_whose_job_was_disabled_and_enabled_meanwhile_is_not_started_again() -> None:
    driver = _triggered(job(failover=True))
    driver.end(driver.task(), FAILED)
    driver.ask(SetJobDisabled("job", disabled=True), SetJobDisabled("job", disabled=False))

    driver.pass_time(SECOND_MS)

    assert not driver.tasks()


def test_6_shards_that_find_no_room_all_wait_for_it() -> None:
    driver = _triggered(job(failover=True, sharding_total_count=4))
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
    driver = _triggered(job(sharding_total_count=3))
    first, second, third = driver.tasks()

    driver.end(first, FAILED)
    driver.end(second)
    assert not driver.fires(FireState.COMPLETED)
    driver.end(third)

    assert [fire.failed_tasks for fire in driver.fires(FireState.COMPLETED)] == [1]


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


def test_11_failovers_come_before_ready_jobs() -> None:
    driver = _triggered(job("first", cpu_count=4, failover=True), job("second", cpu_count=4))

    driver.end(driver.task("first"), LOST)

    assert driver.tasks("first")
    assert not driver.tasks("second")


def test_11_one_that_finds_no_room_holds_up_only_those_that_ask_for_as_much() -> None:
    driver = _triggered(job("first", cpu_count=3))
    for name, cpus in (("two", 2), ("three", 3), ("one", 1)):
        driver.ask(RegisterJob(job(name, cpu_count=cpus)))
        driver.ask(TriggerJob(name))

    assert [bool(driver.tasks(name)) for name in ("two", "three", "one")] == [False, False, True]
    driver.end(driver.task("one"))
    assert not driver.launched()
    driver.end(driver.task("first"))
    assert [bool(driver.tasks(name)) for name in ("two", "three")] == [True, False]


def test_11_the_oldest_fire_starts_first_whatever_it_asks_for() -> None:
    driver = _triggered(job("first", cpu_count=4))
    for name, cpus in (("old", 2.5), ("new", 2.0)):
        driver.ask(RegisterJob(job(name, cpu_count=cpus)))
        driver.pass_time(SECOND_MS)
        driver.ask(TriggerJob(name))

    driver.end(driver.task("first"))

    assert driver.tasks("old")
    assert not driver.tasks("new")


def test_an_update_lets_a_transient_run_end_under_its_old_settings_under_a_new_leader_too() -> None:
    driver = _triggered(job(sharding_total_count=3, failover=True, job_parameter="old"), agents=2)
    driver.ask(UpdateJob(job(sharding_total_count=1, job_parameter="new")))
    driver.restart()
    driver.join("agent-0")

    driver.end(driver.tasks()[2], LOST)

    assert driver.sent(Launch)[-1].job.job_parameter == "old"


def test_a_transient_run_stays_one_though_its_job_becomes_a_daemon() -> None:
    driver = _triggered(job(sharding_total_count=2))
    driver.ask(UpdateJob(daemon()))
    driver.restart()
    driver.join()
    for task in driver.tasks():
        driver.end(task)

    assert driver.fires(FireState.COMPLETED)
    assert driver.sent(Launch)[-1].job.is_daemon


def test_a_transient_run_is_not_killed_when_the_daemon_that_its_job_became_is_updated() -> None:
    driver = _triggered(job())
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
    driver = _triggered(job())
    task = driver.task()
    driver.tell(driver.status(task, TaskState.RUNNING))

    for state in (TaskState.RUNNING, TaskState.STAGING, DROPPED):
        assert not driver.tell(driver.status(task, state)).changes
    driver.end(task)
    assert not driver.end(task, FAILED).changes


def test_an_execution_of_a_failover_is_traced_as_such() -> None:
    driver = _triggered(job(failover=True))
    driver.end(driver.task(), LOST)
    execution = Execution(driver.wall_ms, driver.wall_ms, success=True)

    driver.tell(TaskStatus(driver.task().task_id, FINISHED, driver.wall_ms, execution=execution))

    (trace,) = driver.store.executions
    assert (trace.execution_source, trace.hostname) == ("FAILOVER", "host-agent-0")
