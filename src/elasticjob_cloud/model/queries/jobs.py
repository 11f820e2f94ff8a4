"""Questions about the list of jobs, and their answers (`GET /job/jobs`). Times are epoch milliseconds (UTC)."""

from enum import StrEnum

import msgspec

from elasticjob_cloud.model.queries.runs import JobResults
from elasticjob_cloud.model.records import JobRecord


class JobSort(StrEnum):
    """What a list of jobs is sorted by. Jobs for which it says nothing come last, in either order."""

    JOB_NAME = "jobName"
    APP_NAME = "appName"
    STATE = "state"  # the last result: failed, killed, dropped, succeeded
    LAST_RUN = "lastRun"  # when the last run ended
    NEXT_FIRE = "nextFire"  # of those that the scheduler fires; daemon jobs come last
    RUNNING_SHARDS = "runningShards"


class JobState(StrEnum):
    """What jobs may be filtered by."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    RUNNING = "RUNNING"  # a run is under way
    WAITING = "WAITING"  # a run waits
    SUCCEEDED = "SUCCEEDED"  # these four: how the last run ended
    FAILED = "FAILED"
    KILLED = "KILLED"
    DROPPED = "DROPPED"

    @property
    def is_result(self) -> bool:
        """Whether it says how the last run ended."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.KILLED, JobState.DROPPED)


class JobFilter(msgspec.Struct, frozen=True):
    """Which jobs. Empty and None: no such filter. `search` is part of a name, an app's name or a description, in any case."""

    search: str = ""
    app_name: str = ""
    state: JobState | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every job matches."""
        return not (self.search or self.app_name or self.state)

    @property
    def asks_for_result(self) -> bool:
        """Whether the last results have to be known."""
        return self.state is not None and self.state.is_result


class JobOrder(msgspec.Struct, frozen=True):
    """In which order; jobs with the same value are in the order of their names, or against it."""

    sort: JobSort = JobSort.JOB_NAME
    descending: bool = False

    @property
    def asks_for_result(self) -> bool:
        """Whether the last results have to be known."""
        return self.sort in (JobSort.STATE, JobSort.LAST_RUN)


class JobRow(msgspec.Struct, frozen=True):
    """A job in a page. `next_fire_ms`: None when it will not fire by itself. `waiting_reason`: empty when no run waits."""

    record: JobRecord
    results: JobResults
    next_fire_ms: int | None
    running_shards: int
    waiting_reason: str


class JobPage(msgspec.Struct, frozen=True):
    """A page, and how many jobs match in all.

    `complete`: False while the last results of all jobs, which it is sorted or filtered by, are still being read.
    """

    total: int
    rows: list[JobRow]
    complete: bool = True
