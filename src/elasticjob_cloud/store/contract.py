"""What every store promises. All methods are synchronous and may block: the service calls them from threads.

`commit` and the lease methods are called from one thread at a time; `load` and queries beside them, from several.

Every method may raise `StoreUnavailableError`: the database is locked, full, gone or damaged, and nothing was written,
unless the error's `outcome_unknown` is set. Then the caller must load anew before it goes on.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from elasticjob_cloud.model.lineage import BegunTerm
from elasticjob_cloud.model.queries.failures import FailureGroups, FailureQuery
from elasticjob_cloud.model.queries.history import HistoryPage, HistoryQuery
from elasticjob_cloud.model.queries.runs import (
    DaemonExecutionPage,
    EndedRun,
    JobResults,
    RunDetail,
    RunPage,
    RunQuery,
)
from elasticjob_cloud.model.queries.statistics import (
    JobRegisterStatistics,
    RunCounts,
    RunningStatistics,
    StatisticInterval,
    StatisticsSample,
    TaskResultStatistics,
)
from elasticjob_cloud.model.queries.tasks import TaskDetail
from elasticjob_cloud.model.queries.timeline import PastRuns, TimelineQuery
from elasticjob_cloud.model.records import Changes, Snapshot
from elasticjob_cloud.store.alert_contract import AlertStore
from elasticjob_cloud.store.databases.size import DatabaseSize


class SchedulerRow(msgspec.Struct, frozen=True):
    """One scheduler that shares this database, as it last said of itself."""

    scheduler_id: str
    address: str
    leader: bool
    epoch: int


class Store(Protocol):
    """The database behind a scheduler."""

    @property
    def alerts(self) -> AlertStore:
        """Alerts as people, the API and the sender see them."""

    def migrate(self) -> None:
        """Bring the schema to this version, from none or any earlier one. Raises `StartError` for a later one."""

    def acquire_lease(
        self, scheduler_id: str, address: str, lease_seconds: float, *, steal: bool = False
    ) -> int | None:
        """Try to become leader; give the new epoch (greater than any before), or None while another leads.

        Expiry is judged by the database's own clock. `steal` takes a lease that has not expired: only for callers who
        know that its holder is dead.
        """

    def renew_lease(self, epoch: int, lease_seconds: float) -> bool:
        """Prolong the lease; False when it is no longer this epoch's."""

    def renewals(self, epoch: int) -> int:
        """Give how many renewals of this epoch's lease are surely recorded. Asks no database."""

    def release_lease(self, epoch: int) -> None:
        """Give the lease up on a clean stop, so that another can lead at once."""

    def give_back_lease(self, epoch: int) -> None:
        """Give the lease up as if it had not been taken: its epoch is used up by nobody. Only before any commit of it."""

    def begin_term(self, epoch: int) -> BegunTerm | None:
        """Give what a leader goes by before it loads: all commits before are over by then. None when `epoch` does not lead.

        It writes a new mark, which the next `load` must find: on a server that has not got it, the record is another
        or an older one.
        """

    def agree_on_lost_seconds(self, epoch: int, seconds: float) -> float | None:
        """Say after how long without a word this leader, by its settings, takes an agent for lost; give how long it has to be.

        That is the longest that any leader has said since tasks have run without a pause between two terms: an agent
        keeps the fence of the leader that it was started by for as long as it holds tasks (promise 5). None when `epoch`
        does not lead.
        """

    @property
    def has_clock(self) -> bool:
        """Whether the database has a clock of its own, and not this machine's."""

    def now_ms(self) -> int:
        """Give the database's clock in epoch milliseconds."""

    def load(self) -> Snapshot:
        """Give what the core works on, with the mark of the latest `begin_term`."""

    def commit(self, epoch: int, changes: Changes) -> bool:
        """Write all rows in one durable transaction, if `epoch` is still the leader's; False (nothing written) if not."""

    def executions(self, query: HistoryQuery) -> HistoryPage:
        """Give a page of `JOB_EXECUTION_LOG`."""

    def status_traces(self, query: HistoryQuery) -> HistoryPage:
        """Give a page of `JOB_STATUS_TRACE_LOG`."""

    def runs(self, query: RunQuery) -> RunPage:
        """Give a page of runs, newest first. Fires of daemon jobs are none. Raises `InvalidRequestError`."""

    def run(self, run_id: int) -> RunDetail | None:
        """Give a run with what it ran under and its attempts, or None when there is none (any more)."""

    def task(self, task_id: str) -> TaskDetail | None:
        """Give a task, live or ended, or None when nothing is recorded of it (any more). The id must be a task's."""

    def past_runs(self, query: TimelineQuery) -> PastRuns:
        """Give the runs that ran at some moment of a time. Raises `InvalidRequestError`."""

    def failure_groups(self, query: FailureQuery) -> FailureGroups:
        """Give what failed, grouped by summary: of the latest failures of a time. Raises `InvalidRequestError`."""

    def daemon_executions(self, query: RunQuery) -> DaemonExecutionPage:
        """Give a page of the executions of daemon jobs, newest first. Raises `InvalidRequestError`."""

    def job_results(
        self, job_names: Sequence[str], daemon_names: Sequence[str] = ()
    ) -> dict[str, JobResults]:
        """Give the last results of registered jobs, by name. `daemon_names`: daemon jobs, whose executions count."""

    def latest_ended(
        self, before: tuple[int, int] | None, limit: int
    ) -> tuple[list[EndedRun], tuple[int, int] | None]:
        """Give the runs that ended among the latest `limit` fires before a place, newest first; and the place to go on from.

        None: that was all.
        """

    def prune_history(self, before_ms: int, limit: int) -> int:
        """Delete at most `limit` trace rows and ended fires older than this; give how many were deleted."""

    def prune_oldest(self, limit: int) -> int:
        """Delete at most `limit` of the oldest trace rows and ended fires, whatever their age; give how many were deleted.

        0: no history is left.
        """

    def size(self) -> DatabaseSize:
        """Give how large the database is."""

    def keep_room(self) -> bool:
        """Keep some room on the disk for deletions on a full one; True: it was full, and has plenty of room again."""

    def is_full(self) -> bool:
        """Tell whether the last attempt to write found no room on the disk, and deletions make some. Asks nobody.

        Never on PostgreSQL: there, what was deleted is room only after the server has vacuumed.
        """

    def write_statistics(self, epoch: int, now_ms: int, sample: StatisticsSample) -> bool:
        """Write what is counted once a minute, and delete what is too old; False (nothing written) if `epoch` does not lead.

        That is the results of all intervals that have ended, and `sample` for the present minute and day. Doing it
        again changes nothing but what has come since; what a time without a leader left out is made up.
        """

    def task_results(self, interval: StatisticInterval, since_ms: int) -> list[TaskResultStatistics]:
        """Give the results of the intervals that began at or after this time, oldest first."""

    def run_counts(self, since_ms: int) -> RunCounts:
        """Give how many runs ended in the minutes that began at or after this time, up to now. 3 days are kept."""

    def summed_task_results(self, since_ms: int) -> TaskResultStatistics | None:
        """Give the sum of all that ended since the start of a day, up to the last minute that has ended.

        Its time is the start of the earliest interval that was counted; None when none was.
        """

    def running_task_statistics(self, since_ms: int) -> list[RunningStatistics]:
        """Give how many tasks ran in each minute since then, oldest first."""

    def running_job_statistics(self, since_ms: int) -> list[RunningStatistics]:
        """Give how many jobs ran in each minute since then, oldest first."""

    def registered_job_statistics(self, since_ms: int) -> list[JobRegisterStatistics]:
        """Give how many jobs were registered on each day since then, oldest first."""

    def schedulers(self) -> list[SchedulerRow]:
        """Give the schedulers that share this database."""

    def note_cluster(self, scheduler_id: str, cluster_id: str) -> list[str]:
        """Keep which cluster a scheduler has joined; give the ids of those present that have joined another."""

    def leader(self) -> SchedulerRow | None:
        """Give the scheduler that leads, or None while nobody does. Cheap: standbys ask several times a second."""

    def secret(self, name: str, proposal: str) -> str:
        """Give the secret of this name; the first caller's proposal is kept, everybody else is given that one."""

    def reconnect(self) -> None:
        """Use no session to the database again that is open now: they may be to a server that others use no more."""

    def close(self) -> None:
        """Close all connections; queries that are under way are waited for, for 5 s, and those that come later fail."""
