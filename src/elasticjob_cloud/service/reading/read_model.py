"""What consoles read: follows the core of the present term, commit by commit."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final, TypeVar

from elasticjob_cloud.model.alerting.queries import AlertPage, AlertQuery
from elasticjob_cloud.model.errors import ElasticJobError, NotLeadingError
from elasticjob_cloud.model.messages import (
    AgentDraining,
    AgentEvents,
    AgentJoined,
    AgentLost,
    DisksMeasured,
)
from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder, JobPage
from elasticjob_cloud.model.queries.overview import Overview
from elasticjob_cloud.model.queries.queues import QueueFilter, QueuePage
from elasticjob_cloud.model.queries.runs import DaemonExecutionPage, EndedRun, JobResults, RunPage, RunQuery
from elasticjob_cloud.model.queries.statistics import (
    JobExecutionTypeStatistics,
    RunCounts,
)
from elasticjob_cloud.model.queries.timeline import PlannedFires, TimelineQuery
from elasticjob_cloud.model.records import Changes, FailoverRecord, JobRecord, TaskRecord
from elasticjob_cloud.scheduling import Core, Decisions, Event
from elasticjob_cloud.service.port import ReadyJob
from elasticjob_cloud.service.reading.job_list import JobList
from elasticjob_cloud.service.reading.lateness import Lateness
from elasticjob_cloud.service.reading.overview import OverviewMaker, SharedOverview
from elasticjob_cloud.service.reading.planned_fires import planned_fires
from elasticjob_cloud.service.reading.queues import CoreQuery, Queues
from elasticjob_cloud.service.reading.turns import ReadTurns
from elasticjob_cloud.service.revisions import ChangedTopics, Revisions, Topic
from elasticjob_cloud.service.threads.store_threads import StoreThreads
from elasticjob_cloud.store import Store

_SCHEDULERS_SECONDS: Final = 2.0
_COUNTED_AT_ONCE: Final = 1_000
_OF_AGENTS: Final = (AgentJoined, AgentLost, AgentDraining, AgentEvents, DisksMeasured)
T = TypeVar("T")


class StoreReads:
    """The store, read in its threads."""

    def __init__(self, store: Store, threads: StoreThreads) -> None:
        self._store = store
        self._threads = threads

    async def job_results(
        self, job_names: Sequence[str], daemon_names: Sequence[str]
    ) -> dict[str, JobResults]:
        return await self._threads.read(self._store.job_results, job_names, daemon_names)

    async def latest_ended(
        self, before: tuple[int, int] | None, limit: int
    ) -> tuple[list[EndedRun], tuple[int, int] | None]:
        return await self._threads.read(self._store.latest_ended, before, limit)

    async def runs(self, query: RunQuery) -> RunPage:
        return await self._threads.read(self._store.runs, query)

    async def daemon_executions(self, query: RunQuery) -> DaemonExecutionPage:
        return await self._threads.read(self._store.daemon_executions, query)

    async def alerts(self, query: AlertQuery) -> AlertPage:
        return await self._threads.read(self._store.alerts.events, query)

    async def run_counts(self, since_ms: int) -> RunCounts:
        return await self._threads.read(self._store.run_counts, since_ms)

    async def schedulers(self) -> object:
        """Give something that is equal while the same schedulers are there."""
        return await self._threads.read(self._store.schedulers)


class ReadModel:
    """Implements `ReadPort` and `CoreFollower`: what is read while this scheduler leads."""

    def __init__(
        self,
        store: StoreReads,
        leads: Callable[[], bool],
        read_wall_ms: Callable[[], int],
        default_zone: str,
        query_core: CoreQuery,
    ) -> None:
        self.turns = ReadTurns()
        self._queues = Queues(query_core, self.turns)
        self.revisions = Revisions(lambda: os.urandom(8).hex())
        self._store = store
        self._leads = leads
        self._read_wall_ms = read_wall_ms
        self._default_zone = default_zone
        self._lateness = Lateness()
        self._jobs: JobList | None = None
        self._overview: SharedOverview | None = None
        self._schedulers: object = None
        self._schedulers_read_at = 0.0
        self._reading_schedulers: asyncio.Task[None] | None = None

    # CoreFollower

    def follow(self, core: Core) -> None:
        """Begin to follow a core, whose first turn is still to come."""
        self.revisions.begin()
        jobs = JobList(
            core,
            self.turns,
            self._store,
            self._read_wall_ms,
            self._default_zone,
            lambda: self.revisions.note((Topic.RUNS,)),  # lists that go by results look otherwise now
        )
        maker = OverviewMaker(core, jobs, self._lateness, self._store, self.turns)
        self._jobs = jobs
        self._overview = SharedOverview(
            lambda: self.revisions.number,
            lambda: maker.make(self.revisions.present, self._read_wall_ms()),
        )

    def note_turn(self, decisions: Decisions, events: Sequence[Event]) -> None:
        """Take up what a turn has committed, before its callers are answered."""
        topics = topics_of(decisions.changes)
        if decisions.changes.tasks or any(isinstance(event, _OF_AGENTS) for event in events):
            topics.append(Topic.AGENTS)  # who is there, its executors, its room
        self.revisions.note(topics)
        if decisions.lateness_ms:
            self._lateness.note(self._read_wall_ms(), decisions.lateness_ms)
        if self._jobs is not None:
            self._jobs.note(decisions.changes)

    def forget(self) -> None:
        """Follow no core any more."""
        if self._jobs is not None:
            self._jobs.close()
        self._jobs = self._overview = None

    # ReadPort

    async def job_page(self, wanted: JobFilter, order: JobOrder, number: int, size: int) -> JobPage:
        return await self._present_jobs().page(wanted, order, number, size)

    async def job_names(self, wanted: JobFilter, order: JobOrder) -> list[str]:
        return await self._present_jobs().names(wanted, order)

    def job_records(self, names: Sequence[str]) -> AsyncIterator[list[JobRecord]]:
        return self._present_jobs().records(names)

    async def running_tasks(self, wanted: QueueFilter) -> list[TaskRecord]:
        return await self._queues.running(wanted)

    async def failover_tasks(self, wanted: QueueFilter) -> list[FailoverRecord]:
        return await self._queues.failover(wanted)

    async def ready_page(self, wanted: QueueFilter, number: int, size: int) -> QueuePage[ReadyJob]:
        return await self._queues.ready_page(wanted, number, size)

    def ready_jobs(self, wanted: QueueFilter) -> AsyncIterator[list[ReadyJob]]:
        return self._queues.ready(wanted)

    async def execution_types(self) -> JobExecutionTypeStatistics:
        jobs = list(self._present_jobs().core.state.jobs.values())
        daemons = 0
        async for part in self.turns.pieces(jobs, _COUNTED_AT_ONCE):
            daemons += sum(job.configuration.is_daemon for job in part)
        return JobExecutionTypeStatistics(len(jobs) - daemons, daemons)

    def pieces(self, items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
        return self.turns.pieces(items)

    async def overview(self) -> Overview:
        self._present_jobs()
        assert self._overview is not None, "it comes and goes with the jobs"
        return await self._overview.get()

    async def planned_fires(self, query: TimelineQuery) -> PlannedFires:
        jobs = self._present_jobs()
        async with self.turns.reader() as reader:
            return await planned_fires(jobs.core, query, reader)

    def changes(self, since: str) -> ChangedTopics:
        self._present_jobs()
        self._look_at_schedulers()
        return self.revisions.since(since)

    def revision_of(self, topics: Iterable[Topic]) -> str:
        self._present_jobs()
        return self.revisions.of(topics)

    def _present_jobs(self) -> JobList:
        if self._jobs is None or not self._leads():
            raise NotLeadingError("No scheduler is known to lead; try again in a moment.")
        return self._jobs

    # Who is there is known by the database alone

    def _look_at_schedulers(self) -> None:
        """Have the schedulers read while somebody asks for changes; what is new is told to the next call."""
        now = time.monotonic()
        is_reading = self._reading_schedulers is not None and not self._reading_schedulers.done()
        if is_reading or now - self._schedulers_read_at < _SCHEDULERS_SECONDS:
            return
        self._schedulers_read_at = now
        self._reading_schedulers = asyncio.create_task(self._read_schedulers(), name="read-schedulers")

    async def _read_schedulers(self) -> None:
        with contextlib.suppress(ElasticJobError):
            present = await self._store.schedulers()
            if present != self._schedulers:
                self._schedulers = present
                self.revisions.note((Topic.SCHEDULERS,))


def topics_of(changes: Changes) -> list[Topic]:
    """Give the topics that a commit concerns."""
    return [
        topic
        for topic, is_changed in (
            (Topic.APPS, changes.apps),
            (Topic.JOBS, changes.jobs),
            (Topic.RUNS, changes.fires or changes.executions),
            (Topic.TASKS, changes.tasks or changes.failovers),
            (Topic.ALERTS, changes.alerts.is_shown),
        )
        if is_changed
    ]
