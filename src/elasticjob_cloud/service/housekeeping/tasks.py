"""Housekeeping as tasks of the event loop, which go on whatever happens in them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 10.0


class HousekeepingTasks:
    """What goes on for as long as a scheduler runs, whether it leads or not."""

    def __init__(self, works: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
        """Make tasks of works, by name."""
        self._works = works
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start each of the works."""
        self._tasks = [
            asyncio.create_task(_go_on(name, work), name=name) for name, work in self._works.items()
        ]

    def cancel(self) -> None:
        """End them; nothing is waited for."""
        for task in self._tasks:
            task.cancel()


async def _go_on(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Go on after a failure that the work did not foresee: its end would be seen much later, by a full disk."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - scheduling does not depend on it
            _log.exception("Housekeeping failed; trying again.", work=name)
        await asyncio.sleep(_RETRY_SECONDS)
