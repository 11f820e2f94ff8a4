"""Fires: one due time of a cron, or one API trigger. States, and the table of legal transitions (semantics.md).

All that decides whether a fire may go from one state to another lives here. This module knows nothing of jobs, agents
or time.
"""

from enum import StrEnum
from typing import Final


class FireSource(StrEnum):
    """What a fire came from."""

    CRON = "CRON"  # a due time of the job's cron
    TRIGGER = "TRIGGER"  # an API call
    DAEMON = "DAEMON"  # a daemon job that was registered, updated or enabled
    RERUN = "RERUN"  # an API call that repeats shards of an earlier run
    MISFIRE = "MISFIRE"  # a due time of the cron that was missed, and is made up by a run after it


# What a due time of a job's cron is taken up as.
CRON_SOURCES: Final = frozenset({FireSource.CRON, FireSource.MISFIRE})


class FireState(StrEnum):
    """What became of a fire."""

    WAITING = "WAITING"  # in the ready queue, or behind the job's earlier run
    RUNNING = "RUNNING"  # its tasks are recorded and launched
    COMPLETED = "COMPLETED"  # all its tasks ended
    DROPPED = "DROPPED"  # it never ran: see the reason


class RunState(StrEnum):
    """How people see a fire: as a run, with its result (`FireRecord.run_state`)."""

    WAITING = "WAITING"  # for room, or behind the job's earlier run
    RUNNING = "RUNNING"  # its tasks are recorded and launched
    SUCCEEDED = "SUCCEEDED"  # every shard did
    FAILED = "FAILED"  # a shard failed
    KILLED = "KILLED"  # a shard was killed on request, and none failed otherwise
    DROPPED = "DROPPED"  # it never ran: see the reason


class DropReason(StrEnum):
    """Why a fire did not become a run (promise 1)."""

    MISFIRED = "misfired"  # due while an earlier run was queued or running, or while nobody led
    DISABLED = "disabled"  # the job or its app was disabled while it waited
    QUEUE_FULL = "queue full"  # beyond job_state_queue_size
    REMOVED = "removed"  # the job was deregistered or updated while it waited
    KILLED = "killed"  # on request, while it waited


# Every fire begins as WAITING, also one that is dropped in the same turn. A repeated RUNNING records what has happened
# to the run meanwhile: a shard failed, its job was updated, or it is being stopped.
TRANSITIONS: Final[dict[FireState, frozenset[FireState]]] = {
    FireState.WAITING: frozenset({FireState.RUNNING, FireState.DROPPED}),
    FireState.RUNNING: frozenset({FireState.RUNNING, FireState.COMPLETED}),
    FireState.COMPLETED: frozenset(),
    FireState.DROPPED: frozenset(),
}
