"""The figures of the console's first page."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from heapq import nsmallest
from itertools import islice
from typing import Final, Protocol

from elasticjob_cloud.model.alerting.queries import AlertPage, AlertQuery
from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.overview import (
    AgentRoom,
    FailingJob,
    NextFire,
    Overview,
    ResultCounts,
    WaitingJob,
)
from elasticjob_cloud.model.queries.runs import DaemonExecutionPage, RunPage, RunQuery
from elasticjob_cloud.model.queries.statistics import RunCounts, StatisticInterval
from elasticjob_cloud.model.records import FireRecord
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.reading.job_list import JobList
from elasticjob_cloud.service.reading.lateness import Lateness
from elasticjob_cloud.service.reading.turns import Reader, ReadTurns

_ROWS: Final = 20
_NEXT_FIRES: Final = 10
_LATE_MS: Final = 60_000
_HOUR_MS: Final = StatisticInterval.HOUR.milliseconds
_DAY_MS: Final = StatisticInterval.DAY.milliseconds
_STEP: Final = 200
_PATIENCE_SECONDS: Final = 0.5


class HistoryReads(Protocol):
    """What is read from the store for the first page."""

    async def runs(self, query: RunQuery) -> RunPage:
        """Give a page of runs."""

    async def daemon_executions(self, query: RunQuery) -> DaemonExecutionPage:
        """Give a page of executions of daemon jobs."""

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """Give a page of alerts."""

    async def run_counts(self, since_ms: int) -> RunCounts:
        """Give how many runs ended in the minutes that began since then."""


class OverviewMaker:
    """Makes the first page of one core."""

    def __init__(
        self, core: Core, jobs: JobList, lateness: Lateness, history: HistoryReads, turns: ReadTurns
    ) -> None:
        self._core = core
        self._jobs = jobs
        self._lateness = lateness
        self._history = history
        self._turns = turns
        self._failing: dict[str, tuple[object, FailingJob]] = {}

    async def make(self, revision: str, now_ms: int) -> Overview:
        """Give the page as of now.

        Raises:
            UnavailableError: the store does not answer.
        """
        knows_all_results = await self._jobs.know_results_within(_PATIENCE_SECONDS)
        failing = [await self._failing_job(name) for name in self._latest_failing()]
        last_hour = await self._result_counts(now_ms - _HOUR_MS)
        last_day = await self._result_counts(now_ms - _DAY_MS)
        alerts = (await self._history.alerts(AlertQuery(is_open=True, limit=_ROWS))).rows
        async with self._turns.reader() as reader:
            waiting, late_count, waiting_count = await self._waiting(reader, now_ms)
            room = await self._room(reader)
            await reader.step()
            percentiles = self._lateness.percentiles(now_ms)
        state = self._core.state
        return Overview(
            revision=revision,
            time_ms=now_ms,
            jobs=len(state.jobs),
            disabled_apps=sum(app.disabled for app in state.apps.values()),
            running_runs=len(state.runs),
            knows_all_results=knows_all_results,
            failing_count=len(self._jobs.results.failing),
            failing=failing,
            waiting_count=waiting_count,
            late_count=late_count,
            waiting=waiting,
            next_fires=[NextFire(name, due_ms) for due_ms, name in state.triggers.upcoming(_NEXT_FIRES)],
            last_hour=last_hour,
            last_day=last_day,
            lateness_p50_ms=None if percentiles is None else percentiles[0],
            lateness_p99_ms=None if percentiles is None else percentiles[1],
            room=room,
            alerts=alerts,
        )

    # What fails

    def _latest_failing(self) -> list[str]:
        return list(islice(reversed(self._jobs.results.failing), _ROWS))

    async def _failing_job(self, job_name: str) -> FailingJob:
        """Give the row of a job that fails; read from the store only when the job has had another result since."""
        result = self._jobs.results.get(job_name)
        known = self._failing.get(job_name)
        if known is not None and known[0] == result:
            return known[1]
        record = self._core.state.jobs.get(job_name)
        if record is not None and record.configuration.is_daemon:
            row = await self._failing_daemon(job_name)
        else:
            row = await self._failing_transient(job_name)
        if len(self._failing) > _ROWS * 10:
            self._failing.clear()
        self._failing[job_name] = (result, row)
        return row

    async def _failing_transient(self, job_name: str) -> FailingJob:
        good = (await self._history.runs(_last(job_name, RunState.SUCCEEDED, 1))).rows
        since_ms = good[0].recorded_ms + 1 if good else None
        bad = (await self._history.runs(_last(job_name, RunState.FAILED, 50, since_ms))).rows
        if not bad:  # pruned meanwhile
            return FailingJob(job_name, self._jobs.results.failing.get(job_name) or 0, "", 0)
        return FailingJob(job_name, bad[-1].end_ms, bad[0].summary, bad[0].run_id)

    async def _failing_daemon(self, job_name: str) -> FailingJob:
        good = (await self._history.daemon_executions(_last(job_name, RunState.SUCCEEDED, 1))).rows
        since_ms = good[0].start_ms + 1 if good else None
        bad = (await self._history.daemon_executions(_last(job_name, RunState.FAILED, 50, since_ms))).rows
        if not bad:
            return FailingJob(job_name, self._jobs.results.failing.get(job_name) or 0, "", 0)
        return FailingJob(job_name, bad[-1].end_ms, bad[0].summary, 0)

    # What waits

    async def _waiting(self, reader: Reader, now_ms: int) -> tuple[list[WaitingJob], int, int]:
        oldest: list[tuple[int, str, int]] = []
        late_count = 0
        await reader.step()
        waiting = list(self._core.state.waiting.items())
        for start in range(0, len(waiting), _STEP):
            await reader.step()
            part = [_waiting_since(name, fires) for name, fires in waiting[start : start + _STEP] if fires]
            late_count += sum(due_ms < now_ms - _LATE_MS for due_ms, _, _ in part)
            oldest = nsmallest(_ROWS, oldest + part)
        await reader.step()
        present = self._core.state.waiting
        reasons = self._core.explain_waiting_jobs(name for _, name, _ in oldest if name in present)
        rows = [
            WaitingJob(name, due_ms, times, reasons[name])
            for due_ms, name, times in oldest
            if name in reasons
        ]
        return rows, late_count, len(waiting)

    # How much

    async def _result_counts(self, since_ms: int) -> ResultCounts:
        since_ms = StatisticInterval.MINUTE.start_ms(since_ms)  # runs are counted by the minute
        counts = await self._history.run_counts(since_ms)
        return ResultCounts(since_ms, counts.succeeded, counts.failed)

    async def _room(self, reader: Reader) -> AgentRoom:
        agents = list(self._core.state.agents.values())
        draining, cpus, cpus_used, memory_mb, memory_mb_used = 0, 0.0, 0.0, 0.0, 0.0
        for agent in agents:
            await reader.step()
            used = agent.used()
            draining += bool(agent.info.draining)
            cpus += agent.info.cpus
            cpus_used += used.milli_cpus / 1000
            memory_mb += agent.info.memory_mb
            memory_mb_used += used.memory_kib / 1024
        return AgentRoom(len(agents), draining, cpus, cpus_used, memory_mb, memory_mb_used)


class SharedOverview:
    """One page for all who look at it: made again only when something has changed, and twice a second at most."""

    def __init__(self, present_revision: Callable[[], int], make: Callable[[], Awaitable[Overview]]) -> None:
        self._present_revision = present_revision
        self._make = make
        self._making = asyncio.Lock()
        self._overview: Overview | None = None
        self._number = 0
        self._made_at = 0.0

    async def get(self) -> Overview:
        """Give a page that is at least as new as this call, or as old as 5 s if nothing has changed."""
        wanted = self._present_revision()
        async with self._making:
            age = time.monotonic() - self._made_at
            if self._overview is not None and self._number >= wanted and age < _LONGEST_SECONDS:
                return self._overview
            if self._overview is not None and age < _SHORTEST_SECONDS:
                await asyncio.sleep(_SHORTEST_SECONDS - age)
            self._made_at, number = time.monotonic(), self._present_revision()
            self._overview = await self._make()
            self._number = number
            return self._overview


_SHORTEST_SECONDS: Final = 0.5
_LONGEST_SECONDS: Final = 5.0


def _last(job_name: str, state: RunState, limit: int, since_ms: int | None = None) -> RunQuery:
    return RunQuery(job_name=job_name, state=state, limit=limit, start_ms=since_ms)


def _waiting_since(job_name: str, fires: Sequence[FireRecord]) -> tuple[int, str, int]:
    return fires[0].due_ms, job_name, len(fires)
