"""Signals to processes and groups that may be gone by then."""

import contextlib
import os
import signal


def kill_family(pid: int, own_group: int) -> None:
    """Kill a process with its group, where that is not the agent's own."""
    with contextlib.suppress(OSError):
        if os.getpgid(pid) != own_group:
            os.killpg(os.getpgid(pid), signal.SIGKILL)
    signal_process(pid, signal.SIGKILL)


def signal_process(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to a group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def is_group(leader: int) -> bool:
    """Whether any process, dead or alive, is in the group."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def kill_group(leader: int) -> bool:
    """Kill what is left of a group; True when nothing was."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    # The dead that have come to us count as well, and the list of our children cannot always be had.
    while reap(-leader):
        pass
    return False


def reap(pid: int) -> bool:
    """Reap a dead child, or one of a group (its negative number); False when there is none."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] > 0
    return False
