"""The two clocks, which the caller of the core reads once a turn."""

from typing import NamedTuple


class Now(NamedTuple):
    """An instant: `wall_ms` (UTC, may jump) for due times and records, `monotonic_ms` for backoff and to see jumps."""

    wall_ms: int
    monotonic_ms: int
