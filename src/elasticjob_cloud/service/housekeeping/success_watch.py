"""Finds when jobs last succeeded before this scheduler took the lead: a restart must not look like a lost success."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.runs import RunQuery
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.metrics.last_successes import LastSuccesses
from elasticjob_cloud.store import Store

_LOOK_SECONDS: Final = 1.0


class SuccessWatch:
    """Asks the store once for each core, as soon as its jobs are few enough to be shown."""

    def __init__(
        self,
        successes: LastSuccesses,
        find_core: Callable[[], Core | None],
        find_success: Callable[[str, bool], Awaitable[int]],
    ) -> None:
        """`find_success`: give the time of a job's last success, or 0, by its name and whether it is a daemon."""
        self._successes = successes
        self._find_core = find_core
        self._find_success = find_success

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Ask the store, if that was not done yet."""
        core = self._find_core()
        if core is None or self._successes.has_earlier or not self._successes.is_shown:
            return
        try:
            times_ms = await self._read(core)
        except UnavailableError:
            return  # the database does not answer: it is asked again
        self._successes.note_earlier(core, times_ms)

    async def _read(self, core: Core) -> Mapping[str, int]:
        jobs = {name: job.configuration.is_daemon for name, job in core.state.jobs.items()}
        # One at a time: a short read for each job leaves the reader's threads, and the interpreter, to others.
        found = {name: await self._find_success(name, is_daemon) for name, is_daemon in jobs.items()}
        return {name: time_ms for name, time_ms in found.items() if time_ms}


def last_success_ms(store: Store, job_name: str, is_daemon: bool) -> int:  # noqa: FBT001 - called by position, in a thread
    """Read when a job last succeeded; 0: never, as far as the history goes.

    Raises:
        UnavailableError: the database does not answer.
    """
    query = RunQuery(job_name=job_name, state=RunState.SUCCEEDED, limit=1)
    if is_daemon:
        executions = store.daemon_executions(query).rows
        return executions[0].end_ms if executions else 0
    runs = store.runs(query).rows
    return runs[0].end_ms if runs else 0
