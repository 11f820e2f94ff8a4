"""Runs as the faces ask for them: read from the store, changed by the core."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from typing import Final, TypeVar

from elasticjob_cloud.model.errors import (
    BugError,
    ConflictError,
    FieldError,
    InvalidRequestError,
    NotFoundError,
)
from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.runs import DaemonExecutionPage, RunDetail, RunPage, RunQuery
from elasticjob_cloud.scheduling.commands import ApiCommand, KillRun, RerunShards
from elasticjob_cloud.service.port import ShardChoice
from elasticjob_cloud.store import Store

T = TypeVar("T")
_LIVE: Final = frozenset({RunState.WAITING, RunState.RUNNING})


class Runs:
    """Implements `RunsPort`. What it reads is committed."""

    def __init__(
        self, store: Store, submit: Callable[[ApiCommand], Awaitable[int | None]], threads: Executor
    ) -> None:
        """Make the runs of a store, which is called in `threads`."""
        self._store = store
        self._submit = submit
        self._threads = threads

    async def page(self, query: RunQuery) -> RunPage:
        return await self._in_thread(self._store.runs, query)

    async def run(self, run_id: int) -> RunDetail:
        detail = await self._in_thread(self._store.run, run_id)
        if detail is None:
            message = f"There is no run {run_id}: it never was, or its record has been deleted since."
            raise NotFoundError(message)
        return detail

    async def daemon_executions(self, query: RunQuery) -> DaemonExecutionPage:
        return await self._in_thread(self._store.daemon_executions, query)

    async def kill(self, run_id: int, killed_by: str = "") -> None:
        detail = await self.run(run_id)
        await self._submit(KillRun(detail.run.job_name, run_id, killed_by))

    async def rerun(self, run_id: int, shards: ShardChoice | Sequence[int], triggered_by: str = "") -> int:
        detail = await self.run(run_id)
        items = _chosen_items(detail, shards)
        new_id = await self._submit(RerunShards(detail.run.job_name, run_id, items, triggered_by))
        if new_id is None:
            message = "A rerun was carried out without a run. This is our bug: please report it."
            raise BugError(message)
        return new_id

    async def _in_thread(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


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
        message = f"Nobody knows any more which shards of run {run_id} failed. Name the items, or rerun all."
        raise ConflictError(message)
    if not failed:
        message = f"No shard of run {run_id} failed."
        raise ConflictError(message)
    return failed
