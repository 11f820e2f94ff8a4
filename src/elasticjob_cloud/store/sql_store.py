"""The store on a SQL database."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from elasticjob_cloud.model.errors import StartError, StoreUnavailableError
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
from elasticjob_cloud.store import lease, secrets, statistics
from elasticjob_cloud.store.alert_contract import AlertStore
from elasticjob_cloud.store.alerts.sql_store import SqlAlertStore
from elasticjob_cloud.store.commit import writer_for
from elasticjob_cloud.store.contract import SchedulerRow
from elasticjob_cloud.store.databases.batch import UnmetError
from elasticjob_cloud.store.databases.database import open_database
from elasticjob_cloud.store.databases.size import DatabaseSize
from elasticjob_cloud.store.history.attempts import run_detail
from elasticjob_cloud.store.history.daemon_executions import daemon_execution_page, daemon_results
from elasticjob_cloud.store.history.failures import failure_groups
from elasticjob_cloud.store.history.job_results import job_results, latest_ended
from elasticjob_cloud.store.history.pages import EXECUTIONS, STATUS_TRACES, HistoryTable
from elasticjob_cloud.store.history.pruning import HistoryPruner
from elasticjob_cloud.store.history.runs import run_page
from elasticjob_cloud.store.history.task_detail import task_detail
from elasticjob_cloud.store.history.timeline import past_runs
from elasticjob_cloud.store.loading import load_snapshot
from elasticjob_cloud.store.migration import migrate_database

_CLOSE_SECONDS: Final = 5.0  # a database that is frozen holds up no scheduler that stops


class SqlStore:
    """A `Store` (see `store/contract.py`) on the database that a URL such as `sqlite:////path/file.db` names.

    Every method may be called from any thread; those that write wait for each other. Besides what the contract says,
    every method raises `StoreUnavailableError` when the database cannot be used at the moment.
    """

    def __init__(self, url: str) -> None:
        """Choose the database; `migrate` opens it.

        Raises:
            StartError: the URL cannot be read, or names a product that is not supported.
        """
        self._database = open_database(url)
        self._changes = writer_for(self._database)
        self._statistics = statistics.StatisticsWriter(self._database)
        self._pruner = HistoryPruner(self._database, self._changes, self._read, self._write, self._make_room)
        self._alerts = SqlAlertStore(self._database, self._read, self._write, self._pruner.prune_alerts)
        self._is_full = False
        self._writing = threading.Lock()
        self._reading = threading.Condition()
        self._reads = 0
        self._closed = False
        self._moves: int | None = None  # of the database when a term was begun last
        self._renewals = (0, 0)  # of an epoch's lease, as far as they are known to be recorded

    def migrate(self) -> None:
        """Open the database and bring its schema to this version; see `Store.migrate`.

        Raises:
            StartError: the file cannot be used, or its schema is newer than this version.
        """
        self._database.open()
        try:
            with self._writing, self._errors():
                migrate_database(self._database)
        except StoreUnavailableError as error:
            raise StartError(str(error)) from error

    @property
    def alerts(self) -> AlertStore:
        return self._alerts

    def acquire_lease(
        self, scheduler_id: str, address: str, lease_seconds: float, *, steal: bool = False
    ) -> int | None:
        if not steal:
            with self._read() as connection:
                if lease.must_wait(connection, self._database, scheduler_id, address, lease_seconds):
                    return None
        with self._write() as connection:
            epoch = lease.acquire(
                connection, self._database, scheduler_id, address, lease_seconds, steal=steal
            )
        if epoch is not None:
            self._renewals = (epoch, 0)
        return epoch

    def renew_lease(self, epoch: int, lease_seconds: float) -> bool:
        # A number rather than one more than the record has, which on a server that lost the latest commits is less.
        renewals = self.renewals(epoch) + 1
        with self._write() as connection:
            is_kept = lease.renew(connection, self._database, epoch, lease_seconds, renewals)
        if is_kept:
            self._renewals = (epoch, renewals)
        return is_kept

    def renewals(self, epoch: int) -> int:
        of_epoch, renewals = self._renewals
        return renewals if of_epoch == epoch else 0

    def release_lease(self, epoch: int) -> None:
        with self._write() as connection:
            lease.release(connection, epoch)

    def give_back_lease(self, epoch: int) -> None:
        with self._write() as connection:
            lease.give_back(connection, epoch)

    def begin_term(self, epoch: int) -> BegunTerm | None:
        with self._write() as connection:
            begun = lease.begin_term(connection, epoch)
        self._moves = self._database.moves
        return begun

    def agree_on_lost_seconds(self, epoch: int, seconds: float) -> float | None:
        with self._write() as connection:
            return lease.agree_on_lost(connection, epoch, seconds)

    @property
    def has_clock(self) -> bool:
        return self._database.has_clock

    def now_ms(self) -> int:
        with self._read() as connection:
            return lease.read_clock(connection, self._database)

    def load(self) -> Snapshot:
        with self._read() as connection:
            return load_snapshot(connection)

    def commit(self, epoch: int, changes: Changes) -> bool:
        """Write all rows in one durable transaction; see `Store.commit`.

        Raises:
            StoreUnavailableError: nothing was written, unless its `outcome_unknown` is set.
        """
        try:
            with self._write() as connection:
                self._check_server()
                with self._database.together(connection) as batch:
                    self._changes.write(batch, epoch, changes)
        except UnmetError:
            return False
        return True

    def executions(self, query: HistoryQuery) -> HistoryPage:
        return self._page(EXECUTIONS, query)

    def status_traces(self, query: HistoryQuery) -> HistoryPage:
        return self._page(STATUS_TRACES, query)

    def runs(self, query: RunQuery) -> RunPage:
        with self._read() as connection:
            return run_page(connection, query)

    def run(self, run_id: int) -> RunDetail | None:
        with self._read() as connection:
            return run_detail(connection, run_id)

    def task(self, task_id: str) -> TaskDetail | None:
        with self._read() as connection:
            return task_detail(connection, task_id)

    def past_runs(self, query: TimelineQuery) -> PastRuns:
        with self._read() as connection:
            return past_runs(connection, query)

    def failure_groups(self, query: FailureQuery) -> FailureGroups:
        with self._read() as connection:
            return failure_groups(connection, query)

    def daemon_executions(self, query: RunQuery) -> DaemonExecutionPage:
        with self._read() as connection:
            return daemon_execution_page(connection, query)

    def job_results(
        self, job_names: Sequence[str], daemon_names: Sequence[str] = ()
    ) -> dict[str, JobResults]:
        with self._read() as connection:
            results = job_results(connection, job_names)
            for name in daemon_names:
                results[name] = JobResults(recent=daemon_results(connection, name))
            return results

    def latest_ended(
        self, before: tuple[int, int] | None, limit: int
    ) -> tuple[list[EndedRun], tuple[int, int] | None]:
        with self._read() as connection:
            return latest_ended(connection, before, limit)

    def prune_history(self, before_ms: int, limit: int) -> int:
        self.keep_room()
        return self._pruner.prune_before(before_ms, limit)

    def prune_oldest(self, limit: int) -> int:
        return self._pruner.prune_oldest(limit)

    def keep_room(self) -> bool:
        with self._writing:
            return not self._closed and self._database.keep_room()

    def size(self) -> DatabaseSize:
        with self._read() as connection:
            return self._database.size(connection)

    def is_full(self) -> bool:
        return self._is_full

    def write_statistics(self, epoch: int, now_ms: int, sample: StatisticsSample) -> bool:
        with self._write() as connection:
            if not lease.holds(connection, epoch):
                return False
            self._statistics.write_results(connection, now_ms)
            self._statistics.write_sample(connection, now_ms, sample)
            self._statistics.prune(connection, now_ms)
            return True

    def task_results(self, interval: StatisticInterval, since_ms: int) -> list[TaskResultStatistics]:
        with self._read() as connection:
            return statistics.task_results(connection, interval, since_ms)

    def run_counts(self, since_ms: int) -> RunCounts:
        with self._read() as connection:
            return statistics.run_counts(connection, since_ms)

    def summed_task_results(self, since_ms: int) -> TaskResultStatistics | None:
        with self._read() as connection:
            return statistics.summed_task_results(connection, since_ms)

    def running_task_statistics(self, since_ms: int) -> list[RunningStatistics]:
        with self._read() as connection:
            return statistics.running_tasks(connection, since_ms)

    def running_job_statistics(self, since_ms: int) -> list[RunningStatistics]:
        with self._read() as connection:
            return statistics.running_jobs(connection, since_ms)

    def registered_job_statistics(self, since_ms: int) -> list[JobRegisterStatistics]:
        with self._read() as connection:
            return statistics.registered_jobs(connection, since_ms)

    def schedulers(self) -> list[SchedulerRow]:
        with self._read() as connection:
            return lease.schedulers(connection, self._database)

    def note_cluster(self, scheduler_id: str, cluster_id: str) -> list[str]:
        with self._read() as connection:
            is_known = lease.cluster_of(connection, scheduler_id) == cluster_id
        if not is_known:
            with self._write() as connection:
                lease.note_cluster(connection, scheduler_id, cluster_id)
        with self._read() as connection:
            return lease.others_clusters(connection, self._database, scheduler_id, cluster_id)

    def leader(self) -> SchedulerRow | None:
        with self._read() as connection:
            return lease.leader(connection, self._database)

    def secret(self, name: str, proposal: str) -> str:
        with self._read() as connection:
            known = secrets.find(connection, name)
        if known is not None:
            return known
        with self._write() as connection:
            return secrets.keep_first(connection, self._database, name, proposal)

    def reconnect(self) -> None:
        self._database.forget_sessions()

    def close(self) -> None:
        with self._reading:
            if self._closed:
                return
            self._closed = True
            # What is given back to a pool that has been closed stays open, and so does SQLite's write-ahead log.
            self._reading.wait_for(lambda: self._reads == 0, _CLOSE_SECONDS)
        with self._writing:
            self._database.close()

    def _page(self, history: HistoryTable, query: HistoryQuery) -> HistoryPage:
        with self._read() as connection:
            return history.page(connection, query)

    def _make_room(self) -> None:
        with self._writing:
            if not self._closed:
                self._database.make_room()

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """Give a connection within a transaction that sees one state of the database."""
        with self._errors(), self._read_under_way(), self._database.reader.begin() as connection:
            yield connection

    @contextmanager
    def _read_under_way(self) -> Iterator[None]:
        with self._reading:
            self._check_open()
            self._reads += 1
        try:
            yield
        finally:
            with self._reading:
                self._reads -= 1
                self._reading.notify_all()

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """Give the writing connection within a transaction: committed at the end, rolled back on any exception."""
        with self._writing:
            with self._errors():
                self._check_open()
                connection = self._database.writer.connect()
            with connection:
                with self._errors():
                    transaction = connection.begin()
                    try:
                        yield connection
                    except BaseException:
                        # Where the connection is lost this fails too; what was first says more.
                        with suppress(DBAPIError):
                            transaction.rollback()
                        raise
                with self._errors(committing=True):
                    transaction.commit()
                self._is_full = False

    @contextmanager
    def _errors(self, *, committing: bool = False) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            explained = self._database.explain(error, committing=committing)
            if isinstance(explained, StoreUnavailableError) and explained.is_full:
                self._is_full = True
            raise explained from error
        except PoolTimeoutError as error:
            raise StoreUnavailableError("Too many queries wait for the database. Try again.") from error

    def _check_server(self) -> None:
        # A standby that was promoted may lack what its caller has in memory.
        if self._moves is not None and self._moves != self._database.moves:
            raise StoreUnavailableError(
                "The database is on another server since the record was loaded: it is loaded again."
            )

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailableError("The store is closed: the scheduler stops.")
