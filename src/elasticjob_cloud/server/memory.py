"""When the garbage collector works: seldom, since rows go without cycles, but in time where cycles are made on purpose."""

import gc
from collections.abc import Callable
from typing import Final

import psutil

_MEBIBYTE: Final = 1024 * 1024
_GROWTH_BYTES: Final = 64 * _MEBIBYTE
_GROWTH_FACTOR: Final = 1.25


def calm_garbage_collector() -> None:
    """Leave alone what is loaded now: looking at all of it again and again took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


class GarbageWatch:
    """Collects young objects by time, and all objects when the process has grown: the calmed collector does neither."""

    def __init__(self, resident_bytes: Callable[[], int] | None = None) -> None:
        """Make one; `resident_bytes` tells how large the process is, by default as the system says."""
        self._resident_bytes = resident_bytes or _resident_bytes
        self._settled_bytes = self._resident_bytes()

    def look(self) -> None:
        """Collect what is due; called every few seconds."""
        gc.collect(1)
        if self._resident_bytes() > self._settled_bytes * _GROWTH_FACTOR + _GROWTH_BYTES:
            gc.collect()
            # What is left is in use: the next look at all of it comes after as much growth again.
            self._settled_bytes = self._resident_bytes()


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)
