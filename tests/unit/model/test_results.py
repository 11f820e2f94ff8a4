"""The rule of what counts as failed, cell by cell."""

import pytest

from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.results import ShardResult, attempt_result, execution_result, run_outcome
from elasticjob_cloud.model.task import TERMINAL_STATES, TaskState

_SUCCEEDED, _FAILED, _KILLED = ShardResult.SUCCEEDED, ShardResult.FAILED, ShardResult.KILLED


@pytest.mark.parametrize("state", sorted(TERMINAL_STATES - {TaskState.FINISHED}))
@pytest.mark.parametrize("execution_succeeded", [True, False])
def test_a_task_that_did_not_finish_has_failed_unless_its_kill_was_asked_for(
    state: TaskState, execution_succeeded: bool
) -> None:
    results = [
        attempt_result(state, execution_succeeded=execution_succeeded, kill_requested=asked)
        for asked in (False, True)
    ]

    by_itself = state in {TaskState.FAILED, TaskState.ERROR}
    assert results == [_FAILED, _FAILED if by_itself else _KILLED]


@pytest.mark.parametrize("kill_requested", [True, False])
def test_a_task_that_finished_has_failed_if_its_job_code_raised(kill_requested: bool) -> None:
    results = [
        attempt_result(TaskState.FINISHED, execution_succeeded=succeeded, kill_requested=kill_requested)
        for succeeded in (True, False)
    ]

    assert results == [_SUCCEEDED, _FAILED]


def test_an_execution_of_a_daemon_is_what_its_job_code_made_of_it() -> None:
    assert [execution_result(succeeded=it) for it in (True, False)] == [_SUCCEEDED, _FAILED]


@pytest.mark.parametrize(
    "failed,killed,outcome",
    [
        (0, 0, RunState.SUCCEEDED),
        (0, 1, RunState.KILLED),
        (1, 0, RunState.FAILED),
        (1, 1, RunState.FAILED),
    ],
)
def test_a_run_is_killed_if_a_shard_was_and_none_failed_otherwise(
    failed: int, killed: int, outcome: RunState
) -> None:
    assert run_outcome(failed, killed) is outcome
