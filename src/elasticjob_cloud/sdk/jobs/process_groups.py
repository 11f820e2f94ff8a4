"""Process groups that job code of ours started: none outlives the executor."""

import contextlib
import os
import signal

# Of processes that have not been waited for, so that no number here belongs to another by now.
_groups: set[int] = set()


def add_group(group: int) -> None:
    """Remember a process group."""
    _groups.add(group)


def remove_group(group: int) -> None:
    """Forget it, before its leader is waited for."""
    _groups.discard(group)


def kill_groups() -> None:
    """End all of them at once."""
    for group in list(_groups):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def forget_groups() -> None:
    """In a forked child: they are its parent's."""
    _groups.clear()
