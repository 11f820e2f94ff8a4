"""What ends a task before its own end, and the words for it."""

import signal
from dataclasses import dataclass

from elasticjob_cloud.model.task import TaskState

AGENT_STOPPED = "Its agent stopped"  # how the message begins
_MEBIBYTE = 1 << 20
_SHELL_SAYS = {126: " (cannot be executed)", 127: " (command not found)"}


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the agent ends a task, and the state that it comes to."""

    state: TaskState
    message: str


def killed(reason: str) -> Ending:
    """Ended on request."""
    return Ending(TaskState.KILLED, reason or "Killed on request.")


def timed_out(timeout_seconds: int) -> Ending:
    """Ended by the job's `timeoutSeconds`."""
    return Ending(TaskState.FAILED, f"Timed out: it ran longer than timeoutSeconds ({timeout_seconds} s).")


def over_memory(used_bytes: int, limit_bytes: int, whose: str) -> Ending:
    """Ended by a memory limit."""
    used, limit = used_bytes / _MEBIBYTE, limit_bytes / _MEBIBYTE
    return Ending(TaskState.FAILED, f"Memory limit exceeded: {whose} used {used:.0f} MB of {limit:.0f} MB.")


def agent_stopped(reason: str) -> Ending:
    """Ended because its agent ends."""
    return Ending(TaskState.LOST, f"{AGENT_STOPPED}: {reason}")


def own_fault(error: BaseException) -> Ending:
    """Ended by a fault of the agent's own code, which is the job's failure all the same: without a status it would hang."""
    words = f"The agent itself failed, not the job ({type(error).__name__}: {error})."
    return Ending(TaskState.FAILED, f"{words} Its log has the details; please report them.")


def describe_exit(code: int) -> str:
    """Say how a process ended: an exit code, or the name of a signal."""
    if code >= 0:
        return f"exit code {code}{_SHELL_SAYS.get(code, '')}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
