"""Watches what waits for room: tells the engine of it, and operators of runs that no agents could hold (promise 4)."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from elasticjob_cloud.engine.contract import Pieces
from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.service.housekeeping.statistics import CoreQuery
from elasticjob_cloud.service.metrics.metrics import Metrics

_log = structlog.get_logger(__name__)
_EVERY_SECONDS = 1.0
_LOOKS_TO_A_WARNING = 5  # it looks at all jobs that wait: 50 ms where 10,000 do
_WAITED_MS = 2_000  # what room is freed for sooner needs no machine
_PIECES = 200  # more are asked for when these have found room


class PlacementWatch:
    """Looks at the queues now and then: asks for room when what waits has changed, and warns once for each job.

    It warns of what it has seen twice, 5 s apart.
    """

    def __init__(
        self,
        query_core: CoreQuery,
        metrics: Metrics,
        want_room: Callable[[Sequence[Pieces]], None],
    ) -> None:
        self._query_core = query_core
        self._metrics = metrics
        self._want_room = want_room
        self._seen: set[str] = set()  # at the last look: agents that were released may be on their way back
        self._warned: set[str] = set()
        self._wanted: list[Pieces] | None = None  # None: this leader has said nothing yet
        self._looks = 0

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self) -> None:
        """Look once; a scheduler that does not lead has no queue to look at, and asks for nothing."""
        try:
            wanted = await self._query_core(lambda core: core.unmet_room(_PIECES, _WAITED_MS))
            if wanted != self._wanted:
                self._wanted = wanted
                self._want_room(wanted)
            if self._looks % _LOOKS_TO_A_WARNING == 0:
                self._warn_of(await self._query_core(lambda core: core.unplaceable_jobs()))
            self._looks += 1
        except UnavailableError:
            self._warn_of({})
            self._wanted = None
            self._looks = 0

    def _warn_of(self, unplaceable: dict[str, str]) -> None:
        self._metrics.set_unplaceable(len(unplaceable))
        for job_name, reason in unplaceable.items():
            if job_name in self._seen and job_name not in self._warned:
                _log.warning("A job cannot be placed.", job=job_name, reason=reason)
        self._warned = unplaceable.keys() & self._seen
        self._seen = set(unplaceable)
