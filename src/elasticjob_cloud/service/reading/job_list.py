"""The list of jobs: found and sorted by the index, each row completed for the page that shows it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar
from zoneinfo import ZoneInfo

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder, JobPage, JobRow
from elasticjob_cloud.model.queries.runs import EndedRun, JobResults
from elasticjob_cloud.model.records import Changes, JobRecord
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.reading.job_index import JobIndex
from elasticjob_cloud.service.reading.last_results import LastResults
from elasticjob_cloud.service.reading.turns import Reader, ReadTurns

_NO_RESULTS: Final = JobResults()
_LOADED_AT_ONCE: Final = 100
_LOAD_PAUSE_SECONDS: Final = 0.005
_RETRY_SECONDS: Final = 1.0
_LOAD_WAIT_SECONDS: Final = 10.0
_PAGE_WAIT_SECONDS: Final = 2.0
_LATEST_AT_ONCE: Final = 2_000
_LATEST_PARTS: Final = 250  # half a million runs, in some seconds
T = TypeVar("T")
_RECORDS_AT_ONCE: Final = 25


class ResultReads(Protocol):
    """How runs ended, read from the store."""

    async def job_results(
        self, job_names: Sequence[str], daemon_names: Sequence[str]
    ) -> dict[str, JobResults]:
        """Give the last results of some jobs, and of some daemon jobs, by name."""

    async def latest_ended(
        self, before: tuple[int, int] | None, limit: int
    ) -> tuple[list[EndedRun], tuple[int, int] | None]:
        """Give the runs that ended among the latest fires before a place, and where to go on; None: that was all."""


class JobList:
    """All jobs of one core."""

    def __init__(
        self,
        core: Core,
        turns: ReadTurns,
        history: ResultReads,
        read_wall_ms: Callable[[], int],
        default_zone: str,
        on_known: Callable[[], None],
    ) -> None:
        self.results = LastResults()
        self.core = core
        self._turns = turns
        self._history = history
        self._on_known = on_known
        self._has_loaded_all = False
        self._read_wall_ms = read_wall_ms
        self._default_zone = default_zone
        self._index = JobIndex(core, self.results)
        self._loading: asyncio.Task[None] | None = None

    def note(self, changes: Changes) -> None:
        """Take up what a turn has committed."""
        self.results.note(changes)
        self._index.note(changes)

    def close(self) -> None:
        """Read nothing more."""
        if self._loading is not None:
            self._loading.cancel()

    async def page(self, wanted: JobFilter, order: JobOrder, number: int, size: int) -> JobPage:
        """Give page `number` (from 1) of the jobs that match, `size` jobs long.

        Raises:
            UnavailableError: too many read at the moment.
        """
        asks = wanted.asks_for_result or order.asks_for_result
        is_complete = not asks or await self.know_results_within(_PAGE_WAIT_SECONDS)
        async with self._turns.reader() as reader:
            total, names = await self._index.find(wanted, order, (number - 1) * size, size, reader)
            return JobPage(total, await self._rows(names, reader), is_complete)

    async def names(self, wanted: JobFilter, order: JobOrder) -> list[str]:
        """Give the names of all jobs that match, in order.

        Raises:
            UnavailableError: too many read at the moment, or the last results are asked for and not known yet.
        """
        # What is changed in bulk goes by this: part of them will not do.
        asks = wanted.asks_for_result or order.asks_for_result
        if asks and not await self.know_results_within(_LOAD_WAIT_SECONDS):
            raise UnavailableError(
                "The last results of all jobs are still being read after the start; try again in a moment."
            )
        async with self._turns.reader() as reader:
            return await self._index.find_all(wanted, order, reader)

    async def records(self, names: Sequence[str]) -> AsyncIterator[list[JobRecord]]:
        """Give the jobs of these names that are still there, some at a time, each time in a turn."""
        jobs = self.core.state.jobs
        async for part in self._turns.pieces(names, _RECORDS_AT_ONCE):
            yield [jobs[name] for name in part if name in jobs]

    async def know_results_within(self, seconds: float) -> bool:
        """Have the last results of all jobs read; tell whether they are known after this time at the latest."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load(), name="load-last-results")
        done, _ = await asyncio.wait({self._loading}, timeout=seconds)
        return bool(done) and not self._loading.cancelled()

    async def _load(self) -> None:
        """Read how the jobs' last runs ended: along the latest runs, which are those of most jobs; then job by job."""
        await self._load_latest()
        jobs = self.core.state.jobs
        names = [name for name in list(jobs) if not self.results.is_settled(name)]
        if self._has_loaded_all:  # no run of a job that is left
            names = [name for name in names if name in jobs and jobs[name].configuration.is_daemon]
        for start in range(0, len(names), _LOADED_AT_ONCE):
            part = names[start : start + _LOADED_AT_ONCE]
            for name, results in (await self._surely(partial(self._results_of, part))).items():
                if name in self.core.state.jobs:
                    self.results.fill(name, results)
            self._index.touch(part)
            await asyncio.sleep(_LOAD_PAUSE_SECONDS)
        self._on_known()

    async def _load_latest(self) -> None:
        jobs, before = self.core.state.jobs, None
        for _ in range(_LATEST_PARTS):
            ended, before = await self._surely(partial(self._history.latest_ended, before, _LATEST_AT_ONCE))
            for run in ended:
                if run.job_name in jobs:
                    self.results.fill_from_newest(run)
            self._index.touch([run.job_name for run in ended])
            if before is None:
                self._has_loaded_all = True
                return
            await asyncio.sleep(_LOAD_PAUSE_SECONDS)

    async def _surely(self, read: Callable[[], Awaitable[T]]) -> T:
        while True:
            with contextlib.suppress(UnavailableError):
                return await read()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _results_of(self, names: Iterable[str]) -> dict[str, JobResults]:
        jobs = self.core.state.jobs
        known = {name: jobs[name].configuration.is_daemon for name in names if name in jobs}
        return await self._history.job_results(
            [name for name, is_daemon in known.items() if not is_daemon],
            [name for name, is_daemon in known.items() if is_daemon],
        )

    async def _rows(self, names: Sequence[str], reader: Reader) -> list[JobRow]:
        results = await self._results_of(names)
        state = self.core.state
        await reader.step()
        reasons = self.core.explain_waiting_jobs(name for name in names if name in state.waiting)
        rows = []
        for name in names:
            await reader.step()
            record = state.jobs.get(name)
            if record is not None:  # else it was removed meanwhile
                rows.append(
                    JobRow(
                        record=record,
                        results=results.get(name, _NO_RESULTS),
                        next_fire_ms=self._next_fire_ms(record),
                        running_shards=len(state.tasks_of_job.get(name, ())),
                        waiting_reason=reasons.get(name, ""),
                    )
                )
        return rows

    def _next_fire_ms(self, record: JobRecord) -> int | None:
        """Give when a job fires next, by the scheduler's schedule, or, for a daemon job, by its executor's."""
        job, state = record.configuration, self.core.state
        if not job.is_daemon:
            return state.triggers.next_fire_ms(job.job_name)
        if not job.cron or not state.is_enabled(job.job_name):
            return None
        zone = ZoneInfo(job.time_zone or self._default_zone)
        return CronExpression.parse(job.cron).next_fire_ms(self._read_wall_ms(), zone)
