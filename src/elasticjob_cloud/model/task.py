"""Tasks: one sharding item of one run. Ids, states, and the table of legal transitions (semantics.md).

All that decides whether a task may go from one state to another lives here. This module knows nothing of jobs,
agents or time.
"""

from enum import StrEnum
from typing import Final

import msgspec

_SEPARATOR = "@-@"


class TaskType(StrEnum):
    """Why a task was started."""

    READY = "READY"  # by a fire
    FAILOVER = "FAILOVER"  # in place of a task that was lost or failed


class TaskState(StrEnum):
    """What became of a task so far."""

    STAGING = "TASK_STAGING"  # recorded, sent to its agent
    RUNNING = "TASK_RUNNING"  # its agent or executor runs it
    FINISHED = "TASK_FINISHED"  # ended well
    FAILED = "TASK_FAILED"  # exit code, signal, memory limit, timeout
    ERROR = "TASK_ERROR"  # could not start: download, bad script, exception thrown
    KILLED = "TASK_KILLED"  # ended on request
    LOST = "TASK_LOST"  # its agent or executor vanished
    DROPPED = "TASK_DROPPED"  # never reached the agent

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows this state."""
        return self in TERMINAL_STATES


TERMINAL_STATES: Final = frozenset(
    {
        TaskState.FINISHED,
        TaskState.FAILED,
        TaskState.ERROR,
        TaskState.KILLED,
        TaskState.LOST,
        TaskState.DROPPED,
    }
)

# A repeated RUNNING is the BEGIN/COMPLETE of a daemon task. A task may end before its RUNNING was seen.
TRANSITIONS: Final[dict[TaskState, frozenset[TaskState]]] = {
    TaskState.STAGING: TERMINAL_STATES | {TaskState.RUNNING},
    TaskState.RUNNING: (TERMINAL_STATES - {TaskState.DROPPED}) | {TaskState.RUNNING},
    **{state: frozenset[TaskState]() for state in TERMINAL_STATES},
}


def may_become(state: TaskState, following: TaskState) -> bool:
    """Tell whether the table allows `following` after `state`."""
    return following in TRANSITIONS[state]


class TaskId(msgspec.Struct, frozen=True):
    """The parts of a task id: `jobName@-@item@-@READY|FAILOVER@-@agentId@-@uuid`."""

    job_name: str
    item: int
    type: TaskType
    agent_id: str
    uuid: str

    def __str__(self) -> str:
        """Give the id as the API shows it."""
        return f"{self.job_name}{_SEPARATOR}{self.item}{_SEPARATOR}{self.type}{_SEPARATOR}{self.agent_id}{_SEPARATOR}{self.uuid}"

    @classmethod
    def parse(cls, text: str) -> "TaskId":
        """Read an id back into its parts.

        Raises:
            ValueError: the text is not a task id.
        """
        try:
            job_name, item, type_, agent_id, uuid = text.split(_SEPARATOR)
            return cls(job_name, int(item), TaskType(type_), agent_id, uuid)
        except ValueError:
            message = f"'{text[:200]}' is not a task id: jobName@-@item@-@READY@-@agentId@-@uuid."
            raise ValueError(message) from None
