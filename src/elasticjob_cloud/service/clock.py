"""The clocks of the process, read once a turn."""

import time

from elasticjob_cloud.scheduling import Now


def read_clock() -> Now:
    """Read the wall clock (UTC) and the monotonic clock, in milliseconds."""
    return Now(time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000)
