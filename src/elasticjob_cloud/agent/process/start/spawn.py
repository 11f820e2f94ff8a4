"""Starts a program, and keeps from it what is the agent's own: descriptors, and a raised limit of them."""

import contextlib
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from elasticjob_cloud.agent.process.start.inherited_state import SETTABLE_SIGNALS, bytes_of


def spawn(
    arguments: Sequence[str], directory: str, environment: Mapping[str, str], streams: Sequence[int]
) -> int:
    """Start a process that leads a group of its own; give its pid.

    A group, not a session: each session costs the kernel a scheduling group, which halves the rate of short scripts.
    `posix_spawn`, which takes half the processor time of `subprocess.Popen`, knows no working directory: the agent's own
    is changed for that moment. (Agent code never uses relative paths.)
    """
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(bytes_of(directory))
        return os.posix_spawn(
            bytes_of(arguments[0]),
            [bytes_of(argument) for argument in arguments],
            {bytes_of(name): bytes_of(value) for name, value in environment.items()},
            file_actions=[(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)],
            setpgroup=0,
            # Python ignores some, and the agent's starter may have ignored or blocked others.
            setsigmask=(),
            setsigdef=SETTABLE_SIGNALS,
        )
    finally:
        os.fchdir(here)
        os.close(here)


def limit_files(pid: int, soft: int) -> None:
    """Give a process just started the usual limit, instead of the agent's raised one.

    Programs of the `select` era break with more, and some close all descriptors up to the limit one by one.
    """
    if sys.platform == "linux":
        # One that has ended already needs none.
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(soft, hard), hard))


def keep_descriptors() -> None:
    """Let no process that is started inherit a descriptor that a library opened without close-on-exec."""
    directory = Path("/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd")
    for entry in list(directory.iterdir()):
        if int(entry.name) > 2:
            with contextlib.suppress(OSError):
                os.set_inheritable(int(entry.name), False)  # noqa: FBT003 - its only form
