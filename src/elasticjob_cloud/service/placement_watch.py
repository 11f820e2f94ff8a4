"""Watches what waits for room: tells the engine of it, and operators of runs that no agents could hold (promise 4)."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.metrics import Metrics
from elasticjob_cloud.service.statistics import CoreQuery

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 1.0
_WAITED_MS = 2_000  # what room is freed for sooner needs no machine
_PIECES = 200  # more are asked for when these have found room

Pieces = list[tuple[float, float]]


class PlacementWatch:
    """Looks at the queues now and then: asks for room when what waits has changed, and warns once for each job."""

    def __init__(
        self,
        query_core: CoreQuery,
        metrics: Metrics,
        want_room: Callable[[Sequence[tuple[float, float]]], None],
    ) -> None:
        self._query_core = query_core
        self._metrics = metrics
        self._want_room = want_room
        self._warned: set[str] = set()
        self._wanted: Pieces | None = None  # None: this leader has said nothing yet

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self) -> None:
        """Look once; a scheduler that does not lead has no queue to look at, and asks for nothing."""
        try:
            unplaceable, wanted = await self._query_core(_read)
        except UnavailableError:
            self._warn_of({})
            self._wanted = None
        else:
            self._warn_of(unplaceable)
            if wanted != self._wanted:
                self._wanted = wanted
                self._want_room(wanted)

    def _warn_of(self, unplaceable: dict[str, str]) -> None:
        self._metrics.set_unplaceable(len(unplaceable))
        for job_name, reason in unplaceable.items():
            if job_name not in self._warned:
                _log.warning("Job %s cannot be placed. %s", job_name, reason)
        self._warned = set(unplaceable)


def _read(core: Core) -> tuple[dict[str, str], Pieces]:
    return core.unplaceable_jobs(), core.unmet_room(_PIECES, _WAITED_MS)
