"""What ran in a time, and what is to run in it (`GET /job/timeline`). Times are epoch milliseconds (UTC)."""

import msgspec

from elasticjob_cloud.model.fire import RunState


class TimelineQuery(msgspec.Struct, frozen=True):
    """A time, both ends included. Empty: no such filter."""

    start_ms: int
    end_ms: int
    job_name: str = ""
    app_name: str = ""
    limit: int = 1000


class TimelineRun(msgspec.Struct, frozen=True):
    """A run that has started. `end_ms`: 0 while it runs."""

    run_id: int
    job_name: str
    app_name: str
    start_ms: int
    end_ms: int
    state: RunState


class PastRuns(msgspec.Struct, frozen=True):
    """Runs that ran at some moment of a time, the newest first. `complete`: there are no others."""

    rows: list[TimelineRun]
    complete: bool


class PlannedFire(msgspec.Struct, frozen=True):
    """A fire that a job's cron will make."""

    due_ms: int
    job_name: str


class PlannedFires(msgspec.Struct, frozen=True):
    """Fires to come, the next first. `complete`: there are no others until the end of the time."""

    rows: list[PlannedFire]
    complete: bool
