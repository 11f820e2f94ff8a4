"""What becomes of runs: outcome, counts and reason, by what their agents tell, also to a later leader."""

from collections.abc import Callable

import msgspec
import pytest

from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.messages import Execution, TaskStatus
from elasticjob_cloud.model.records import AttemptEnd, FireRecord, TaskRecord
from elasticjob_cloud.model.results import ShardResult
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.commands import (
    DeregisterJob,
    KillTask,
    SetJobDisabled,
    TriggerJob,
    UpdateJob,
)
from elasticjob_cloud.scheduling.runs.tasks import NOT_STARTED_AGAIN
from tests.unit.scheduling.core_driver import (
    DROPPED,
    EVERY_MINUTE,
    FAILED,
    FINISHED,
    KILLED,
    LOST,
    MINUTE_MS,
    NOON_MS,
    SECOND_MS,
    CoreDriver,
    daemon,
    job,
    triggered,
)

Counts = tuple[int, int, int]  # succeeded, failed, killed


def raised(driver: CoreDriver, task: TaskRecord, summary: str = "ValueError: no data") -> TaskStatus:
    """Make the end of a task whose job code raised, and whose error handler logged that."""
    execution = Execution(driver.wall_ms, driver.wall_ms, False, f"Traceback\n{summary}", summary)
    return TaskStatus(task.task_id, FINISHED, driver.wall_ms, "", execution)


def ended(driver: CoreDriver) -> FireRecord:
    """Give the job's only run that has ended."""
    (fire,) = driver.fires(FireState.COMPLETED)
    return fire


def counts(fire: FireRecord) -> Counts:
    return (fire.succeeded_shards, fire.failed_tasks, fire.killed_shards)


def test_a_run_whose_job_code_raised_has_failed_although_its_task_finished() -> None:
    driver = triggered(job())
    driver.tell(raised(driver, driver.task()))

    fire = ended(driver)
    assert (fire.run_state, counts(fire), fire.summary) == (RunState.FAILED, (0, 1, 0), "ValueError: no data")
    assert driver.last.runs == {RunState.FAILED: 1}
    assert driver.last.executions == {ShardResult.FAILED: 1}
    assert driver.last.ended == {FINISHED: 1}


def test_a_run_of_which_every_shard_succeeds_has_succeeded() -> None:
    driver = triggered(job(sharding_total_count=2))
    for task in driver.tasks():
        driver.end(task)

    fire = ended(driver)
    assert (fire.run_state, counts(fire), fire.shard_total, fire.summary) == (
        RunState.SUCCEEDED,
        (2, 0, 0),
        2,
        "",
    )
    assert fire.app_name == "app"


@pytest.mark.parametrize("restarts", [False, True])
def test_counts_and_the_first_failure_survive_a_change_of_leader(restarts: bool) -> None:
    driver = triggered(job(sharding_total_count=4))
    tasks = driver.tasks()
    turns: tuple[Callable[[], object], ...] = (
        lambda: driver.end(tasks[0]),
        lambda: driver.ask(KillTask(tasks[3].task_id)),
        lambda: driver.end(tasks[3], KILLED),
        lambda: driver.tell(driver.status(tasks[2], FAILED, "exit code 3: FATAL: quota exceeded")),
        lambda: driver.tell(raised(driver, tasks[1])),
    )
    for turn in turns:
        turn()
        if restarts and driver.tasks():
            driver.restart()
            driver.join("agent-0", *(driver.status(task, TaskState.RUNNING) for task in driver.tasks()))

    fire = ended(driver)
    assert (fire.run_state, counts(fire)) == (RunState.FAILED, (1, 2, 1))
    assert fire.summary == "Shard 2: exit code 3: FATAL: quota exceeded"


def test_a_shard_counts_by_its_last_attempt() -> None:
    driver = triggered(job(failover=True))
    driver.end(driver.task(), FAILED)
    assert driver.last.executions == {ShardResult.FAILED: 1}
    driver.pass_time(2 * SECOND_MS)
    driver.end(driver.task())

    fire = ended(driver)
    assert (fire.run_state, counts(fire), fire.summary) == (RunState.SUCCEEDED, (1, 0, 0), "")


@pytest.mark.parametrize(
    "command",
    [SetJobDisabled("job", disabled=True), DeregisterJob("job"), None],
    ids=["disable", "remove", "kill"],
)
@pytest.mark.parametrize("end", [KILLED, LOST, DROPPED])
def test_a_run_that_is_ended_on_request_was_killed(command: SetJobDisabled | None, end: TaskState) -> None:
    driver = triggered(job())
    task = driver.task()
    driver.ask(command or KillTask(task.task_id))
    driver.end(task, end)

    fire = ended(driver)
    assert (fire.run_state, counts(fire)) == (RunState.KILLED, (0, 0, 1))
    assert fire.summary


def test_a_run_that_was_killed_but_failed_before_has_failed() -> None:
    driver = triggered(job())
    task = driver.task()
    driver.ask(KillTask(task.task_id))
    driver.tell(driver.status(task, FAILED, "exit code 1"))

    fire = ended(driver)
    assert (fire.run_state, fire.summary) == (RunState.FAILED, "exit code 1")


def test_a_task_that_says_killed_though_nobody_asked_has_failed() -> None:
    driver = triggered(job())
    driver.tell(driver.status(driver.task(), KILLED, "It ended itself."))

    assert (ended(driver).run_state, ended(driver).summary) == (RunState.FAILED, "It ended itself.")


@pytest.mark.parametrize("restarts", [False, True])
def test_a_stopped_shard_that_waits_to_be_started_again_ends_as_its_last_attempt(restarts: bool) -> None:
    driver = triggered(job(failover=True))
    driver.tell(driver.status(driver.task(), FAILED, "exit code 7"))
    if restarts:
        driver.restart()
        driver.join()
    driver.ask(SetJobDisabled("job", disabled=True))

    fire = ended(driver)
    assert fire.run_state is RunState.FAILED
    assert fire.summary == (NOT_STARTED_AGAIN if restarts else "exit code 7")


def test_a_stopped_shard_that_never_ran_was_killed() -> None:
    driver = triggered(job())
    driver.end(driver.task(), DROPPED)
    assert driver.last.executions == {}, "it was no execution"
    driver.ask(SetJobDisabled("job", disabled=True))

    assert ended(driver).run_state is RunState.KILLED


def test_the_last_line_of_a_task_tells_how_its_attempt_ended() -> None:
    driver = triggered(job())
    task = driver.task()
    driver.pass_time(SECOND_MS)
    driver.tell(driver.status(task, TaskState.RUNNING))
    driver.pass_time(SECOND_MS)
    execution = Execution(NOON_MS, driver.wall_ms, False, "FATAL: quota", "exit code 3: FATAL: quota", 3, 0)
    driver.tell(TaskStatus(task.task_id, FAILED, driver.wall_ms, "exit code 3", execution))

    ends = [trace.attempt_end for trace in driver.store.status_traces]
    assert ends[:-1] == [None, None]
    assert ends[-1] == AttemptEnd(
        task.fire_id, 1, NOON_MS, NOON_MS + SECOND_MS, False, 3, 0, "exit code 3: FATAL: quota"
    )


def test_each_execution_of_a_daemon_counts_and_its_own_fire_does_not() -> None:
    driver = CoreDriver(daemon())
    task = driver.task()
    for second, success in enumerate((True, False)):
        execution = Execution(
            NOON_MS + second, NOON_MS + second, success, summary="" if success else "it raised"
        )
        driver.tell(TaskStatus(task.task_id, TaskState.RUNNING, driver.wall_ms, "COMPLETE", execution))
        assert driver.last.executions == {ShardResult.SUCCEEDED if success else ShardResult.FAILED: 1}
    driver.ask(UpdateJob(daemon()))
    driver.end(task, KILLED)

    assert [(it.app_name, it.summary) for it in driver.store.executions] == [
        ("app", ""),
        ("app", "it raised"),
    ]
    assert driver.last.runs == {}
    assert driver.last.executions == {}


def test_dropped_fires_count_as_dropped_runs() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.restart(10 * MINUTE_MS)

    assert driver.last.runs == {RunState.DROPPED: 10}


def test_what_misfire_makes_up_says_so() -> None:
    driver = triggered(job(cron=EVERY_MINUTE, misfire=True))
    driver.pass_time(MINUTE_MS)
    driver.restart(2 * MINUTE_MS)

    waiting = driver.fires(FireState.WAITING)
    assert [fire.source for fire in waiting] == [FireSource.MISFIRE] * 3


def test_a_run_of_an_earlier_version_is_understood() -> None:
    driver = triggered(job(sharding_total_count=3))
    tasks = driver.tasks()
    driver.end(tasks[0])
    fire_id = tasks[0].fire_id
    driver.store.fires[fire_id] = msgspec.structs.replace(
        driver.store.fires[fire_id], shard_total=0, app_name="", configuration=None
    )
    driver.restart()
    driver.join("agent-0", *(driver.status(task, TaskState.RUNNING) for task in driver.tasks()))
    for task in tasks[1:]:
        driver.end(task)

    fire = ended(driver)
    assert (fire.run_state, fire.shard_total, counts(fire)) == (RunState.SUCCEEDED, 3, (3, 0, 0))


def test_history_keeps_what_a_job_was_before_each_change() -> None:
    driver = triggered(job())
    driver.ask(UpdateJob(job(description="second")), UpdateJob(job(description="third")))
    changed = driver.last.changes.past_configurations
    driver.ask(UpdateJob(job(description="third")))
    unchanged = driver.last.changes.past_configurations
    driver.ask(DeregisterJob("job"))

    assert changed == {("job", 2): job()}, "no run knows the second one"
    assert unchanged == {}
    assert driver.last.changes.past_configurations == {("job", 2): job(description="third")}


def test_a_run_that_waited_for_its_job_to_change_shows_what_it_ran_under() -> None:
    driver = triggered(job(cpu_count=100.0))
    driver.pass_time(SECOND_MS)
    driver.ask(UpdateJob(job()))
    driver.end(driver.task())
    driver.pass_time(SECOND_MS)
    driver.ask(TriggerJob("job"))
    driver.end(driver.task())

    first, second = driver.fires(FireState.COMPLETED)
    assert (first.configuration, second.configuration) == (job(), None)
