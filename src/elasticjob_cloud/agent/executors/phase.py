"""What an app's executor is about, and the table of its legal transitions. Knows nothing of processes and tasks.

STOPPED -> STARTING -> READY -> STOPPING -> STOPPED
"""

from enum import Enum, auto
from typing import Final

from elasticjob_cloud.model.phases import PhaseMachine


class ExecutorPhase(Enum):
    """What an executor is about."""

    STOPPED = auto()  # no process
    STARTING = auto()  # the app is prepared, or its process has not registered yet
    READY = auto()  # it takes tasks
    STOPPING = auto()  # its process is on its way out


TRANSITIONS: Final[dict[ExecutorPhase, frozenset[ExecutorPhase]]] = {
    # A task has come.
    ExecutorPhase.STOPPED: frozenset({ExecutorPhase.STARTING}),
    # It has registered; it is ended, or overdue; its start failed, was given up, or its process has exited.
    ExecutorPhase.STARTING: frozenset({ExecutorPhase.READY, ExecutorPhase.STOPPING, ExecutorPhase.STOPPED}),
    # It is ended, idle, or has closed its connection; its process has exited.
    ExecutorPhase.READY: frozenset({ExecutorPhase.STOPPING, ExecutorPhase.STOPPED}),
    # It is ended once more, as by its memory limit; its process has exited.
    ExecutorPhase.STOPPING: frozenset({ExecutorPhase.STOPPING, ExecutorPhase.STOPPED}),
}


def new_phase() -> PhaseMachine[ExecutorPhase]:
    """Give the phase of an executor that has not been started."""
    return PhaseMachine("executor", ExecutorPhase.STOPPED, TRANSITIONS)
