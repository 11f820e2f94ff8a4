"""What ends a task before its own end, and the words for it."""

import math
import signal
from dataclasses import dataclass

from elasticjob_cloud.model.output.excerpt import one_line
from elasticjob_cloud.model.task import TaskState

AGENT_STOPPED = "Its agent stopped"  # how the message begins
_MEBIBYTE = 1 << 20
# A shell whose command was ended by a signal exits with 128 and its number.
_SHELL_SAYS = {126: " (cannot be executed)", 127: " (command not found)"} | {
    128 + number: f" (as after {number.name})"
    for number in (
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGKILL,
        signal.SIGSEGV,
        signal.SIGPIPE,
        signal.SIGTERM,
    )
}
# What the agent kills has a reason that names the limit, so nobody asks how it exited.
_SIGNAL_SAYS: dict[int, str] = {
    signal.SIGKILL: " (not sent by elasticjob-cloud; the kernel sends it when memory runs out)"
}


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a task ends, and the state that it comes to. The first line of the message is its summary.

    `words`: how the summary begins where that is shorter than the message: `exit code 3`.
    """

    state: TaskState
    message: str
    words: str = ""


def killed(reason: str) -> Ending:
    """Ended on request."""
    return Ending(TaskState.KILLED, reason or "Killed on request.")


def timed_out(timeout_seconds: int) -> Ending:
    """Ended by the job's `timeoutSeconds`."""
    return Ending(TaskState.FAILED, f"Timed out: it ran longer than timeoutSeconds ({timeout_seconds} s).")


def over_memory(used_bytes: int, limit_bytes: int, whose: str) -> Ending:
    """Ended by a memory limit."""
    # Rounded up: it used more than it may, and the figures must say so.
    used, limit = math.ceil(used_bytes / _MEBIBYTE), limit_bytes / _MEBIBYTE
    return Ending(TaskState.FAILED, f"Memory limit exceeded: {whose} used {used} MB of {limit:.0f} MB.")


def agent_stopped(reason: str) -> Ending:
    """Ended because its agent ends."""
    return Ending(TaskState.LOST, f"{AGENT_STOPPED}: {reason}")


def own_fault(error: BaseException) -> Ending:
    """Ended by a fault of the agent's own code, which is the job's failure all the same: without a status it would hang."""
    words = f"The agent itself failed, not the job ({type(error).__name__}: {one_line(str(error))})."
    return Ending(TaskState.FAILED, f"{words} Its log has the details; please report them.")


def describe_exit(code: int) -> str:
    """Say how a process ended: an exit code, or the name of a signal."""
    if code >= 0:
        return f"exit code {code}{_SHELL_SAYS.get(code, '')}"
    try:
        return f"signal {signal.Signals(-code).name}{_SIGNAL_SAYS.get(-code, '')}"
    except ValueError:
        return f"signal {-code}"
