"""Asks the agents now and then what their apps' folders take, for the metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.messages import Sandbox
from elasticjob_cloud.service.metrics.metrics import Metrics

_EVERY_SECONDS = 10.0


class SandboxWatch:
    """Keeps the gauge of all app folders' bytes."""

    def __init__(
        self, metrics: Metrics, list_sandboxes: Callable[[str], Awaitable[Sequence[Sandbox]]]
    ) -> None:
        self._metrics = metrics
        self._list_sandboxes = list_sandboxes

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self) -> None:
        """Look once. A scheduler that does not lead has no agents to ask."""
        try:
            sandboxes = await self._list_sandboxes("")
        except UnavailableError:
            sandboxes = []
        self._metrics.set_sandbox_bytes(sum(sandbox.size_bytes for sandbox in sandboxes))
