"""The job list, first page and changes of the scheduler in memory (`api_scheduler.py`)."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TypeVar

from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder, JobPage, JobRow, JobState
from elasticjob_cloud.model.queries.overview import AgentRoom, FailingJob, Overview, ResultCounts
from elasticjob_cloud.model.queries.queues import QueueFilter, QueuePage
from elasticjob_cloud.model.queries.runs import JobResults
from elasticjob_cloud.model.queries.statistics import JobExecutionTypeStatistics
from elasticjob_cloud.model.queries.timeline import PlannedFires, TimelineQuery
from elasticjob_cloud.model.records import FailoverRecord, JobRecord, TaskRecord
from elasticjob_cloud.service.port import ReadyJob
from elasticjob_cloud.service.revisions import ChangedTopics, Revisions, Topic

T = TypeVar("T")
_NOON_MS = 1_795_000_000_000


class MemoryReading:
    """Implements `ReadPort` over a dictionary of jobs, which it is given at each call."""

    def __init__(self) -> None:
        self.jobs: Mapping[str, JobRecord] = {}
        self.tasks: Mapping[str, TaskRecord] = {}
        self.waiting: Mapping[str, int] = {}
        self.failovers: Sequence[FailoverRecord] = ()
        self.queue_filters: list[QueueFilter] = []
        self.results: dict[str, JobResults] = {}
        self.planned = PlannedFires([], complete=True)
        self.failure: Exception | None = None
        self.revisions = Revisions(lambda: "0123456789abcdef")

    async def job_page(self, wanted: JobFilter, order: JobOrder, number: int, size: int) -> JobPage:
        names = await self.job_names(wanted, order)
        return JobPage(len(names), [self._row(name) for name in names[(number - 1) * size : number * size]])

    async def job_names(self, wanted: JobFilter, order: JobOrder) -> list[str]:
        self._fail()
        named = [name for name, job in self.jobs.items() if _matches(job, wanted)]
        return sorted(named, reverse=order.descending)

    async def job_records(self, names: Sequence[str]) -> AsyncIterator[list[JobRecord]]:
        for name in names:
            yield [self.jobs[name]]

    async def running_tasks(self, wanted: QueueFilter) -> Sequence[TaskRecord]:
        self._fail()
        self.queue_filters.append(wanted)
        return list(self.tasks.values())

    async def failover_tasks(self, wanted: QueueFilter) -> Sequence[FailoverRecord]:
        self._fail()
        self.queue_filters.append(wanted)
        return self.failovers

    async def ready_page(self, wanted: QueueFilter, number: int, size: int) -> QueuePage[ReadyJob]:
        rows = [job async for part in self.ready_jobs(wanted) for job in part]
        return QueuePage(len(rows), rows[(number - 1) * size : number * size])

    async def ready_jobs(self, wanted: QueueFilter) -> AsyncIterator[list[ReadyJob]]:
        self._fail()
        self.queue_filters.append(wanted)
        for name, times in self.waiting.items():
            yield [ReadyJob(name, times, "" if times == 1 else "no room")]

    async def execution_types(self) -> JobExecutionTypeStatistics:
        self._fail()
        daemons = sum(job.configuration.is_daemon for job in self.jobs.values())
        return JobExecutionTypeStatistics(len(self.jobs) - daemons, daemons)

    async def pieces(self, items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
        for item in items:
            yield [item]

    async def overview(self) -> Overview:
        self._fail()
        counts = ResultCounts(_NOON_MS, 3, 1)
        return Overview(
            revision=self.revisions.present,
            time_ms=_NOON_MS,
            jobs=len(self.jobs),
            disabled_apps=0,
            running_runs=0,
            knows_all_results=True,
            failing_count=1,
            failing=[FailingJob("my_job", _NOON_MS, "ValueError: bad", 7)],
            waiting_count=0,
            late_count=0,
            waiting=[],
            next_fires=[],
            last_hour=counts,
            last_day=counts,
            lateness_p50_ms=None,
            lateness_p99_ms=None,
            room=AgentRoom(1, 0, 4.0, 0.5, 1024.0, 64.0),
        )

    async def planned_fires(self, query: TimelineQuery) -> PlannedFires:
        self._fail()
        rows = [it for it in self.planned.rows if query.start_ms <= it.due_ms <= query.end_ms]
        return PlannedFires(rows, self.planned.complete)

    def revision_of(self, topics: Iterable[Topic]) -> str:
        """Say each time that all has changed: a test may put things here at any moment."""
        self._fail()
        self.revisions.note(topics)
        return self.revisions.of(topics)

    def changes(self, since: str) -> ChangedTopics:
        self._fail()
        return self.revisions.since(since)

    def _row(self, name: str) -> JobRow:
        return JobRow(self.jobs[name], self.results.get(name, JobResults()), None, 0, "")

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def _matches(job: JobRecord, wanted: JobFilter) -> bool:
    configuration = job.configuration
    has_state = {None: True, JobState.DISABLED: job.disabled, JobState.ENABLED: not job.disabled}
    return (
        wanted.search.lower() in configuration.job_name.lower()
        and wanted.app_name in ("", configuration.app_name)
        and has_state.get(wanted.state, False)
    )
