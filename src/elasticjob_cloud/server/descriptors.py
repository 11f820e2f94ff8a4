"""How many file descriptors this process may have, and how many of them are for connections."""

import sys
from functools import cache
from typing import Final

_WANTED: Final = 8192
# For the database, agents, downloads and logs: callers must not use up what the scheduler itself needs.
RESERVED_DESCRIPTORS: Final = 256


@cache
def inherited_descriptor_limit() -> int:
    """Give the soft limit that this process was started with, which its agent's tasks keep. 0: there is none."""
    if sys.platform == "win32":
        return 0
    import resource  # noqa: PLC0415 - not there on Windows

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 0 if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit(wanted: int = _WANTED) -> int:
    """Raise the soft limit of descriptors as far as the hard one allows; give what it is now."""
    if sys.platform == "win32":
        return wanted
    import resource  # noqa: PLC0415 - not there on Windows

    inherited_descriptor_limit()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < target:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        except (OSError, ValueError):  # a container may forbid it
            return soft
        return target
    return soft


def connection_limit(descriptors: int, most: int) -> int:
    """Give how many connections there may be, with some descriptors held in reserve."""
    return min(most, max(descriptors - RESERVED_DESCRIPTORS, descriptors // 2))
