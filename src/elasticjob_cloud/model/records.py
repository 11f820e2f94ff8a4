"""What the core keeps and the store holds: rows in, rows out. Times are epoch milliseconds (UTC).

The core hands a `Changes` to the store in each turn of the loop; a `Snapshot` is what a new leader starts from. Rows that
come in great numbers hold no references that could form a cycle, so the garbage collector need not look at them (`gc`).
"""

import msgspec

from elasticjob_cloud.model.alerting.changes import AlertChanges, AlertSnapshot
from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.task import TaskState, TaskType


class AppRecord(msgspec.Struct, frozen=True):
    """A published app. `removing`: it was deleted, and is kept only until its tasks have ended."""

    configuration: AppConfiguration
    disabled: bool = False
    removing: bool = False


class JobRecord(msgspec.Struct, frozen=True):
    """A registered job and since when its present settings hold."""

    configuration: JobConfiguration
    disabled: bool = False
    since_ms: int = 0


Span = tuple[int, int]  # the first and the last instant of a time, both included


class ScheduleSpans(msgspec.Struct, frozen=True):
    """What a clock that jumped did to a job's cron: due times by spans, in order, that do not overlap.

    `skipped`: they were recorded as dropped, all at once, and none of them ran. `taken`: they were taken up while the
    clock was ahead, and are not to be fired again when they come due once more (promise 10).
    """

    skipped: tuple[Span, ...] = ()
    taken: tuple[Span, ...] = ()


class FireRecord(msgspec.Struct, frozen=True, gc=False):
    """One fire, or, when dropped after a time without a leader, `count` fires from `due_ms` to `last_due_ms`.

    `configuration`: what its run was started with, where that is not the job's own: the job has changed since, or the run
    has parameters of its own. None otherwise. `outcome`: SUCCEEDED, FAILED or KILLED once it has COMPLETED; None in rows
    of earlier versions. `failed_tasks`: how many shards have failed for good; `killed_shards`: were killed on request.
    `succeeded_shards` is right once it has COMPLETED. `items`: the shards of a rerun; empty: all.
    """

    fire_id: int
    job_name: str
    source: FireSource
    due_ms: int
    state: FireState
    recorded_ms: int
    reason: str = ""
    count: int = 1
    last_due_ms: int = 0
    started_ms: int = 0
    ended_ms: int = 0
    failed_tasks: int = 0
    configuration: JobConfiguration | None = None
    app_name: str = ""
    outcome: RunState | None = None
    shard_total: int = 0
    succeeded_shards: int = 0
    killed_shards: int = 0
    summary: str = ""
    triggered_by: str = ""
    rerun_of: int = 0
    idempotency_key: str = ""
    items: tuple[int, ...] = ()

    @property
    def run_state(self) -> RunState:
        """The state of the run. Rows of earlier versions tell it by the number of failed tasks."""
        if self.state is not FireState.COMPLETED:
            return RunState(self.state.value)
        return self.outcome or (RunState.FAILED if self.failed_tasks else RunState.SUCCEEDED)


class TaskRecord(msgspec.Struct, frozen=True, gc=False):
    """A live task, with the settings it was started with: a job's update never changes a running task."""

    task_id: str
    fire_id: int
    job_name: str
    app_name: str
    item: int
    type: TaskType
    agent_id: str
    state: TaskState
    staged_ms: int
    cpu_count: float
    memory_mb: float
    attempt: int = 1
    original_task_id: str = ""
    kill_reason: str = ""
    idle: bool = False
    running_ms: int = 0
    is_script: bool = False

    @property
    def is_being_killed(self) -> bool:
        """Whether its agent was told to end it; it stays live until the agent says that it is gone."""
        return bool(self.kill_reason)


class FailoverRecord(msgspec.Struct, frozen=True, gc=False):
    """A shard that waits to be started again, in place of the task `original_task_id`."""

    fire_id: int
    job_name: str
    item: int
    original_task_id: str
    agent_id: str
    attempt: int
    due_ms: int


class AttemptEnd(msgspec.Struct, frozen=True, gc=False):
    """How an attempt at a shard ended, beyond what its last status trace says.

    `success`: by the rule for shards, so False also where job code raised and the task FINISHED. `running_ms`: 0 if it
    never ran. `exit_code` and `signal`: of a script; None and 0 where there is none. `is_killed`: on request; it is not stored.
    """

    fire_id: int
    attempt: int
    staged_ms: int
    running_ms: int
    success: bool
    exit_code: int | None = None
    signal: int = 0
    summary: str = ""
    is_killed: bool = False


class StatusTrace(msgspec.Struct, frozen=True, gc=False):
    """One line of `JOB_STATUS_TRACE_LOG`. `attempt_end`: in the last line of a task, which is an attempt of a run."""

    job_name: str
    original_task_id: str
    task_id: str
    slave_id: str
    source: str
    execution_type: str
    sharding_item: int
    state: str
    message: str
    creation_ms: int
    attempt_end: AttemptEnd | None = None


class ExecutionTrace(msgspec.Struct, frozen=True, gc=False):
    """One line of `JOB_EXECUTION_LOG`. `app_name` and `summary` are kept for executions of daemon jobs alone."""

    job_name: str
    task_id: str
    hostname: str
    ip: str
    sharding_item: int
    execution_source: str
    failure_cause: str
    is_success: bool
    start_ms: int
    complete_ms: int
    app_name: str = ""
    summary: str = ""


FailoverKey = tuple[int, int]  # fire_id, item
PastKey = tuple[str, int]  # job_name, before_fire_id: the configuration held for fires below this id
IdempotencyKey = tuple[str, str]  # job_name, idempotency_key


class Changes(msgspec.Struct):
    """All rows that one turn of the loop writes. A value of None deletes the row of that key.

    `past_configurations`: of jobs that this turn changes or deletes, so that earlier runs can show theirs.
    """

    apps: dict[str, AppRecord | None] = msgspec.field(default_factory=dict)
    jobs: dict[str, JobRecord | None] = msgspec.field(default_factory=dict)
    past_configurations: dict[PastKey, JobConfiguration] = msgspec.field(default_factory=dict)
    schedules: dict[str, int | None] = msgspec.field(default_factory=dict)
    spans: dict[str, ScheduleSpans | None] = msgspec.field(default_factory=dict)
    sequences: dict[str, int | None] = msgspec.field(default_factory=dict)
    fires: dict[int, FireRecord] = msgspec.field(default_factory=dict)
    tasks: dict[str, TaskRecord | None] = msgspec.field(default_factory=dict)
    failovers: dict[FailoverKey, FailoverRecord | None] = msgspec.field(default_factory=dict)
    status_traces: list[StatusTrace] = msgspec.field(default_factory=list)
    executions: list[ExecutionTrace] = msgspec.field(default_factory=list)
    alerts: AlertChanges = msgspec.field(default_factory=AlertChanges)

    def __bool__(self) -> bool:
        """Tell whether there is anything to write."""
        return any(
            (
                self.apps,
                self.jobs,
                self.past_configurations,
                self.schedules,
                self.spans,
                self.sequences,
                self.fires,
                self.tasks,
                self.failovers,
                self.status_traces,
                self.executions,
                self.alerts,
            )
        )


class Snapshot(msgspec.Struct):
    """What the store holds that the core works on. `schedules`: up to when each job's cron was evaluated.

    `sequences`: up to which batch the events of each agent are recorded.
    `fires` has those that are WAITING or RUNNING; `next_fire_id` is above every id that was ever used. `load_mark` is what
    the latest leader to load had written before (`Store.begin_term`): another one tells of an older state.
    `idempotency_keys`: the latest fire of each key, and when it was recorded; those of the last 24 h before the latest.
    """

    apps: dict[str, AppRecord] = msgspec.field(default_factory=dict)
    jobs: dict[str, JobRecord] = msgspec.field(default_factory=dict)
    schedules: dict[str, int] = msgspec.field(default_factory=dict)
    spans: dict[str, ScheduleSpans] = msgspec.field(default_factory=dict)
    sequences: dict[str, int] = msgspec.field(default_factory=dict)
    fires: list[FireRecord] = msgspec.field(default_factory=list)
    tasks: list[TaskRecord] = msgspec.field(default_factory=list)
    failovers: list[FailoverRecord] = msgspec.field(default_factory=list)
    next_fire_id: int = 1
    load_mark: int = 0
    idempotency_keys: dict[IdempotencyKey, tuple[int, int]] = msgspec.field(default_factory=dict)
    alerts: AlertSnapshot = msgspec.field(default_factory=AlertSnapshot)
