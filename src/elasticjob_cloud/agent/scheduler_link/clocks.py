"""The clocks of an agent's link to its scheduler, in milliseconds."""

import time


def monotonic_ms() -> int:
    """Read the clock that is never set."""
    return time.monotonic_ns() // 1_000_000


def heart_ms() -> int:
    """Read the clock that goes on while this machine is suspended, as the scheduler's does, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)
    return monotonic_ms()
