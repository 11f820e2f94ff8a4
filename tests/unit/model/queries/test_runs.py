"""What runs and their details say: their state, and which shards did not succeed."""

import pytest

from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.queries.runs import Run, RunDetail, ShardAttempt, ShardCounts
from elasticjob_cloud.model.records import FireRecord
from elasticjob_cloud.model.task import TaskState


def _attempt(item: int, *, success: bool | None, attempt: int = 1) -> ShardAttempt:
    state = TaskState.FINISHED if success else TaskState.FAILED
    name = f"job@-@{item}@-@{attempt}"
    return ShardAttempt(name, item, attempt, "agent-0", 1, 2, 3, state, success, None, 0, "", "")


def _detail(total: int, succeeded: int, *attempts: ShardAttempt, items: tuple[int, ...] = ()) -> RunDetail:
    counts = ShardCounts(total, 0, 0, succeeded, total - succeeded)
    run = Run(1, "job", "app", FireSource.CRON, 0, 0, 0, 0, RunState.FAILED, "", counts, "", "", 0, 1, 0)
    return RunDetail(run, None, items, list(attempts), ())


def test_shards_that_failed_or_never_ran_are_unsuccessful() -> None:
    detail = _detail(4, 2, _attempt(0, success=True), _attempt(1, success=False), _attempt(3, success=True))
    assert detail.unsuccessful_items() == (1, 2)


def test_shard_that_succeeded_at_its_second_attempt_is_not_unsuccessful() -> None:
    attempts = _attempt(0, success=False), _attempt(0, success=True, attempt=2)
    assert _detail(1, 1, *attempts).unsuccessful_items() == ()


def test_of_a_rerun_only_its_own_shards_can_be_unsuccessful() -> None:
    detail = _detail(2, 1, _attempt(3, success=True), _attempt(5, success=None), items=(3, 5))
    assert detail.unsuccessful_items() == (5,)


@pytest.mark.parametrize("total,succeeded", [(0, 0), (2, 2)])
def test_without_the_attempts_of_a_run_nobody_knows(total: int, succeeded: int) -> None:
    assert _detail(total, succeeded).unsuccessful_items() is None


@pytest.mark.parametrize(
    "state,outcome,failed_tasks,shown",
    [
        (FireState.WAITING, None, 0, RunState.WAITING),
        (FireState.RUNNING, None, 1, RunState.RUNNING),
        (FireState.DROPPED, None, 0, RunState.DROPPED),
        (FireState.COMPLETED, RunState.KILLED, 0, RunState.KILLED),
        (FireState.COMPLETED, RunState.SUCCEEDED, 0, RunState.SUCCEEDED),
        # Rows of earlier versions have no outcome.
        (FireState.COMPLETED, None, 0, RunState.SUCCEEDED),
        (FireState.COMPLETED, None, 2, RunState.FAILED),
    ],
)
def test_state_of_a_run_follows_from_its_fire(
    state: FireState, outcome: RunState | None, failed_tasks: int, shown: RunState
) -> None:
    fire = FireRecord(1, "job", FireSource.CRON, 0, state, 0, outcome=outcome, failed_tasks=failed_tasks)
    assert fire.run_state is shown
