"""What runs and what waits: found in short turns, and a job that waits is explained only when it is shown.

What is there is taken from the core at one moment, when all that it knows is committed (promise 9).
"""

import heapq
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Final, Protocol, TypeVar

from elasticjob_cloud.model.queries.queues import QueueFilter, QueuePage
from elasticjob_cloud.model.records import FailoverRecord, FireRecord, JobRecord, TaskRecord
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.port import ReadyJob
from elasticjob_cloud.service.reading.turns import Reader, ReadTurns

_STEP: Final = 500
_PASSED_STEP: Final = 200
_EXPLAINED_STEP: Final = 25
T = TypeVar("T")
_Waiting = tuple[int, int, str]  # when its first fire was due, that fire's id, and the job


class CoreQuery(Protocol):
    """How the core is read: between turns, or `UnavailableError` while this scheduler does not lead."""

    async def __call__(self, read: Callable[[Core], T]) -> T:
        """Give what `read` gives."""


class Queues:
    """Reads the queues of the core of the present term."""

    def __init__(self, query_core: CoreQuery, turns: ReadTurns) -> None:
        self._query_core = query_core
        self._turns = turns

    async def running(self, wanted: QueueFilter) -> list[TaskRecord]:
        """Give the live tasks, the one that was started first first."""
        tasks = await self._query_core(partial(_live_tasks, wanted=wanted))
        return await self._chosen(tasks, lambda task: _matches(task, wanted))

    async def failover(self, wanted: QueueFilter) -> list[FailoverRecord]:
        """Give the shards that wait to be started again."""
        records, apps = await self._query_core(
            lambda core: (list(core.state.failovers.values()), core.state.jobs)
        )
        return await self._chosen(records, lambda it: _is_wanted(it.job_name, wanted, apps))

    async def _chosen(self, records: list[T], is_chosen: Callable[[T], bool]) -> list[T]:
        chosen: list[T] = []
        async for part in self._turns.pieces(records, _STEP):
            chosen += filter(is_chosen, part)
        return chosen

    async def ready_page(self, wanted: QueueFilter, number: int, size: int) -> QueuePage[ReadyJob]:
        """Give page `number` (from 1) of the jobs that wait, the one with the oldest fire first."""
        async with self._turns.reader() as reader:
            total, merged = await self._waiting(wanted, reader)
            await _pass(merged, (number - 1) * size, reader)
            return QueuePage(total, await self._ready(list(islice(merged, size)), reader))

    async def ready(self, wanted: QueueFilter) -> AsyncIterator[list[ReadyJob]]:
        """Give all jobs that wait, some at a time."""
        async with self._turns.reader() as reader:
            _, merged = await self._waiting(wanted, reader)
            while part := list(islice(merged, _EXPLAINED_STEP)):
                yield await self._ready(part, reader)

    async def _waiting(self, wanted: QueueFilter, reader: Reader) -> tuple[int, Iterator[_Waiting]]:
        """Give how many jobs wait, and these in order. They are sorted in parts, so that no one call takes long."""
        waiting, jobs = await self._query_core(lambda core: (_waiting_jobs(core, wanted), core.state.jobs))
        total, parts = 0, []
        for start in range(0, len(waiting), _STEP):
            await reader.step()
            part = [
                (fires[0].due_ms, fires[0].fire_id, name)
                for name, fires in waiting[start : start + _STEP]
                if fires and _is_wanted(name, wanted, jobs)
            ]
            total += len(part)
            parts.append(sorted(part))
        return total, heapq.merge(*parts)

    async def _ready(self, places: Sequence[_Waiting], reader: Reader) -> list[ReadyJob]:
        jobs: list[ReadyJob] = []
        for start in range(0, len(places), _EXPLAINED_STEP):
            await reader.step()
            names = [name for *_, name in places[start : start + _EXPLAINED_STEP]]
            jobs += await self._query_core(partial(_explained, names=names))
        return jobs


def _live_tasks(core: Core, wanted: QueueFilter) -> list[TaskRecord]:
    state = core.state
    if wanted.job_name:
        return [state.tasks[task_id] for task_id in state.tasks_of_job.get(wanted.job_name, ())]
    if wanted.agent_id:
        return [state.tasks[task_id] for task_id in state.tasks_of_agent.get(wanted.agent_id, ())]
    return list(state.tasks.values())


def _waiting_jobs(core: Core, wanted: QueueFilter) -> list[tuple[str, Sequence[FireRecord]]]:
    waiting = core.state.waiting
    if not wanted.job_name:
        return list(waiting.items())
    return [(wanted.job_name, waiting[wanted.job_name])] if wanted.job_name in waiting else []


def _explained(core: Core, names: Sequence[str]) -> list[ReadyJob]:
    """Show those that still wait."""
    waiting = core.state.waiting
    present = [name for name in names if name in waiting]
    reasons = core.explain_waiting_jobs(present)
    return [ReadyJob(name, len(waiting[name]), reasons[name]) for name in present]


def _is_wanted(job_name: str, wanted: QueueFilter, jobs: Mapping[str, JobRecord]) -> bool:
    if wanted.job_name not in {"", job_name}:
        return False
    if not wanted.app_name:
        return True
    job = jobs.get(job_name)
    return job is not None and job.configuration.app_name == wanted.app_name


def _matches(task: TaskRecord, wanted: QueueFilter) -> bool:
    return (
        wanted.job_name in {"", task.job_name}
        and wanted.app_name in {"", task.app_name}
        and wanted.agent_id in {"", task.agent_id}
    )


async def _pass(merged: Iterator[_Waiting], count: int, reader: Reader) -> None:
    passed = 0
    while passed < count:
        await reader.step()
        step = min(_PASSED_STEP, count - passed)
        if len(list(islice(merged, step))) < step:
            return
        passed += step
