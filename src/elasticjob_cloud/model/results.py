"""What counts as failed: the one rule for attempts, shards, runs and executions, which all that counts them uses.

It goes by what job code did, not by what its error handler made of the task: an exception that was logged or ignored is
a failure, although the task is TASK_FINISHED, as ElasticJob's clients expect. This module knows nothing of jobs or time.
"""

from enum import StrEnum
from typing import Final

from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.task import TaskState


class ShardResult(StrEnum):
    """How an attempt ended. That of its last attempt is a shard's."""

    SUCCEEDED = "SUCCEEDED"  # the task finished, and so did its execution
    FAILED = "FAILED"  # the task, or its execution although the task finished
    KILLED = "KILLED"  # on request: a kill, a disable, a deregistration, an update


# How a task ends that was to be killed, and did not end by itself before. An agent that is lost ends it too.
_ENDED_BY_KILL: Final = frozenset({TaskState.KILLED, TaskState.LOST, TaskState.DROPPED})


def attempt_result(state: TaskState, *, execution_succeeded: bool, kill_requested: bool) -> ShardResult:
    """Give the result of a task that ended so. `execution_succeeded`: True where nothing is known of an execution."""
    if state is TaskState.FINISHED:
        return execution_result(succeeded=execution_succeeded)
    if kill_requested and state in _ENDED_BY_KILL:
        return ShardResult.KILLED
    return ShardResult.FAILED


def execution_result(*, succeeded: bool) -> ShardResult:
    """Give the result of an execution of a daemon job, which counts like a run of one shard."""
    return ShardResult.SUCCEEDED if succeeded else ShardResult.FAILED


def run_outcome(failed_shards: int, killed_shards: int) -> RunState:
    """Give how a run ended. A killed one is no failure, unless a shard failed otherwise."""
    if failed_shards:
        return RunState.FAILED
    return RunState.KILLED if killed_shards else RunState.SUCCEEDED
