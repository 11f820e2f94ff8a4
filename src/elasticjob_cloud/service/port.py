"""What the faces (API, console, CLI) may ask of a scheduler.

Queries answer from committed state only: what they show survives a crash. What commands are made of is re-exported
here, so that the faces need no other room than this one and `model`.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

import msgspec

from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.queries import AlertPage, AlertQuery, DeliveryPage, DeliveryQuery
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.model.messages import Sandbox
from elasticjob_cloud.model.queries.failures import FailureGroups, FailureQuery
from elasticjob_cloud.model.queries.history import HistoryPage, HistoryQuery
from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder, JobPage
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply
from elasticjob_cloud.model.queries.overview import Overview
from elasticjob_cloud.model.queries.queues import QueueFilter, QueuePage
from elasticjob_cloud.model.queries.runs import DaemonExecutionPage, RunDetail, RunPage, RunQuery
from elasticjob_cloud.model.queries.statistics import (
    JobExecutionTypeStatistics,
    JobRegisterStatistics,
    RunningStatistics,
    StatisticsPeriod,
    TaskResultStatistics,
)
from elasticjob_cloud.model.queries.tasks import TaskDetail
from elasticjob_cloud.model.queries.timeline import PastRuns, PlannedFires, TimelineQuery
from elasticjob_cloud.model.records import AppRecord, FailoverRecord, JobRecord, TaskRecord
from elasticjob_cloud.scheduling.commands import (
    AcknowledgeAlert,
    ApiCommand,
    DeleteApp,
    DeregisterJob,
    DropSilence,
    KillRun,
    KillTask,
    PublishApp,
    PutAlertRule,
    PutSilence,
    RegisterJob,
    RerunShards,
    RunParameters,
    SetAppDisabled,
    SetJobDisabled,
    TriggerJob,
    UpdateApp,
    UpdateJob,
)
from elasticjob_cloud.service.revisions import ChangedTopics, Topic

__all__ = [
    "AcknowledgeAlert",
    "AgentView",
    "AlertPort",
    "ApiCommand",
    "ChangedTopics",
    "DeleteApp",
    "DeregisterJob",
    "DropSilence",
    "KillRun",
    "KillTask",
    "PublishApp",
    "PutAlertRule",
    "PutSilence",
    "ReadPort",
    "ReadyJob",
    "RegisterJob",
    "RerunShards",
    "RunParameters",
    "RunsPort",
    "SchedulerPort",
    "SchedulerView",
    "SetAppDisabled",
    "SetJobDisabled",
    "ShardChoice",
    "StatisticsPort",
    "Topic",
    "TriggerJob",
    "UpdateApp",
    "UpdateJob",
]
T = TypeVar("T")


class ReadyJob(msgspec.Struct, frozen=True):
    """A job in the ready queue: how many runs wait, and why the next has not started, when it cannot (promise 4)."""

    job_name: str
    times: int
    reason: str = ""


class AgentView(msgspec.Struct, frozen=True):
    """An agent as operators see it (`GET /operate/agents`).

    `disk_free_mb` and `disk_total_mb`: of its fullest disk; None: it has told of none, as earlier agents do.
    """

    agent_id: str
    hostname: str
    ip: str
    cpus_total: float
    cpus_used: float
    memory_mb_total: float
    memory_mb_used: float
    executors: tuple[str, ...]
    task_count: int
    last_seen_ms: int
    draining: str = ""  # why it takes no new tasks; empty while it takes them
    disk_free_mb: float | None = None
    disk_total_mb: float | None = None


class SchedulerView(msgspec.Struct, frozen=True):
    """A scheduler as operators see it (`GET /operate/schedulers`)."""

    scheduler_id: str
    address: str
    leader: bool
    epoch: int


class StatisticsPort(Protocol):
    """What was counted over time (`GET /job/statistics/...`)."""

    async def task_results_of_last_day(self) -> Sequence[TaskResultStatistics]:
        """Give the results of each full hour of the last 24, oldest first."""

    async def task_result(self, period: StatisticsPeriod) -> TaskResultStatistics:
        """Give the results of a period as one."""

    async def running_tasks(self) -> Sequence[RunningStatistics]:
        """Give how many tasks ran in each minute of the last week, oldest first."""

    async def running_jobs(self) -> Sequence[RunningStatistics]:
        """Give how many jobs ran in each minute of the last week, oldest first."""

    async def registered_jobs(self) -> Sequence[JobRegisterStatistics]:
        """Give how many jobs were registered on each day, oldest first."""


class AlertPort(Protocol):
    """Alerts, and what they go by. Rules, silences and alerts are changed by commands (`SchedulerPort.submit`)."""

    async def rules(self) -> Mapping[str, AlertRule]:
        """Give all rules, by scope: `global`, `app:NAME`, `job:NAME`."""

    async def silences(self) -> Sequence[Silence]:
        """Give the silences that are not over, the first to begin first."""

    async def events(self, query: AlertQuery) -> AlertPage:
        """Give a page of alerts, those that fired last first. Raises `InvalidRequestError`."""

    async def event(self, alert_id: str) -> Alert:
        """Give an alert, or raise `NotFoundError`."""

    async def deliveries(self, query: DeliveryQuery) -> DeliveryPage:
        """Give a page of deliveries, the newest first. Raises `InvalidRequestError`."""

    async def channels(self) -> Sequence[Channel]:
        """Give all channels with their secrets, by name."""

    async def put_channel(self, channel: Channel) -> None:
        """Set a channel, over the one of its name."""

    async def drop_channel(self, name: str) -> None:
        """Delete a channel. `NotFoundError`: there is none of this name; `ConflictError`: a rule names it."""

    async def try_channel(self, name: str) -> str | None:
        """Send a message to a channel; give None, or why it did not arrive. `NotFoundError`: there is no such channel."""


class ShardChoice(StrEnum):
    """Which shards of a run are run again, where they are not named."""

    FAILED = "failed"  # all that did not succeed
    ALL = "all"  # all of the run's


class RunsPort(Protocol):
    """Runs: fires as people see them (`/job/runs`), whether they wait, run or have ended.

    All of them are read from the store, so that none is missing between two states. Only the reason why a run waits is
    the core's: it is empty while no scheduler leads.
    """

    async def page(self, query: RunQuery) -> RunPage:
        """Give a page of runs, newest first. Raises `InvalidRequestError` for a cursor that is none."""

    async def run(self, run_id: int) -> RunDetail:
        """Give a run with its attempts, or raise `NotFoundError`."""

    async def task(self, task_id: str) -> TaskDetail:
        """Give a task, live or ended; raise `NotFoundError` where nothing is recorded of it."""

    async def past_runs(self, query: TimelineQuery) -> PastRuns:
        """Give the runs that ran at some moment of a time, newest first. Raises `InvalidRequestError`."""

    async def failure_groups(self, query: FailureQuery) -> FailureGroups:
        """Give what failed, grouped by summary. Raises `InvalidRequestError`."""

    async def daemon_executions(self, query: RunQuery) -> DaemonExecutionPage:
        """Give a page of the executions of daemon jobs, newest first."""

    async def kill(self, run_id: int, killed_by: str = "") -> None:
        """Kill what runs of a run, or drop it while it waits; return when that is committed.

        Raises:
            NotFoundError: there is no such run.
            ConflictError: it has ended.
            InvalidRequestError: it is of a daemon job.
        """

    async def rerun(self, run_id: int, shards: ShardChoice | Sequence[int], triggered_by: str = "") -> int:
        """Run these shards again, under what the job is today; give the new run's id when that is committed.

        Raises:
            NotFoundError: there is no such run, or its job is gone.
            ConflictError: it has not ended, no shard failed, or the job is disabled.
            InvalidRequestError: the job has no such shards any more, or is a daemon now.
            UnavailableError: the ready queue is full.
        """


class ReadPort(Protocol):
    """What grows with jobs and history, read without holding up the scheduling.

    Everything may raise `UnavailableError`: there is no leader, or too many read at the moment.
    """

    async def job_page(self, wanted: JobFilter, order: JobOrder, number: int, size: int) -> JobPage:
        """Give page `number` (from 1) of the jobs that match, `size` jobs long."""

    async def job_names(self, wanted: JobFilter, order: JobOrder) -> list[str]:
        """Give the names of all jobs that match, in order."""

    def job_records(self, names: Sequence[str]) -> AsyncIterator[list[JobRecord]]:
        """Give the jobs of these names that are still there, some at a time."""

    async def running_tasks(self, wanted: QueueFilter) -> Sequence[TaskRecord]:
        """Give the live tasks, the one that was started first first."""

    async def failover_tasks(self, wanted: QueueFilter) -> Sequence[FailoverRecord]:
        """Give the shards that wait to be started again."""

    async def ready_page(self, wanted: QueueFilter, number: int, size: int) -> QueuePage[ReadyJob]:
        """Give page `number` (from 1) of the ready queue, the next to start first."""

    def ready_jobs(self, wanted: QueueFilter) -> AsyncIterator[list[ReadyJob]]:
        """Give the ready queue, some at a time."""

    async def execution_types(self) -> JobExecutionTypeStatistics:
        """Give how many jobs of each kind are registered now."""

    def pieces(self, items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
        """Give a long sequence some at a time, at a pace that the scheduling does not feel."""

    async def overview(self) -> Overview:
        """Give the figures of the first page, as new as this call or unchanged since."""

    async def planned_fires(self, query: TimelineQuery) -> PlannedFires:
        """Give the fires of a time to come, the next first. Those of daemon jobs are not known here."""

    def revision_of(self, topics: Iterable[Topic]) -> str:
        """Give the revision of these topics together, from memory: another one as soon as any of them has changed."""

    def changes(self, since: str) -> ChangedTopics:
        """Give the topics that have changed since a revision; all of them, if it is none of this leader."""


class SchedulerPort(Protocol):
    """A scheduler, seen from its faces. Everything may raise `UnavailableError` while there is no leader."""

    async def submit(self, command: ApiCommand) -> int | None:
        """Carry out a command; return when it is committed (promise 9).

        Give the id of the run that a `TriggerJob` or `RerunShards` starts; None for all other commands.

        Raises:
            CallerError: the command cannot be carried out; nothing changed.
            UnavailableError: no leader, or the ready queue is full.
        """

    async def app(self, app_name: str) -> AppRecord:
        """Give a published app, or raise `NotFoundError`."""

    async def apps(self) -> Sequence[AppRecord]:
        """Give all apps, by name."""

    async def job(self, job_name: str) -> JobRecord:
        """Give a registered job, or raise `NotFoundError`."""

    async def jobs(self) -> Sequence[JobRecord]:
        """Give all jobs, by name."""

    async def agents(self) -> Sequence[AgentView]:
        """Give the agents that are there."""

    async def schedulers(self) -> Sequence[SchedulerView]:
        """Give the leader and the standbys."""

    async def executions(self, query: HistoryQuery) -> HistoryPage:
        """Give a page of `JOB_EXECUTION_LOG`."""

    async def status_traces(self, query: HistoryQuery) -> HistoryPage:
        """Give a page of `JOB_STATUS_TRACE_LOG`."""

    @property
    def runs(self) -> RunsPort:
        """Runs, and what became of them."""

    @property
    def reading(self) -> ReadPort:
        """The job list, the first page, and what has changed."""

    @property
    def statistics(self) -> StatisticsPort:
        """What was counted over time."""

    @property
    def alerts(self) -> AlertPort:
        """Alerts, their rules, channels and silences."""

    async def task_log(self, question: LogQuestion) -> LogReply:
        """Read or search a task's output; the reply is of the question's kind. Raises `NotFoundError`."""

    async def sandboxes(self, app_name: str) -> Sequence[Sandbox]:
        """Give where the agents keep an app's files."""

    async def reconcile_clock(self) -> None:
        """Let jobs go on that the clock, which was ahead, has silenced."""

    async def reconcile(self) -> None:
        """Ask all agents what they hold, and settle what differs."""

    def not_ready_reason(self) -> str | None:
        """Say why the scheduler is not ready (no leader, no store, no agent), or None when it is."""

    def default_time_zone(self) -> str:
        """Give the IANA name of the zone that crons without a `timeZone` are evaluated in."""
