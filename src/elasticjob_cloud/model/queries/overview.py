"""What the console's first page shows (`GET /overview`). Times are epoch milliseconds (UTC)."""

import msgspec

from elasticjob_cloud.model.alerting.alert import Alert


class FailingJob(msgspec.Struct, frozen=True):
    """A job whose last run failed. `since_ms`: when the first of these failures in a row ended; 0 when that is not kept.

    `run_id`: its last failed run; 0 for a daemon job, whose executions have none.
    """

    job_name: str
    since_ms: int
    summary: str
    run_id: int


class WaitingJob(msgspec.Struct, frozen=True):
    """A job of which runs wait. `due_ms`: when the oldest of them was due; `times`: how many wait."""

    job_name: str
    due_ms: int
    times: int
    reason: str


class NextFire(msgspec.Struct, frozen=True):
    """When a job fires next."""

    job_name: str
    time_ms: int


class ResultCounts(msgspec.Struct, frozen=True):
    """How many runs ended, and how, in a time that began at `since_ms`. Each execution of a daemon counts like a run."""

    since_ms: int
    succeeded: int
    failed: int


class AgentRoom(msgspec.Struct, frozen=True):
    """All agents together."""

    agents: int
    draining: int
    cpus_total: float
    cpus_used: float
    memory_mb_total: float
    memory_mb_used: float


class Overview(msgspec.Struct, frozen=True):
    """The first page. The lists have the first rows; `*_count` says how many there are.

    `knows_all_results`: False for some seconds after a start, while the last results of all jobs are read: more may fail.
    `late_count`: jobs whose oldest waiting run was due more than a minute ago. `lateness_ms`: of the fires of the last
    hour, at most 10,000 of them, at the median and at 99 %; None when there was none. `alerts`: those that are open, the
    latest first.
    """

    revision: str
    time_ms: int
    jobs: int
    disabled_apps: int
    running_runs: int
    knows_all_results: bool
    failing_count: int
    failing: list[FailingJob]
    waiting_count: int
    late_count: int
    waiting: list[WaitingJob]
    next_fires: list[NextFire]
    last_hour: ResultCounts
    last_day: ResultCounts
    lateness_p50_ms: int | None
    lateness_p99_ms: int | None
    room: AgentRoom
    alerts: list[Alert] = msgspec.field(default_factory=list)
