"""Warns where schedulers of one database have agents on different clusters: each that leads would lose the other's agents."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from elasticjob_cloud.model.errors import UnavailableError

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 5.0


class ClusterWatch:
    """Says in the database which cluster this scheduler has joined, and compares.

    Args:
        read_cluster: Gives the engine's cluster; empty: none, or none yet.
        note: Writes it, and gives the ids of the schedulers that have written another.
    """

    def __init__(
        self, read_cluster: Callable[[], str], note: Callable[[str], Awaitable[Sequence[str]]]
    ) -> None:
        self._read_cluster = read_cluster
        self._note = note
        self._strangers: frozenset[str] = frozenset()

    async def watch(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            with contextlib.suppress(UnavailableError):
                await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Compare once, and warn of what is new."""
        cluster = self._read_cluster()
        if not cluster:
            return
        strangers = frozenset(await self._note(cluster))
        if strangers - self._strangers:
            _log.warning(
                "Schedulers that share this one's database have joined another Ray cluster. Tasks of one cluster are lost "
                "when a scheduler of the other takes the lead. Set the same ray_address everywhere.",
                schedulers=sorted(strangers),
            )
        self._strangers = strangers
