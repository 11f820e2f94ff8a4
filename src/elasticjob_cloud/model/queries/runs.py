"""Questions about runs, and their answers (`GET /job/runs`, `GET /job/executions`). Times are epoch milliseconds (UTC)."""

import msgspec

from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.task import TaskState

# The states of runs that are over, and the sources of runs: a daemon's fire is none, each of its executions is.
ENDED_STATES = (RunState.SUCCEEDED, RunState.FAILED, RunState.KILLED, RunState.DROPPED)
RUN_SOURCES = (FireSource.CRON, FireSource.TRIGGER, FireSource.RERUN, FireSource.MISFIRE)
RECENT_RESULTS = 10


class RunQuery(msgspec.Struct, frozen=True):
    """One page of runs or executions, newest first. Empty and None: no such filter.

    `start_ms` and `end_ms` bound the time when a run was recorded, or when an execution started, both included. That is
    also the order. `cursor`: `next` of the page before. `with_shards`: have `Run.shard_states` filled in.
    """

    job_name: str = ""
    app_name: str = ""
    state: RunState | None = None
    source: FireSource | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    limit: int = 50
    cursor: str = ""
    with_shards: bool = False


class ShardCounts(msgspec.Struct, frozen=True):
    """How many shards of a run are in which state; those that were killed are only in `total`.

    `total` is 0 for runs that were recorded by an earlier version.
    """

    total: int
    waiting: int
    running: int
    succeeded: int
    failed: int


class Run(msgspec.Struct, frozen=True):
    """A fire as people see it.

    `count`, `last_due_ms`: a dropped run may stand for many due times. `rerun_of`: 0 unless its source is RERUN.
    `shard_states`: as `shards.shard_letters` writes them; None where they were not asked for or are not known.
    """

    run_id: int
    job_name: str
    app_name: str
    source: FireSource
    due_ms: int
    recorded_ms: int
    start_ms: int
    end_ms: int
    state: RunState
    reason: str
    shards: ShardCounts
    summary: str
    triggered_by: str
    rerun_of: int
    count: int
    last_due_ms: int
    shard_states: str | None = None


class RunPage(msgspec.Struct, frozen=True):
    """Runs, newest first. `next`: the cursor of the next page; None when there is none."""

    rows: list[Run]
    next: str | None


class ShardAttempt(msgspec.Struct, frozen=True):
    """One attempt at a shard. `success`, `end_ms`: None and 0 while it lives. `detail`: at most 16,000 characters."""

    task_id: str
    item: int
    attempt: int
    agent_id: str
    staged_ms: int
    start_ms: int
    end_ms: int
    state: TaskState
    success: bool | None
    exit_code: int | None
    signal: int
    summary: str
    detail: str


class RunDetail(msgspec.Struct, frozen=True):
    """A run, what it ran under, and its attempts by item, each item's in order.

    `configuration`: None where nobody kept it (the job was gone before the upgrade). `items`: the shards of a rerun; empty:
    all. `waiting_items`: shards that wait to be started again.
    """

    run: Run
    configuration: JobConfiguration | None
    items: tuple[int, ...]
    attempts: list[ShardAttempt]
    waiting_items: tuple[int, ...]

    def unsuccessful_items(self) -> tuple[int, ...] | None:
        """Give the shards of a run that ended which failed, were killed, or never ran; None where nobody knows any more.

        Of runs of earlier versions no attempts were kept.
        """
        total = self.run.shards.total
        succeeded = {it.item for it in self.attempts if it.success}
        if not total or len(succeeded) != self.run.shards.succeeded:
            return None
        return tuple(item for item in self.items or range(total) if item not in succeeded)


class EndedRun(msgspec.Struct, frozen=True):
    """How a run ended. `recorded_ms` and `run_id` are its place in the order of all runs."""

    recorded_ms: int
    run_id: int
    job_name: str
    state: RunState
    ended_ms: int


class JobResults(msgspec.Struct, frozen=True):
    """What a job's line in a list shows: its latest run that is not waiting, and how its last runs ended, newest first."""

    last_run: Run | None = None
    recent: tuple[RunState, ...] = ()


class DaemonExecution(msgspec.Struct, frozen=True):
    """One execution of a daemon job, which counts like a run of one shard. `state`: SUCCEEDED or FAILED."""

    execution_id: int
    job_name: str
    app_name: str
    task_id: str
    item: int
    hostname: str
    ip: str
    start_ms: int
    end_ms: int
    state: RunState
    summary: str
    detail: str


class DaemonExecutionPage(msgspec.Struct, frozen=True):
    """Executions of daemon jobs, newest first. `next`: the cursor of the next page; None when there is none."""

    rows: list[DaemonExecution]
    next: str | None
