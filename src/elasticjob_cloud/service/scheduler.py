"""A scheduler process: a leader or standby, its housekeeping, and what the faces may ask of it."""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.model.errors import NotFoundError, NotLeadingError, StartError, UnavailableError
from elasticjob_cloud.model.messages import Sandbox
from elasticjob_cloud.model.queries.history import HistoryPage, HistoryQuery
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply
from elasticjob_cloud.model.records import AppRecord, Changes, FailoverRecord, JobRecord, TaskRecord
from elasticjob_cloud.model.task import TaskId
from elasticjob_cloud.scheduling import Core, CoreSettings
from elasticjob_cloud.scheduling.commands import ApiCommand, ReconcileClock, TriggerJob
from elasticjob_cloud.service.clock import read_clock
from elasticjob_cloud.service.daemon_threads import DaemonThreads
from elasticjob_cloud.service.housekeeping.cluster_watch import ClusterWatch
from elasticjob_cloud.service.housekeeping.placement_watch import PlacementWatch
from elasticjob_cloud.service.housekeeping.retention import HistoryLimits, Retention
from elasticjob_cloud.service.housekeeping.sandbox_watch import SandboxWatch
from elasticjob_cloud.service.housekeeping.statistics import Statistics
from elasticjob_cloud.service.leadership.candidate import Candidate, Surroundings
from elasticjob_cloud.service.leadership.directory import UNKNOWING, LeaderDirectory
from elasticjob_cloud.service.leadership.leader import Leader
from elasticjob_cloud.service.loop import SchedulingLoop
from elasticjob_cloud.service.metrics import Metrics
from elasticjob_cloud.service.port import AgentView, ReadyJob, SchedulerView
from elasticjob_cloud.service.views import agent_views, ready_jobs
from elasticjob_cloud.store import Store
from elasticjob_cloud.store.databases.sqlite.lock import DatabaseLock
from elasticjob_cloud.store.databases.url import parse_database_url

_log = logging.getLogger(__name__)
_PRUNE_EVERY_SECONDS = 60.0
_HOUSEKEEPING_RETRY_SECONDS = 10.0
_STANDBY_READY_SECONDS = 2.0
# PostgreSQL's limits end every call sooner (docs/database.md); a disk that hangs has none.
_RETIRE_SECONDS = 10.0
_CANCEL_SECONDS = 2.0
_CLOSE_SECONDS = 8.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LeadershipSettings:
    """How a scheduler seeks and keeps the lead, and how much history it keeps."""

    address: str
    lease_seconds: float = 4.0
    history: HistoryLimits = field(default_factory=HistoryLimits)
    takes_over_agents: bool = False
    clock_limit_seconds: float = 0.0


def new_id() -> str:
    """Give a random id for a task: 32 hexadecimal digits, as a UUID has."""
    return os.urandom(16).hex()


class Scheduler:
    """Implements `SchedulerPort`. `start` returns once it leads (or stands by); `stop` lets go of everything.

    Of several that share a database one leads. `retire` gives the lead up and seeks it no more, but the leader of then
    can still be asked for (`leadership`), so that calls under way can be passed on to it.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        core_settings: CoreSettings,
        settings: LeadershipSettings,
        *,
        database_url: str,
        on_commit: Callable[[Changes], None] | None = None,
    ) -> None:
        self.metrics = Metrics()
        self._store = store
        self._engine = engine
        self._core_settings = core_settings
        self._settings = settings
        self._database_url = database_url
        self._on_commit = on_commit
        self._id = f"{socket.gethostname()}-{uuid4().hex[:8]}"
        self._writer = DaemonThreads(1, "store-writer")
        self._reader = DaemonThreads(4, "store-reader")
        self._pruner = DaemonThreads(1, "store-pruner")
        # Queries must not hold up who takes over; and a load that hangs in an earlier term not that of the next.
        self._loader = DaemonThreads(2, "store-loader")
        self.statistics = Statistics(store, self._query, lambda: read_clock().wall_ms, self._reader)
        self.leadership = LeaderDirectory(
            self._id,
            self._leads,
            self._is_retiring,
            lambda: self._in_reader(store.leader),
            lambda: self._in_reader(store.schedulers),
            lambda: None if self._leader is None else self._leader.trouble,
        )
        self._lock: DatabaseLock | None = None
        self._leader: Leader | None = None
        self._task: asyncio.Task[None] | None = None
        self._housekeeping: list[asyncio.Task[None]] = []
        self._retiring: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the store, take the lead if it is free, and begin to schedule in the background.

        Whoever retires it meanwhile has it return without the lead.

        Raises:
            StartError: the database or the engine cannot be used.
        """
        path = _sqlite_path(self._database_url)
        if path is not None:
            _make_directory(path.parent)
            self._lock = DatabaseLock(path)
        await self._in_writer(self._store.migrate)
        if self._is_retiring():
            return
        leader = self._leader = self._make_leader()
        self._task = asyncio.create_task(leader.run(), name="scheduling")
        settled = asyncio.create_task(leader.settled.wait())
        await asyncio.wait({self._task, settled}, return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()
        if self._task.done() and (error := self._task.exception()) is not None:
            await self.stop()
            raise error
        if self._is_retiring():
            return
        retention = Retention(
            self._store,
            self._settings.history,
            self.metrics,
            self._leads,
            lambda: read_clock().wall_ms,
            self._pruner,
            _PRUNE_EVERY_SECONDS,
        )
        watch = PlacementWatch(self._query, self.metrics, self._engine.want_room)
        clusters = ClusterWatch(
            lambda: self._engine.cluster_id,
            lambda cluster: self._in_reader(self._store.note_cluster, self._id, cluster),
        )
        self._housekeeping = [
            asyncio.create_task(_go_on(work), name=name)
            for name, work in (
                ("retention", retention.keep),
                ("statistics", lambda: self.statistics.keep(lambda: leader.epoch)),
                ("placement", watch.watch),
                ("cluster", clusters.watch),
                ("sandboxes", SandboxWatch(self.metrics, self._engine.sandboxes).watch),
            )
        ]

    async def ended(self) -> None:
        """Wait until it schedules no more: it was stopped, or cannot go on, which raises the reason."""
        assert self._task is not None, "it was started"
        await asyncio.shield(self._task)

    async def retire(self) -> None:
        """End the turn under way, and give the lead up so that another scheduler has it at once. Running tasks run on.

        May be called again, and returns then when it is done.
        """
        if self._retiring is None:
            self._retiring = asyncio.create_task(self._retire(), name="retire")
        await asyncio.shield(self._retiring)

    async def stop(self) -> None:
        """Retire, and let go of agents and store: in a bounded time, whatever the database does."""
        await self.retire()
        if self._leader is not None:
            await self._leader.leave()
        await self._close_store()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    async def secret(self, name: str, proposal: str) -> str:
        """Give the secret that all schedulers of this database share; the first one's proposal is kept.

        Raises:
            StoreUnavailableError: the database does not answer.
        """
        return await self._in_reader(self._store.secret, name, proposal)

    # What the faces ask

    async def submit(self, command: ApiCommand) -> None:
        await self._leading().submit(command)
        # Triggers come by the thousand; all else is worth a line.
        _log.log(
            logging.DEBUG if isinstance(command, TriggerJob) else logging.INFO, "%s", _described(command)
        )

    async def app(self, app_name: str) -> AppRecord:
        app = await self._query(lambda core: core.state.apps.get(app_name))
        if app is None or app.removing:
            message = f"There is no app '{app_name}'. Publish it with POST /api/app."
            raise NotFoundError(message)
        return app

    async def apps(self) -> Sequence[AppRecord]:
        apps = await self._query(lambda core: sorted(core.state.apps.items()))
        return [app for _, app in apps if not app.removing]

    async def job(self, job_name: str) -> JobRecord:
        job = await self._query(lambda core: core.state.jobs.get(job_name))
        if job is None:
            message = f"There is no job '{job_name}'. Register it with POST /api/job/register."
            raise NotFoundError(message)
        return job

    async def jobs(self) -> Sequence[JobRecord]:
        return await self._query(lambda core: [job for _, job in sorted(core.state.jobs.items())])

    async def running_tasks(self) -> Sequence[TaskRecord]:
        return await self._query(lambda core: list(core.state.tasks.values()))

    async def ready_jobs(self) -> Sequence[ReadyJob]:
        return await self._query(ready_jobs)

    async def failover_tasks(self) -> Sequence[FailoverRecord]:
        return await self._query(lambda core: list(core.state.failovers.values()))

    async def agents(self) -> Sequence[AgentView]:
        return await self._query(agent_views)

    async def schedulers(self) -> Sequence[SchedulerView]:
        rows = await self._in_reader(self._store.schedulers)
        return [SchedulerView(it.scheduler_id, it.address, it.leader, it.epoch) for it in rows]

    async def executions(self, query: HistoryQuery) -> HistoryPage:
        return await self._in_reader(self._store.executions, query)

    async def status_traces(self, query: HistoryQuery) -> HistoryPage:
        return await self._in_reader(self._store.status_traces, query)

    async def task_log(self, question: LogQuestion) -> LogReply:
        try:
            agent_id = TaskId.parse(question.task_id).agent_id
        except ValueError as error:
            raise NotFoundError(str(error)) from error
        try:
            return await self._engine.ask_log(agent_id, question)
        except UnavailableError:
            self._leading()  # a leader may reach the agent where this scheduler does not
            raise

    async def sandboxes(self, app_name: str) -> Sequence[Sandbox]:
        await self.app(app_name)
        return await self._engine.sandboxes(app_name)

    async def reconcile(self) -> None:
        self._leading()
        agents = await self._query(lambda core: frozenset(core.state.tasks_of_agent))
        self._engine.reconcile(agents)

    async def reconcile_clock(self) -> None:
        await self.submit(ReconcileClock())

    def not_ready_reason(self) -> str | None:
        leader = self._leader
        core = leader.core if leader is not None and leader.leads else None
        if core is None:
            # Who stands by passes calls on, so it serves as well as the leader.
            stands_by = (
                leader is not None
                and self._retiring is None
                and leader.another_leads(within_seconds=_STANDBY_READY_SECONDS)
            )
            return None if stands_by else self._without_leader()
        if not core.state.agents:
            return "No agent is there yet."
        return None

    def default_time_zone(self) -> str:
        return self._core_settings.time_zone

    def _make_leader(self) -> Leader:
        return Leader(
            Candidate(
                self._id,
                self._settings.address,
                self._settings.lease_seconds,
                alone=self._lock is not None,
                takes_over_agents=self._settings.takes_over_agents,
                clock_limit_seconds=self._settings.clock_limit_seconds,
            ),
            self._store,
            self._engine,
            self._core_settings,
            Surroundings(read_clock, new_id, self._writer, self._loader),
            self.metrics,
            self._on_commit,
        )

    def _leading(self) -> SchedulingLoop:
        leader = self._leader
        if leader is None or leader.loop is None or not leader.leads:
            raise NotLeadingError(self._without_leader())
        return leader.loop

    def _without_leader(self) -> str:
        trouble = self.leadership.trouble
        return (
            "No scheduler is known to lead; try again in a moment."
            if trouble is None
            else f"{UNKNOWING} {trouble}"
        )

    def _leads(self) -> bool:
        return self._leader is not None and self._leader.leads

    def _is_retiring(self) -> bool:
        return self._retiring is not None

    async def _retire(self) -> None:
        for task in self._housekeeping:
            task.cancel()
        if self._leader is None or self._task is None:
            return
        core = self._leader.core
        if core is not None and core.state.tasks:
            _log.warning(
                "%d task(s) run on in their agents. Start a scheduler again to follow them.",
                len(core.state.tasks),
            )
        self._leader.stop()
        done, _ = await asyncio.wait({self._task}, timeout=_RETIRE_SECONDS)
        if not done:
            _log.warning("The database does not answer: the lead ends with its lease.")
            self._task.cancel()
            done, _ = await asyncio.wait({self._task}, timeout=_CANCEL_SECONDS)
        if done and not self._task.cancelled():
            self._task.exception()  # `ended` raises it

    async def _close_store(self) -> None:
        closing = asyncio.ensure_future(self._in_writer(self._store.close))
        done, _ = await asyncio.wait({closing}, timeout=_CLOSE_SECONDS)
        if not done:
            _log.warning("The database does not answer: its connections end with this process.")
            closing.cancel()
        for threads in (self._writer, self._reader, self._loader, self._pruner):
            # Never waited for on the loop, which has others to serve: what still runs has no caller any more.
            threads.shutdown(wait=False, cancel_futures=True)

    async def _query(self, read: Callable[[Core], T]) -> T:
        return await self._leading().query(read)

    async def _in_writer(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, call, *arguments)

    async def _in_reader(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, call, *arguments)


async def _go_on(work: Callable[[], Awaitable[None]]) -> None:
    """Have housekeeping go on after a failure that it did not foresee: its end would be seen much later, by a full disk."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - scheduling does not depend on it
            _log.exception("Housekeeping failed, and goes on in a while.")
        await asyncio.sleep(_HOUSEKEEPING_RETRY_SECONDS)


def _sqlite_path(database_url: str) -> Path | None:
    url = parse_database_url(database_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        message = (
            f"Cannot make {directory} for the database: {error.strerror}. Choose another --database-url."
        )
        raise StartError(message) from error


def _described(command: ApiCommand) -> str:
    """Say what was done and to what; not with which settings, which may hold secrets."""
    configuration = getattr(command, "configuration", None)
    named = command if configuration is None else configuration
    name = next(
        (getattr(named, field) for field in ("job_name", "app_name", "task_id") if hasattr(named, field)), ""
    )
    disabled = getattr(command, "disabled", None)
    return f"{type(command).__name__} {name}" + ("" if disabled is None else f" disabled={disabled}")
