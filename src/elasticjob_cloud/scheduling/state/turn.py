"""One turn of the core: the state that it changes, and the decisions that it makes on the way."""

from collections import deque
from collections.abc import Callable

import msgspec

from elasticjob_cloud.model.errors import ElasticJobError
from elasticjob_cloud.model.messages import Command, Execution, RemoveApp
from elasticjob_cloud.model.records import (
    AppRecord,
    Changes,
    DropReason,
    ExecutionTrace,
    FailoverRecord,
    FireRecord,
    FireSource,
    FireState,
    JobRecord,
    ScheduleSpans,
    StatusTrace,
    TaskRecord,
)
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.clock import Now
from elasticjob_cloud.scheduling.commands import Request
from elasticjob_cloud.scheduling.settings import CoreSettings
from elasticjob_cloud.scheduling.state.state import State

SOURCE_SCHEDULER = "CLOUD_SCHEDULER"
SOURCE_EXECUTOR = "CLOUD_EXECUTOR"
EXECUTION_SOURCES = {
    FireSource.CRON: "NORMAL_TRIGGER",
    FireSource.TRIGGER: "MANUAL_TRIGGER",
    FireSource.DAEMON: "NORMAL_TRIGGER",
}


class Decisions(msgspec.Struct):
    """What follows from a turn: first commit `changes`, then send `commands` (by agent id) in order, and answer.

    `outcomes` has, by request number, why a request was refused, or None where it was carried out.
    `lateness_ms` has how late each cron fire of this turn was taken up; `fires` counts records of fires by source and
    `dropped` those that were dropped by reason; `refused` counts placements that found no room;
    `deferred` are requests that are to be handed in again: what they change is not known yet. `ended` counts tasks by terminal state. `released` are agents that the engine may let go of, after all else is sent.
    `ahead`: the clock was found to be behind what jobs were evaluated up to; the job that is silent for longest, and
    until when.
    """

    changes: Changes = msgspec.field(default_factory=Changes)
    commands: dict[str, list[Command]] = msgspec.field(default_factory=dict)
    outcomes: dict[int, ElasticJobError | None] = msgspec.field(default_factory=dict)
    deferred: list[Request] = msgspec.field(default_factory=list)
    lateness_ms: list[int] = msgspec.field(default_factory=list)
    fires: dict[str, int] = msgspec.field(default_factory=dict)
    refused: int = 0
    dropped: dict[str, int] = msgspec.field(default_factory=dict)
    ended: dict[str, int] = msgspec.field(default_factory=dict)
    released: list[str] = msgspec.field(default_factory=list)
    ahead: tuple[str, int] | None = None


class Turn:
    """Changes the state and records each change as a row to write."""

    def __init__(self, state: State, settings: CoreSettings, now: Now, new_id: Callable[[], str]) -> None:
        self.state = state
        self.settings = settings
        self.now = now
        self.now_ms = now.wall_ms
        self.new_id = new_id
        self.decisions = Decisions()
        self._changes = self.decisions.changes
        self._sequences: dict[str, int] = {}

    def send(self, agent_id: str, command: Command) -> None:
        """Have a command sent to an agent once the turn is committed. Nothing is sent to one that is not there."""
        if agent_id in self.state.agents:
            self.decisions.commands.setdefault(agent_id, []).append(command)

    def finish(self) -> Decisions:
        """Give what was decided."""
        if self._changes:  # batches that changed nothing may come again
            self._changes.sequences.update(self._sequences)
        return self.decisions

    # Configuration

    def put_app(self, app: AppRecord) -> None:
        """Record an app."""
        self.state.apps[app.configuration.app_name] = app
        self._changes.apps[app.configuration.app_name] = app

    def drop_app(self, app_name: str) -> None:
        """Delete an app."""
        del self.state.apps[app_name]
        self._changes.apps[app_name] = None

    def remove_app(self, app_name: str) -> None:
        """Delete an app whose tasks have all ended, here and on all agents."""
        self.drop_app(app_name)
        for agent_id in self.state.agents:
            self.send(agent_id, RemoveApp(app_name))

    def put_job(self, job: JobRecord) -> None:
        """Record a job."""
        self.state.put_job(job)
        self._changes.jobs[job.configuration.job_name] = job

    def drop_job(self, job_name: str) -> None:
        """Delete a job's configuration and schedule."""
        self.state.drop_job(job_name)
        self._changes.jobs[job_name] = None
        if self.state.schedules.pop(job_name, None) is not None:
            self._changes.schedules[job_name] = None
        if self.state.spans.pop(job_name, None) is not None:
            self._changes.spans[job_name] = None

    def put_schedule(self, job_name: str, evaluated_to_ms: int) -> None:
        """Record up to when a job's cron was evaluated; a later start goes on from there (promises 1 and 10).

        It never goes back: fires between would be recorded twice.
        """
        if evaluated_to_ms > self.state.schedules.get(job_name, -1):
            self.rewind_schedule(job_name, evaluated_to_ms)

    def rewind_schedule(self, job_name: str, evaluated_to_ms: int) -> None:
        """Record up to when a job's cron counts as evaluated, though that was later: the clock had been ahead."""
        self.state.schedules[job_name] = evaluated_to_ms
        if self.state.ahead:
            self.state.ahead.pop(job_name, None)
        self._changes.schedules[job_name] = evaluated_to_ms

    def put_spans(self, job_name: str, spans: ScheduleSpans) -> None:
        """Record what a clock that jumped did to a job's cron."""
        self.state.spans[job_name] = spans
        self._changes.spans[job_name] = spans

    # Agents

    def put_sequence(self, agent_id: str, sequence: int) -> None:
        """Record up to which batch an agent's events are taken up: one that comes again changes nothing (promise 2)."""
        self.state.sequences[agent_id] = sequence
        self._sequences[agent_id] = sequence

    def drop_sequence(self, agent_id: str) -> None:
        """Forget it: the agent is gone, or holds nothing that could be recorded twice."""
        self._sequences.pop(agent_id, None)
        if self.state.sequences.pop(agent_id, None) is not None:
            self._changes.sequences[agent_id] = None

    # Fires

    def new_fire(self, job_name: str, source: FireSource, due_ms: int) -> FireRecord:
        """Make a fire that waits; it is recorded by `put_waiting` or `drop_fire`."""
        fires = self.decisions.fires
        fires[source.value] = fires.get(source.value, 0) + 1
        fire_id = self.state.next_fire_id
        self.state.next_fire_id += 1
        return FireRecord(
            fire_id=fire_id,
            job_name=job_name,
            source=source,
            due_ms=due_ms,
            state=FireState.WAITING,
            recorded_ms=self.now_ms,
        )

    def put_waiting(self, fire: FireRecord) -> None:
        """Record a fire that waits for its run."""
        waiting = self.state.waiting.get(fire.job_name)
        if waiting is None:
            waiting = self.state.waiting[fire.job_name] = deque()
        waiting.append(fire)
        self._changes.fires[fire.fire_id] = fire

    def put_fire(self, fire: FireRecord) -> None:
        """Record what became of a fire."""
        self._changes.fires[fire.fire_id] = fire

    def drop_fire(
        self, fire: FireRecord, reason: DropReason, *, count: int = 1, last_due_ms: int = 0
    ) -> None:
        """Record why a fire (or so many, up to `last_due_ms`) never becomes a run (promise 1)."""
        self._changes.fires[fire.fire_id] = msgspec.structs.replace(
            fire,
            state=FireState.DROPPED,
            reason=reason.value,
            ended_ms=self.now_ms,
            count=count,
            last_due_ms=last_due_ms,
        )
        dropped = self.decisions.dropped
        dropped[reason.value] = dropped.get(reason.value, 0) + count

    # Tasks

    def put_task(self, task: TaskRecord) -> None:
        """Record a live task."""
        self.state.put_task(task)
        self._changes.tasks[task.task_id] = task

    def drop_task(self, task: TaskRecord) -> None:
        """Forget a task that ended, and give its room back."""
        agent = self.state.agents.get(task.agent_id)
        if agent is not None:
            agent.remove_task(task)
            if not agent.task_ids:
                self.state.idle.begin(task.agent_id, self.now.monotonic_ms)
        self.state.drop_task(task)
        self._changes.tasks[task.task_id] = None

    def put_failover(self, failover: FailoverRecord) -> None:
        """Record a shard that waits to be started again."""
        self.state.failovers[failover.fire_id, failover.item] = failover
        self._changes.failovers[failover.fire_id, failover.item] = failover

    def drop_failover(self, failover: FailoverRecord) -> None:
        """Forget a waiting shard: it is started again, or never will be."""
        del self.state.failovers[failover.fire_id, failover.item]
        self._changes.failovers[failover.fire_id, failover.item] = None

    # Trace

    def trace_status(
        self,
        task: TaskRecord,
        state: TaskState,
        message: str = "",
        *,
        time_ms: int = 0,
        by_executor: bool = False,
    ) -> None:
        """Write a line of `JOB_STATUS_TRACE_LOG`."""
        self._changes.status_traces.append(
            StatusTrace(
                task.job_name,
                task.original_task_id,
                task.task_id,
                task.agent_id,
                SOURCE_EXECUTOR if by_executor else SOURCE_SCHEDULER,
                task.type.value,
                task.item,
                state.value,
                message,
                time_ms or self.now_ms,
            )
        )

    def trace_execution(self, task: TaskRecord, execution: Execution, source: FireSource) -> None:
        """Write a line of `JOB_EXECUTION_LOG`."""
        agent = self.state.agents.get(task.agent_id)
        self._changes.executions.append(
            ExecutionTrace(
                task.job_name,
                task.task_id,
                agent.info.hostname if agent else "",
                agent.info.ip if agent else "",
                task.item,
                "FAILOVER" if task.original_task_id else EXECUTION_SOURCES[source],
                execution.failure_cause,
                execution.success,
                execution.start_ms,
                execution.complete_ms,
            )
        )
