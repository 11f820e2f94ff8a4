"""Connections that job code does not close by mistake.

`os.closerange(3, 1000)`, or what turns a process into a daemon, closes descriptors that it never opened. A low number would
then belong to the next file that job code opens, and we would write our messages into it.
"""

import contextlib
import fcntl
import os
import resource
import socket

# Beyond what programs count to (their own limit, 1024, 4096, 65536). The kernel's table of a process has 8 bytes for each.
_FIRST = 70_000
_SPARE = 4096


class DescriptorsClosedError(Exception):
    """Job code closed a connection of ours."""


def protect_connection(connection: socket.socket) -> socket.socket:
    """Give a socket a number that is out of reach of all but those who close everything; the old one is closed."""
    moved = duplicate_high(connection.fileno())
    connection.close()
    return socket.socket(fileno=moved)


def duplicate_high(descriptor: int) -> int:
    """Return a duplicate that is out of reach, for the process that runs now and none that it starts.

    Raises:
        OSError: If there is no such descriptor, or there are too many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = hard if hard != resource.RLIM_INFINITY else 1 << 20
    first = min(_FIRST, max(highest - _SPARE, highest // 2))
    try:
        if soft != resource.RLIM_INFINITY and soft < highest:
            # A descriptor above the limit stays valid when the limit is lowered again.
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, first)
    except (OSError, ValueError):
        return fcntl.fcntl(
            descriptor, fcntl.F_DUPFD_CLOEXEC, 3
        )  # as macOS may refuse to raise the limit so far
    finally:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def identify(descriptor: int) -> tuple[int, int] | None:
    """Return what tells the open file behind a number from all others; None if there is none."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


class Ownership:
    """Knows whether a connection's number is still that connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._identity = identify(connection.fileno())

    def is_lost(self) -> bool:
        """Whether job code has closed it, and maybe opened something else in its place."""
        return identify(self._connection.fileno()) != self._identity
