"""Runs of a scheduler in memory: those that a test puts there."""

from collections.abc import Sequence
from typing import Any

import msgspec

from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.queries.failures import FailureGroups, FailureQuery
from elasticjob_cloud.model.queries.runs import (
    DaemonExecutionPage,
    Run,
    RunDetail,
    RunPage,
    RunQuery,
    ShardAttempt,
    ShardCounts,
)
from elasticjob_cloud.model.queries.tasks import TaskDetail
from elasticjob_cloud.model.queries.timeline import PastRuns, TimelineQuery
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.service.port import ShardChoice


class MemoryRuns:
    """Answers with what it was given, and notes what was asked of it."""

    def __init__(self) -> None:
        self.details: dict[int, RunDetail] = {}
        self.next: str | None = None
        self.executions = DaemonExecutionPage([], None)
        self.tasks: dict[str, TaskDetail] = {}
        self.past = PastRuns([], complete=True)
        self.failures = FailureGroups([], 0, complete=True)
        self.timeline_queries: list[TimelineQuery] = []
        self.failure_queries: list[FailureQuery] = []
        self.queries: list[RunQuery] = []
        self.killed: list[tuple[int, str]] = []
        self.rerun_asked: list[tuple[int, ShardChoice | Sequence[int], str]] = []

    def put(self, *details: RunDetail) -> None:
        """Have these runs."""
        self.details |= {detail.run.run_id: detail for detail in details}

    async def page(self, query: RunQuery) -> RunPage:
        self.queries.append(query)
        return RunPage([detail.run for detail in self.details.values()], self.next)

    async def run(self, run_id: int) -> RunDetail:
        if run_id not in self.details:
            raise NotFoundError(f"There is no run {run_id}.")
        return self.details[run_id]

    async def daemon_executions(self, query: RunQuery) -> DaemonExecutionPage:
        self.queries.append(query)
        return self.executions

    async def task(self, task_id: str) -> TaskDetail:
        if task_id not in self.tasks:
            raise NotFoundError(f"There is no task '{task_id}'.")
        return self.tasks[task_id]

    async def past_runs(self, query: TimelineQuery) -> PastRuns:
        self.timeline_queries.append(query)
        return self.past

    async def failure_groups(self, query: FailureQuery) -> FailureGroups:
        self.failure_queries.append(query)
        return self.failures

    async def kill(self, run_id: int, killed_by: str = "") -> None:
        await self.run(run_id)
        self.killed.append((run_id, killed_by))

    async def rerun(self, run_id: int, shards: ShardChoice | Sequence[int], triggered_by: str = "") -> int:
        await self.run(run_id)
        self.rerun_asked.append((run_id, shards, triggered_by))
        return max(self.details) + 1


DUE_MS = 1_795_287_600_000  # 2026-11-22T03:00:00+08:00


def run_of(
    run_id: int,
    state: RunState = RunState.FAILED,
    attempts: Sequence[ShardAttempt] = (),
    configuration: dict[str, Any] | None = None,
    **fields: Any,
) -> RunDetail:
    """Give a run of `my_job` with two shards."""
    run = Run(
        run_id=run_id,
        job_name="my_job",
        app_name="my_app",
        source=FireSource.CRON,
        due_ms=DUE_MS,
        recorded_ms=DUE_MS,
        start_ms=DUE_MS + 12,
        end_ms=DUE_MS + 2_012,
        state=state,
        reason="",
        shards=ShardCounts(2, 0, 0, 1, 1),
        summary="exit code 3: FATAL: quota exceeded",
        triggered_by="",
        rerun_of=0,
        count=1,
        last_due_ms=0,
    )
    job = JobConfiguration(
        job_name="my_job",
        app_name="my_app",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=2,
        cpu_count=0.1,
        memory_mb=64.0,
    )
    job = msgspec.structs.replace(job, **(configuration or {}))
    return RunDetail(msgspec.structs.replace(run, **fields), job, (), list(attempts), ())


def attempt_of(item: int, state: TaskState = TaskState.FINISHED, **fields: Any) -> ShardAttempt:
    """Give the first attempt at a shard of `my_job`."""
    attempt = ShardAttempt(
        task_id=f"my_job@-@{item}@-@READY@-@agent-1@-@uuid",
        item=item,
        attempt=1,
        agent_id="agent-1",
        staged_ms=DUE_MS + 10,
        start_ms=DUE_MS + 12,
        end_ms=DUE_MS + 2_012,
        state=state,
        success=state is TaskState.FINISHED,
        exit_code=0,
        signal=0,
        summary="",
        detail="",
    )
    return msgspec.structs.replace(attempt, **fields)
