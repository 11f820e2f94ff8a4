"""What the core tells alerts of: jobs, runs and their ends. Times are epoch milliseconds (UTC)."""

from dataclasses import dataclass
from enum import StrEnum


class RunOutcome(StrEnum):
    """How a run ended (runs.md)."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    KILLED = "KILLED"  # on request: no alert, and no success either


@dataclass(frozen=True, slots=True)
class WatchedJob:
    """A registered job. One that is disabled, or whose app is, is not asked for successes."""

    job_name: str
    app_name: str
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class RunWaits:
    """A fire waits for its run. `reason`: why, as far as it is known."""

    run_id: int
    job_name: str
    app_name: str
    due_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run started. `where`: its agent's host."""

    run_id: int
    job_name: str
    app_name: str
    started_ms: int
    where: str = ""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run ended, or one execution of a daemon job. `items`: those that failed; `where`: the host of the first of them.

    `duration_ms`: from start to end, 0 if it is not known or not comparable (a daemon's).
    """

    run_id: int
    job_name: str
    app_name: str
    outcome: RunOutcome
    ended_ms: int
    duration_ms: int = 0
    items: tuple[int, ...] = ()
    where: str = ""
    summary: str = ""
    rerun_items: tuple[int, ...] = ()  # of a rerun: the shards that it ran


@dataclass(frozen=True, slots=True)
class FiresDropped:
    """Fires of a job were dropped; `reason`: `misfired` or `queue full`. Others are no alert, and are not told."""

    run_id: int
    job_name: str
    app_name: str
    reason: str
    count: int
    due_ms: int
    last_due_ms: int = 0


@dataclass(frozen=True, slots=True)
class DaemonRestarted:
    """A daemon's task was started again after it ended by itself, or with its agent."""

    run_id: int
    job_name: str
    app_name: str
    item: int
    time_ms: int
    where: str = ""
    summary: str = ""
