"""What each turn counts for the metrics: one rule, whatever an error handler made of the task."""

import pytest

from elasticjob_cloud.model.messages import Execution, TaskStatus
from elasticjob_cloud.model.results import ShardResult
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.commands import DeregisterJob
from tests.unit.scheduling.core_driver import (
    ERROR,
    FAILED,
    FINISHED,
    KILLED,
    LOST,
    MINUTE_MS,
    NOON_MS,
    CoreDriver,
    daemon,
    job,
    triggered,
)

SUCCESS, FAILURE, KILL = ShardResult.SUCCEEDED, ShardResult.FAILED, ShardResult.KILLED


def ended(state: TaskState, *, succeeds: bool | None = None) -> CoreDriver:
    """Give a driver whose one task has ended so."""
    driver = triggered(job())
    execution = None if succeeds is None else Execution(1, 2, succeeds)
    driver.tell(TaskStatus(driver.task().task_id, state, driver.wall_ms, execution=execution))
    return driver


@pytest.mark.parametrize(
    "state, succeeds, result",
    [
        (FINISHED, None, SUCCESS),
        (FINISHED, True, SUCCESS),
        (FINISHED, False, FAILURE),  # the error handlers LOG and IGNORE
        (FAILED, None, FAILURE),
        (ERROR, None, FAILURE),
        (LOST, None, FAILURE),
        (KILLED, None, FAILURE),  # nobody asked for it
    ],
)
def test_attempt_is_counted_by_what_job_code_came_to(
    state: TaskState, succeeds: bool | None, result: ShardResult
) -> None:
    driver = ended(state, succeeds=succeeds)
    assert driver.last.executions == {result: 1}


def test_what_was_killed_on_request_is_no_failure() -> None:
    driver = triggered(job())
    task = driver.task()
    driver.ask(DeregisterJob("job"))
    driver.end(task, KILLED)
    assert driver.last.executions == {KILL: 1}


def test_executions_of_a_daemon_are_counted_and_its_task_is_not() -> None:
    driver = CoreDriver(daemon())
    task = driver.task()
    statuses = [
        TaskStatus(task.task_id, TaskState.RUNNING, NOON_MS, "COMPLETE", Execution(NOON_MS, end_ms, succeeds))
        for end_ms, succeeds in ((NOON_MS + 1, True), (NOON_MS + 2, False), (NOON_MS + MINUTE_MS, True))
    ]
    driver.tell(*statuses)
    assert driver.last.executions == {SUCCESS: 2, FAILURE: 1}
    driver.end(task)
    assert driver.last.executions == {}
