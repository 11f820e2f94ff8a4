"""A scheduler's life: it opens its database, seeks the lead, retires and stops."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from elasticjob_cloud.service.housekeeping.tasks import HousekeepingTasks
from elasticjob_cloud.service.leadership.candidate import Candidate
from elasticjob_cloud.service.leadership.leader import Leader
from elasticjob_cloud.service.threads.store_threads import StoreThreads
from elasticjob_cloud.store import Store
from elasticjob_cloud.store.databases.sqlite.lock import DatabaseLock, lock_database

_log = structlog.get_logger(__name__)
_RETIRE_SECONDS = 10.0
_CANCEL_SECONDS = 2.0


class SchedulerLife:
    """What `start`, `retire` and `stop` of a scheduler do, in this order; `retire` may come at any time.

    Args:
        candidate: Who seeks the lead.
        make_leader: Makes the leader of a candidate, who knows by then whether it is alone.
        store: The database.
        database_url: Where the database is.
        threads: Those in which the store is called.
        housekeeping: What goes on from the start until it retires.
    """

    def __init__(
        self,
        candidate: Candidate,
        make_leader: Callable[[Candidate], Leader],
        store: Store,
        database_url: str,
        threads: StoreThreads,
        housekeeping: HousekeepingTasks,
    ) -> None:
        self.leader: Leader | None = None
        self._candidate = candidate
        self._make_leader = make_leader
        self._store = store
        self._database_url = database_url
        self._threads = threads
        self._housekeeping = housekeeping
        self._lock: DatabaseLock | None = None
        self._task: asyncio.Task[None] | None = None
        self._retiring: asyncio.Task[None] | None = None

    @property
    def is_retiring(self) -> bool:
        """Whether it seeks the lead no more."""
        return self._retiring is not None

    async def start(self) -> None:
        """Return once it leads, or knows that another does, or retires.

        Raises:
            StartError: the database or the engine cannot be used.
        """
        self._lock = lock_database(self._database_url)
        await self._threads.write(self._store.migrate)
        if self.is_retiring:
            return
        leader = self.leader = self._make_leader(replace(self._candidate, alone=self._lock is not None))
        self._task = asyncio.create_task(leader.run(), name="scheduling")
        settled = asyncio.create_task(leader.settled.wait())
        await asyncio.wait({self._task, settled}, return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()
        if self._task.done() and (error := self._task.exception()) is not None:
            await self.stop()
            raise error
        if not self.is_retiring:
            self._housekeeping.start()

    async def ended(self) -> None:
        """Wait until it schedules no more: it was stopped, or cannot go on, which raises the reason."""
        assert self._task is not None, "it was started"
        await asyncio.shield(self._task)

    async def retire(self) -> None:
        """Give the lead up. May be called again, and returns then when it is done."""
        if self._retiring is None:
            self._retiring = asyncio.create_task(self._retire(), name="retire")
        await asyncio.shield(self._retiring)

    async def stop(self) -> None:
        """Retire, then leave the agents and the database."""
        await self.retire()
        if self.leader is not None:
            await self.leader.leave()
        await self._threads.close(self._store.close)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    async def _retire(self) -> None:
        self._housekeeping.cancel()
        if self.leader is None or self._task is None:
            return
        core = self.leader.core
        if core is not None and core.state.tasks:
            _log.warning(
                "Tasks run on in their agents. Start a scheduler again to follow them.",
                live_tasks=len(core.state.tasks),
            )
        self.leader.stop()
        done, _ = await asyncio.wait({self._task}, timeout=_RETIRE_SECONDS)
        if not done:
            _log.warning("The database does not answer: the lead ends with its lease.")
            self._task.cancel()
            done, _ = await asyncio.wait({self._task}, timeout=_CANCEL_SECONDS)
        if done and not self._task.cancelled():
            self._task.exception()  # `ended` raises it
