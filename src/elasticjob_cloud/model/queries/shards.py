"""The state of a shard: the one rule for a run's page and for the grid of many runs."""

from collections.abc import Iterable, Mapping
from typing import Final

from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.runs import ENDED_STATES
from elasticjob_cloud.model.task import TaskState

SHARDS_AT_MOST: Final = 1000  # in the grid
NO_SHARD: Final = "-"
LETTERS: Final[Mapping[RunState, str]] = {state: state.value[0] for state in RunState}
assert len(set(LETTERS.values())) == len(LETTERS)


def shard_state(
    run_state: RunState, last: tuple[TaskState, bool | None] | None, *, is_waiting: bool
) -> RunState:
    """Give a shard's state: that of its last attempt, unless it waits to be started (again).

    `last`: the last attempt's state and success; None where none is known.
    """
    if last is None:
        return run_state if run_state in ENDED_STATES else RunState.WAITING
    state, success = last
    if success is None:
        return RunState.RUNNING
    if is_waiting:
        return RunState.WAITING
    if success:
        return RunState.SUCCEEDED
    # An agent that was lost before it could kill the task leaves it LOST, in a run of which nothing failed otherwise.
    is_killed = state is TaskState.KILLED or run_state is RunState.KILLED
    return RunState.KILLED if is_killed else RunState.FAILED


def shard_letters(states: Iterable[tuple[int, RunState]]) -> str:
    """Write shards' states as a letter each, a shard's at the place of its item; `-` for items that are none of them."""
    letters = {item: LETTERS[state] for item, state in states}
    return "".join(letters.get(item, NO_SHARD) for item in range(max(letters, default=-1) + 1))
