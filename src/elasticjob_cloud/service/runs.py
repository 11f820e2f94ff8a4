"""Runs, as the store has them, and why those that wait do."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import islice
from typing import Final, Protocol, TypeVar

import msgspec

from elasticjob_cloud.model.errors import NotFoundError, NotLeadingError
from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.queries.runs import DaemonExecutionPage, Run, RunDetail, RunPage, RunQuery
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.store import Store

WAITS_FOR_EARLIER_RUN: Final = "Waits until the job's earlier run has ended."
_EXPLAINED_AT_ONCE: Final = 50  # a millisecond of the scheduling's time at most
T = TypeVar("T")


class CoreQuery(Protocol):
    """How the core is read: between turns, or `UnavailableError` while this scheduler does not lead."""

    async def __call__(self, read: Callable[[Core], T]) -> T:
        """Give what `read` gives."""


class Runs:
    """Implements `RunsPort`."""

    def __init__(self, store: Store, query_core: CoreQuery, threads: Executor | None = None) -> None:
        """Read the runs of a store in `threads`, by default the event loop's own."""
        self._store = store
        self._query_core = query_core
        self._threads = threads

    async def page(self, query: RunQuery) -> RunPage:
        page = await self._in_thread(self._store.runs, query)
        return RunPage(await self._with_reasons(page.rows), page.next)

    async def detail(self, run_id: int) -> RunDetail:
        found = await self._in_thread(self._store.run, run_id)
        # Fires of daemon jobs have ids of the same kind, and are no runs.
        if found is None or found.run.source is FireSource.DAEMON:
            raise NotFoundError(
                f"There is no run {run_id}, or its history was deleted. GET /api/job/runs lists runs."
            )
        (run,) = await self._with_reasons([found.run])
        return msgspec.structs.replace(found, run=run)

    async def daemon_executions(self, query: RunQuery) -> DaemonExecutionPage:
        return await self._in_thread(self._store.daemon_executions, query)

    async def _with_reasons(self, runs: Sequence[Run]) -> list[Run]:
        """Say of each run that waits why it does."""
        waiting = iter([run for run in runs if run.state is RunState.WAITING])
        reasons: dict[int, str] = {}
        try:
            while part := list(islice(waiting, _EXPLAINED_AT_ONCE)):
                reasons |= await self._query_core(partial(_waiting_reasons, runs=part))
        except NotLeadingError:
            pass  # the runs can be read all the same
        return [
            msgspec.structs.replace(run, reason=reasons[run.run_id]) if run.run_id in reasons else run
            for run in runs
        ]

    async def _in_thread(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def _waiting_reasons(core: Core, runs: Iterable[Run]) -> dict[int, str]:
    """Say why runs wait, by their ids; of one that has started meanwhile, nothing."""
    reasons: dict[int, str] = {}
    ready: dict[str, int] = {}
    for run in runs:
        fires = core.state.waiting.get(run.job_name, ())
        first = core.state.ready_fire(run.job_name)
        if first is not None and first.fire_id == run.run_id:
            ready[run.job_name] = run.run_id
        elif fires and fires[0].fire_id <= run.run_id:
            reasons[run.run_id] = WAITS_FOR_EARLIER_RUN
    explained = core.explain_waiting_jobs(ready)
    return reasons | {run_id: explained[job_name] for job_name, run_id in ready.items()}
