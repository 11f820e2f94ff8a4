"""A source whose client blocks: it works in a thread, and can be told to stop."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.sources.address import AppAddress
from elasticjob_cloud.agent.apps.sources.fetching import Fetched, Validator
from elasticjob_cloud.agent.apps.threads import run_stoppable


class BlockingSource(ABC):
    """What such sources have in common."""

    def __init__(self, limits: AppLimits, executor: Executor) -> None:
        self._limits = limits
        self._executor = executor

    async def fetch(
        self, address: AppAddress, validator: Validator, target: Path, answered: Callable[[], None]
    ) -> Fetched | None:
        """See `Source.fetch`."""
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(answered)

        return await run_stoppable(
            self._executor, lambda stop: self._fetch(address, validator, target, tell, stop)
        )

    @abstractmethod
    def _fetch(
        self,
        address: AppAddress,
        validator: Validator,
        target: Path,
        tell: Callable[[], None],
        stop: threading.Event,
    ) -> Fetched | None:
        """Do it in this thread; `tell` is `answered` of `Source.fetch`, and nobody waits any more once `stop` is set."""
