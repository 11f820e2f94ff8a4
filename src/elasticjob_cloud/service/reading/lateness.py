"""How late fires of the last hour were."""

from collections import deque
from collections.abc import Sequence
from typing import Final

_KEPT: Final = 10_000
_WINDOW_MS: Final = 3_600_000


class Lateness:
    """The lateness of the latest fires, at most 10,000 of the last hour."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, int]] = deque(maxlen=_KEPT)

    def note(self, now_ms: int, lateness_ms: Sequence[int]) -> None:
        """Note how late the fires of a turn were."""
        self._kept.extend((now_ms, it) for it in lateness_ms)

    def percentiles(self, now_ms: int) -> tuple[int, int] | None:
        """Give the median and the lateness that 99 % of fires do not exceed; None when there was no fire."""
        known = sorted(it for noted_ms, it in self._kept if noted_ms > now_ms - _WINDOW_MS)
        if not known:
            return None
        return known[(len(known) - 1) // 2], known[-(-len(known) * 99 // 100) - 1]
