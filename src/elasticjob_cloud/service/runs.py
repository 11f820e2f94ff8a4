"""Runs as the API asks for them: read from the store, changed by the core."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final, TypeVar

import msgspec

from elasticjob_cloud.model.errors import (
    BugError,
    ConflictError,
    FieldError,
    InvalidRequestError,
    NotFoundError,
    NotLeadingError,
)
from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.messages import AgentInfo
from elasticjob_cloud.model.queries.failures import FailureGroups, FailureQuery
from elasticjob_cloud.model.queries.runs import DaemonExecutionPage, Run, RunDetail, RunPage, RunQuery
from elasticjob_cloud.model.queries.tasks import TaskDetail
from elasticjob_cloud.model.queries.timeline import PastRuns, TimelineQuery
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.scheduling.commands import ApiCommand, KillRun, RerunShards
from elasticjob_cloud.service.housekeeping.statistics import CoreQuery
from elasticjob_cloud.service.port import ShardChoice
from elasticjob_cloud.store import Store

T = TypeVar("T")
_LIVE: Final = frozenset({RunState.WAITING, RunState.RUNNING})
_WAITS_FOR_EARLIER_RUN: Final = "Waits until the job's earlier run has ended."
_EXPLAINED_AT_ONCE: Final = 50  # a millisecond of the scheduling's time at most


class Runs:
    """Implements `RunsPort`. All runs are read from the store, so that none is missing between two states."""

    def __init__(
        self,
        store: Store,
        submit: Callable[[ApiCommand], Awaitable[int | None]],
        query_core: CoreQuery,
        threads: Executor,
    ) -> None:
        """Make the runs of a store, which is called in `threads`."""
        self._store = store
        self._submit = submit
        self._query_core = query_core
        self._threads = threads

    async def page(self, query: RunQuery) -> RunPage:
        page = await self._in_thread(self._store.runs, query)
        return RunPage(await self._with_reasons(page.rows), page.next)

    async def run(self, run_id: int) -> RunDetail:
        detail = await self._recorded(run_id)
        (run,) = await self._with_reasons([detail.run])
        return msgspec.structs.replace(detail, run=run)

    async def _recorded(self, run_id: int) -> RunDetail:
        detail = await self._in_thread(self._store.run, run_id)
        if detail is None:
            message = f"There is no run {run_id}: it never was, or its record has been deleted since."
            raise NotFoundError(message)
        return detail

    async def task(self, task_id: str) -> TaskDetail:
        detail = await self._in_thread(self._store.task, task_id)
        if detail is None:
            message = f"There is no task '{task_id}': it never was, or its record has been deleted since."
            raise NotFoundError(message)
        if detail.hostname:
            return detail
        with contextlib.suppress(NotLeadingError):
            info = await self._query_core(partial(_agent_info, agent_id=detail.agent_id))
            if info is not None:
                return msgspec.structs.replace(detail, hostname=info.hostname, ip=info.ip)
        return detail

    async def past_runs(self, query: TimelineQuery) -> PastRuns:
        return await self._in_thread(self._store.past_runs, query)

    async def failure_groups(self, query: FailureQuery) -> FailureGroups:
        return await self._in_thread(self._store.failure_groups, query)

    async def daemon_executions(self, query: RunQuery) -> DaemonExecutionPage:
        return await self._in_thread(self._store.daemon_executions, query)

    async def kill(self, run_id: int, killed_by: str = "") -> None:
        detail = await self._recorded(run_id)
        await self._submit(KillRun(detail.run.job_name, run_id, killed_by))

    async def rerun(self, run_id: int, shards: ShardChoice | Sequence[int], triggered_by: str = "") -> int:
        detail = await self._recorded(run_id)
        items = _chosen_items(detail, shards)
        new_id = await self._submit(RerunShards(detail.run.job_name, run_id, items, triggered_by))
        if new_id is None:
            message = "A rerun was carried out without a run. This is our bug: please report it."
            raise BugError(message)
        return new_id

    async def _with_reasons(self, runs: Sequence[Run]) -> list[Run]:
        """Say of each run that waits why it does; nothing while no scheduler leads."""
        waiting = [run for run in runs if run.state is RunState.WAITING]
        reasons: dict[int, str] = {}
        with contextlib.suppress(NotLeadingError):
            for start in range(0, len(waiting), _EXPLAINED_AT_ONCE):
                part = waiting[start : start + _EXPLAINED_AT_ONCE]
                reasons |= await self._query_core(partial(_waiting_reasons, runs=part))
        return [
            msgspec.structs.replace(run, reason=reasons[run.run_id]) if run.run_id in reasons else run
            for run in runs
        ]

    async def _in_thread(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def _agent_info(core: Core, agent_id: str) -> AgentInfo | None:
    agent = core.state.agents.get(agent_id)
    return None if agent is None else agent.info


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
            reasons[run.run_id] = _WAITS_FOR_EARLIER_RUN
    explained = core.explain_waiting_jobs(ready)
    return reasons | {run_id: explained[job_name] for job_name, run_id in ready.items()}


def _chosen_items(detail: RunDetail, shards: ShardChoice | Sequence[int]) -> tuple[int, ...]:
    """Give the shards to run again; none stands for all."""
    run_id = detail.run.run_id
    if detail.run.state in _LIVE:
        message = f"Run {run_id} has not ended. Kill it first, or wait for its end."
        raise ConflictError(message)
    if shards is ShardChoice.ALL:
        return detail.items
    if not isinstance(shards, ShardChoice):
        if not shards:
            raise InvalidRequestError.of(FieldError("items", "must name at least one shard."))
        return tuple(shards)
    failed = detail.unsuccessful_items()
    if failed is None:
        message = (
            f"Nobody knows any more which shards of run {run_id} failed. Name the items, or run all again."
        )
        raise ConflictError(message)
    if not failed:
        message = f'No shard of run {run_id} has failed. To run all of them again: "items": "all".'
        raise ConflictError(message)
    return failed
