"""Keeps what a process holds in memory, and was started with, from other processes of its user: jobs are such."""

import ctypes
import sys

_PR_SET_DUMPABLE = 4


def hide_from_jobs() -> None:
    """Let only root read this process's memory and environment. On Linux; it makes no core dumps then either.

    Holds until the program is exchanged (`exec`), so that processes started by this one are as open as any.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
