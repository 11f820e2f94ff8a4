"""Keeps the history within its limits of age and size, while scheduling goes on."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.service.metrics.metrics import Metrics
from elasticjob_cloud.store import Store
from elasticjob_cloud.store.databases.size import DatabaseSize

_log = structlog.get_logger(__name__)
_LOOK_SECONDS: Final = 1.0
_ROWS_AT_ONCE: Final = 1_000
_DAY_MS: Final = 86_400_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """How long history is kept, and how large the database may be. `alert_days`: how long alerts that are over."""

    days: float = 30.0
    bytes: int = 10 * 1024**3
    alert_days: float = 90.0


class Retention:
    """Deletes the oldest history in small steps, in a thread of its own: commits and the lease never wait for it."""

    def __init__(
        self,
        store: Store,
        limits: HistoryLimits,
        metrics: Metrics,
        leads: Callable[[], bool],
        wall_ms: Callable[[], int],
        threads: Executor,
        every_seconds: float,
    ) -> None:
        self._store = store
        self._limits = limits
        self._metrics = metrics
        self._leads = leads
        self._wall_ms = wall_ms
        self._threads = threads
        self._every_seconds = every_seconds
        self._has_warned = False

    async def keep(self) -> None:
        """Prune now and then while this scheduler leads, and at once, whoever leads, when the database's disk is full."""
        while True:
            is_full = self._store.is_full()
            if is_full or self._leads():
                with contextlib.suppress(UnavailableError):
                    await self._prune(is_full=is_full)
            await self._pause()

    async def _pause(self) -> None:
        left = self._every_seconds
        while left > 0:
            await asyncio.sleep(min(left, _LOOK_SECONDS))
            left -= _LOOK_SECONDS
            # No lead can be taken on a full disk, so it is not asked for here.
            if self._store.is_full():
                return

    async def _prune(self, *, is_full: bool) -> None:
        if is_full and not await self._in_thread(self._store.keep_room):
            deleted = await self._in_thread(self._store.prune_oldest, _ROWS_AT_ONCE)
            _log.warning(
                "The database's disk is full: the oldest history is deleted, so that scheduling goes on. Free some room.",
                rows=deleted,
            )
        now_ms = self._wall_ms()
        for prune, days in (
            (self._store.prune_history, self._limits.days),
            (self._store.alerts.prune, self._limits.alert_days),
        ):
            while await self._in_thread(prune, now_ms - int(days * _DAY_MS), _ROWS_AT_ONCE):
                pass
        await self._prune_to_size()

    async def _prune_to_size(self) -> None:
        while self._is_too_large(await self._measure()):
            if not await self._in_thread(self._store.prune_oldest, _ROWS_AT_ONCE):
                self._warn_once()
                return
        self._has_warned = False

    async def _measure(self) -> DatabaseSize:
        size = await self._in_thread(self._store.size)
        self._metrics.note_database(size.file_bytes, size.used_bytes)
        return size

    async def _in_thread(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    def _is_too_large(self, size: DatabaseSize) -> bool:
        return size.used_bytes > self._limits.bytes or size.lacking_bytes > 0

    def _warn_once(self) -> None:
        if not self._has_warned:
            _log.warning(
                "The database is larger than history_limit_bytes, or its disk nearly full, though no history is left. "
                "Free some room, or raise the limit."
            )
        self._has_warned = True
