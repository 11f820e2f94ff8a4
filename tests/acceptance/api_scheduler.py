"""A scheduler in memory, for tests of the API alone: real commands, kept in dictionaries, nothing ever runs.

`tests/contract/test_scheduler_suite.py` holds it to what the real one does.
"""

from collections.abc import Sequence

import msgspec

from elasticjob_cloud.model.errors import (
    ConflictError,
    ElasticJobError,
    FieldError,
    InvalidRequestError,
    NotFoundError,
)
from elasticjob_cloud.model.messages import Sandbox
from elasticjob_cloud.model.queries.history import HistoryPage, HistoryQuery
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply
from elasticjob_cloud.model.queries.statistics import (
    JobRegisterStatistics,
    RunningStatistics,
    StatisticInterval,
    StatisticsPeriod,
    TaskResultStatistics,
)
from elasticjob_cloud.model.records import AppRecord, FailoverRecord, JobRecord, TaskRecord
from elasticjob_cloud.model.task import TaskState, TaskType
from elasticjob_cloud.service.port import (
    AcknowledgeAlert,
    AgentView,
    ApiCommand,
    DeleteApp,
    DeregisterJob,
    DropSilence,
    KillTask,
    PublishApp,
    PutAlertRule,
    PutSilence,
    RegisterJob,
    SchedulerView,
    SetAppDisabled,
    SetJobDisabled,
    StatisticsPort,
    TriggerJob,
    UpdateApp,
    UpdateJob,
)
from tests.acceptance.api_alerts import MemoryAlerts
from tests.acceptance.memory_reading import MemoryReading
from tests.acceptance.memory_runs import MemoryRuns
from tests.fakes.kept_logs import KeptLogs

EXECUTION = {"jobName": "my_job", "executionSource": "NORMAL_TRIGGER", "isSuccess": True}
STATUS_TRACE = {"jobName": "my_job", "shardingItem": 3, "state": "TASK_RUNNING"}
TASK_ID = "my_job@-@0@-@READY@-@agent-1@-@0b0d6c3e"


class NoStatistics:
    """What there is before anything was counted."""

    async def task_results_of_last_day(self) -> Sequence[TaskResultStatistics]:
        return []

    async def task_result(self, period: StatisticsPeriod) -> TaskResultStatistics:
        return TaskResultStatistics(0, 0, StatisticInterval.DAY, 0)

    async def running_tasks(self) -> Sequence[RunningStatistics]:
        return []

    async def running_jobs(self) -> Sequence[RunningStatistics]:
        return []

    async def registered_jobs(self) -> Sequence[JobRegisterStatistics]:
        return []


class MemoryScheduler:
    """Keeps apps, jobs and tasks in dictionaries; `failure` is what every call raises while it is set."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Be as new."""
        self.app_records: dict[str, AppRecord] = {}
        self.job_records: dict[str, JobRecord] = {}
        self.task_records: dict[str, TaskRecord] = {}
        self.waiting: dict[str, int] = {}
        self.failovers: list[FailoverRecord] = []
        self.outputs: dict[tuple[str, str], bytes] = {}
        self._logs = KeptLogs()
        self.ended = False
        self.submitted: list[ApiCommand] = []
        self.queries: list[HistoryQuery] = []
        self.reconciled = 0
        self.clock_reconciled = 0
        self.failure: Exception | None = None
        self.statistics: StatisticsPort = NoStatistics()
        self.alerts = MemoryAlerts()
        self.runs = MemoryRuns()
        self.last_run_id = 0
        self._reading = MemoryReading()

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def submit(self, command: ApiCommand) -> int | None:
        self._fail()
        self._carry_out(command)
        self.alerts.follow(command)
        self.submitted.append(command)
        if not isinstance(command, TriggerJob):
            return None
        self.last_run_id += 1
        return self.last_run_id

    def _carry_out(self, command: ApiCommand) -> None:
        match command:
            case PutAlertRule() | PutSilence() | DropSilence() | AcknowledgeAlert():
                self.alerts.carry_out(command)
            case PublishApp(configuration, disabled):
                if configuration.app_name in self.app_records:
                    raise ConflictError(f"App '{configuration.app_name}' exists already.")
                self.app_records[configuration.app_name] = AppRecord(configuration, disabled)
            case UpdateApp(app_name, changes, disabled):
                record = self._app(app_name)
                changed = msgspec.structs.replace(record.configuration, **changes)
                kept = record.disabled if disabled is None else disabled
                self.app_records[app_name] = AppRecord(changed, kept)
            case SetAppDisabled(app_name, disabled):
                self.app_records[app_name] = msgspec.structs.replace(self._app(app_name), disabled=disabled)
            case DeleteApp(app_name):
                self._app(app_name)
                del self.app_records[app_name]
                for name, job in list(self.job_records.items()):
                    if job.configuration.app_name == app_name:
                        self._remove_job(name)
            case KillTask(task_id):
                if task_id not in self.task_records:
                    raise NotFoundError(f"There is no live task '{task_id}'.")
                del self.task_records[task_id]
            case _:
                self._carry_out_for_job(command)

    def _carry_out_for_job(self, command: ApiCommand) -> None:
        match command:
            case RegisterJob(configuration, disabled):
                self._app(configuration.app_name)
                if configuration.job_name in self.job_records:
                    raise ConflictError(f"Job '{configuration.job_name}' exists already.")
                self.job_records[configuration.job_name] = JobRecord(configuration, disabled)
            case UpdateJob(configuration, disabled):
                record = self._job(configuration.job_name)
                if configuration.app_name != record.configuration.app_name:
                    raise InvalidRequestError.of(FieldError("appName", "cannot be changed."))
                kept = record.disabled if disabled is None else disabled
                self.job_records[configuration.job_name] = JobRecord(configuration, kept)
            case DeregisterJob(job_name):
                self._job(job_name)
                self._remove_job(job_name)
            case SetJobDisabled(job_name, disabled):
                self.job_records[job_name] = msgspec.structs.replace(self._job(job_name), disabled=disabled)
            case TriggerJob(job_name):
                record = self._job(job_name)
                if record.configuration.is_daemon:
                    raise InvalidRequestError(f"Job '{job_name}' is a daemon job, which cannot be triggered.")
                if record.disabled or self._app(record.configuration.app_name).disabled:
                    raise ConflictError(f"Job '{job_name}' is disabled.")
                self.waiting[job_name] = self.waiting.get(job_name, 0) + 1
            case _:
                raise AssertionError(command)

    def _remove_job(self, job_name: str) -> None:
        del self.job_records[job_name]
        self.waiting.pop(job_name, None)

    def _app(self, app_name: str) -> AppRecord:
        if app_name not in self.app_records:
            raise NotFoundError(f"There is no app '{app_name}'.")
        return self.app_records[app_name]

    def _job(self, job_name: str) -> JobRecord:
        if job_name not in self.job_records:
            raise NotFoundError(f"There is no job '{job_name}'.")
        return self.job_records[job_name]

    async def app(self, app_name: str) -> AppRecord:
        self._fail()
        return self._app(app_name)

    async def apps(self) -> Sequence[AppRecord]:
        self._fail()
        return [record for _, record in sorted(self.app_records.items())]

    async def job(self, job_name: str) -> JobRecord:
        self._fail()
        return self._job(job_name)

    async def jobs(self) -> Sequence[JobRecord]:
        self._fail()
        return [record for _, record in sorted(self.job_records.items())]

    async def agents(self) -> Sequence[AgentView]:
        self._fail()
        return [
            AgentView(
                "agent-1",
                "host",
                "127.0.0.1",
                4.0,
                0.5,
                1024.0,
                64.0,
                ("my_app",),
                1,
                1_795_000_000_123,
                disk_free_mb=2048.9,
                disk_total_mb=10_240.0,
            )
        ]

    async def schedulers(self) -> Sequence[SchedulerView]:
        self._fail()
        return [SchedulerView("scheduler-1", "127.0.0.1:8899", leader=True, epoch=3)]

    @property
    def reading(self) -> MemoryReading:
        self._reading.jobs, self._reading.failure = self.job_records, self.failure
        self._reading.tasks, self._reading.waiting = self.task_records, self.waiting
        self._reading.failovers = self.failovers
        return self._reading

    async def executions(self, query: HistoryQuery) -> HistoryPage:
        self._fail()
        self.queries.append(query)
        return HistoryPage(1, [dict(EXECUTION)])

    async def status_traces(self, query: HistoryQuery) -> HistoryPage:
        self._fail()
        self.queries.append(query)
        return HistoryPage(1, [dict(STATUS_TRACE)])

    async def task_log(self, question: LogQuestion) -> LogReply:
        self._fail()
        asked = getattr(question, "stream", "both")
        streams = {
            stream: output
            for (task_id, stream), output in self.outputs.items()
            if task_id == question.task_id and asked in (stream, "both")
        }
        if not streams:
            raise NotFoundError(f"There is no output of task '{question.task_id}'.")
        return self._logs.answer(question, streams, ended=self.ended)

    async def sandboxes(self, app_name: str) -> Sequence[Sandbox]:
        self._fail()
        self._app(app_name)
        return [Sandbox("agent-1", app_name, "/sandbox/my_app", (TASK_ID,), 4096)]

    async def reconcile_clock(self) -> None:
        self._fail()
        self.clock_reconciled += 1

    async def reconcile(self) -> None:
        self._fail()
        self.reconciled += 1

    def not_ready_reason(self) -> str | None:
        return str(self.failure) if isinstance(self.failure, ElasticJobError) else None

    def default_time_zone(self) -> str:
        return "Asia/Shanghai"

    def state(self) -> tuple[object, ...]:
        """Everything that a refused call must leave as it was."""
        return (dict(self.app_records), dict(self.job_records), dict(self.task_records), dict(self.waiting))


def running_task(task_id: str = TASK_ID) -> TaskRecord:
    job_name, item, type_, agent_id, _ = task_id.split("@-@")
    return TaskRecord(
        task_id=task_id,
        fire_id=1,
        job_name=job_name,
        app_name="my_app",
        item=int(item),
        type=TaskType(type_),
        agent_id=agent_id,
        state=TaskState.RUNNING,
        staged_ms=1,
        cpu_count=0.1,
        memory_mb=64.0,
    )
