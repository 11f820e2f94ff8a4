"""Virtual time for asyncio: an event loop whose clock jumps to the next timer when nothing else is to be done."""

import asyncio


class VirtualLoop(asyncio.SelectorEventLoop):
    """Sockets of this process work as ever; nothing takes time but what waits for a timer."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1_000.0

    def time(self) -> float:
        """Give the virtual time."""
        return self._now

    def _run_once(self) -> None:
        if not self._ready:  # type: ignore[attr-defined]
            self._process_events(self._selector.select(0))  # type: ignore[attr-defined]
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]
