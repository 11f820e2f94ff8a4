"""Tells operators of runs that no present set of agents could ever hold: a warning and a metric (promise 4)."""

import asyncio
import logging

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.service.metrics import Metrics
from elasticjob_cloud.service.statistics import CoreQuery

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 5.0


class PlacementWatch:
    """Looks at the ready queue now and then, and warns once for each job while it cannot be placed."""

    def __init__(self, query_core: CoreQuery, metrics: Metrics) -> None:
        self._query_core = query_core
        self._metrics = metrics
        self._warned: set[str] = set()

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self) -> None:
        """Look once; a scheduler that does not lead has no queue to look at."""
        try:
            unplaceable = await self._query_core(lambda core: core.unplaceable_jobs())
        except UnavailableError:
            unplaceable = {}
        self._metrics.set_unplaceable(len(unplaceable))
        for job_name, reason in unplaceable.items():
            if job_name not in self._warned:
                _log.warning("Job %s cannot be placed. %s", job_name, reason)
        self._warned = set(unplaceable)
