"""A scheduler: what API, console and command line may ask of a leader or standby."""

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import uuid4

from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.model.alerting.delivery import Delivery
from elasticjob_cloud.model.errors import NotFoundError, NotLeadingError, UnavailableError
from elasticjob_cloud.model.messages import Sandbox
from elasticjob_cloud.model.queries.history import HistoryPage, HistoryQuery
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply
from elasticjob_cloud.model.records import AppRecord, Changes, JobRecord
from elasticjob_cloud.model.task import TaskId
from elasticjob_cloud.scheduling import Core, CoreSettings
from elasticjob_cloud.scheduling.commands import ApiCommand, ReconcileClock
from elasticjob_cloud.scheduling.measurements import Measurement
from elasticjob_cloud.service.alerting.desk import AlertDesk
from elasticjob_cloud.service.alerting.post_office import PostOffice
from elasticjob_cloud.service.alerting.settings import AlertSettings
from elasticjob_cloud.service.clock import read_clock
from elasticjob_cloud.service.command_log import log_command
from elasticjob_cloud.service.housekeeping.cluster_watch import ClusterWatch
from elasticjob_cloud.service.housekeeping.disk_watch import DiskWatch
from elasticjob_cloud.service.housekeeping.placement_watch import PlacementWatch
from elasticjob_cloud.service.housekeeping.retention import HistoryLimits, Retention
from elasticjob_cloud.service.housekeeping.sandbox_watch import SandboxWatch
from elasticjob_cloud.service.housekeeping.statistics import Statistics
from elasticjob_cloud.service.housekeeping.success_watch import SuccessWatch, last_success_ms
from elasticjob_cloud.service.housekeeping.tasks import HousekeepingTasks
from elasticjob_cloud.service.leadership.candidate import Candidate
from elasticjob_cloud.service.leadership.directory import UNKNOWING, LeaderDirectory
from elasticjob_cloud.service.leadership.leader import Leader
from elasticjob_cloud.service.leadership.surroundings import Surroundings
from elasticjob_cloud.service.life import SchedulerLife
from elasticjob_cloud.service.loop import SchedulingLoop
from elasticjob_cloud.service.metrics.metrics import Metrics
from elasticjob_cloud.service.port import AgentView, SchedulerView
from elasticjob_cloud.service.reading.read_model import ReadModel, StoreReads
from elasticjob_cloud.service.revisions import Topic
from elasticjob_cloud.service.runs import Runs
from elasticjob_cloud.service.threads.store_threads import StoreThreads
from elasticjob_cloud.service.views import agent_views
from elasticjob_cloud.store import Store

_PRUNE_EVERY_SECONDS = 60.0
_STANDBY_READY_SECONDS = 2.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LeadershipSettings:
    """How a scheduler seeks and keeps the lead, and what it keeps, watches and counts."""

    address: str
    lease_seconds: float = 4.0
    history: HistoryLimits = field(default_factory=HistoryLimits)
    takes_over_agents: bool = False
    clock_limit_seconds: float = 0.0
    watched_directories: tuple[str, ...] = ()
    alerts: AlertSettings = field(default_factory=AlertSettings)
    metrics_job_limit: int = 1_000


def _now_ms() -> int:
    return read_clock().wall_ms


def new_id() -> str:
    """Give a random id for a task: 32 hexadecimal digits, as a UUID has."""
    return os.urandom(16).hex()


class Scheduler:
    """Implements `SchedulerPort`. `start` returns once it leads (or stands by); `stop` leaves everything.

    Of several that share a database one leads. After `retire` this one seeks the lead no more, but `leadership` still
    finds the leader, so that calls under way can be passed on to it.
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
        self.metrics = Metrics(settings.metrics_job_limit)
        self._store = store
        self._engine = engine
        self._core_settings = core_settings
        self._settings = settings
        self._id = f"{socket.gethostname()}-{uuid4().hex[:8]}"
        threads = self._threads = StoreThreads()
        self.statistics = Statistics(store, self._query, _now_ms, threads.reader)
        self.runs = Runs(store, self.submit, self._query, threads.reader)
        self.reading = ReadModel(
            StoreReads(store, threads), self._leads, _now_ms, core_settings.time_zone, self._query
        )
        self.alerts = AlertDesk(
            store.alerts, threads, settings.alerts, self._leading, _now_ms, new_id, self._note_alerts
        )
        self._post_office = PostOffice(
            store.alerts, threads, settings.alerts, self._epoch, _now_ms, self._note_delivery
        )
        self._on_commit = on_commit
        candidate = Candidate(
            self._id,
            settings.address,
            settings.lease_seconds,
            takes_over_agents=settings.takes_over_agents,
            clock_limit_seconds=settings.clock_limit_seconds,
        )
        surroundings = Surroundings(read_clock, new_id, threads.writer, threads.loader)
        self._life = SchedulerLife(
            candidate,
            lambda named: Leader(
                named,
                store,
                engine,
                core_settings,
                surroundings,
                self.metrics,
                self._note_commit,
                self.reading,
            ),
            store,
            database_url,
            threads,
            self._housekeeping(),
        )
        self.leadership = LeaderDirectory(
            self._id,
            self._leads,
            lambda: self._life.is_retiring,
            lambda: threads.read(store.leader),
            lambda: threads.read(store.schedulers),
            lambda: None if self._leader is None else self._leader.trouble,
        )

    async def start(self) -> None:
        """Open the store, take the lead if it is free, and begin to schedule in the background.

        Where it is retired meanwhile it returns without the lead.

        Raises:
            StartError: the database or the engine cannot be used.
        """
        await self._life.start()

    async def ended(self) -> None:
        """Wait until it schedules no more: it was stopped, or cannot go on, which raises the reason."""
        await self._life.ended()

    async def retire(self) -> None:
        """End the turn under way, and give the lead up so that another scheduler has it at once. Running tasks run on.

        May be called again, and returns then when it is done.
        """
        await self._life.retire()

    async def stop(self) -> None:
        """Retire, and leave agents and store: in a bounded time, whatever the database does."""
        await self._life.stop()

    async def secret(self, name: str, proposal: str) -> str:
        """Give the secret that all schedulers of this database share; the first one's proposal is kept.

        Raises:
            StoreUnavailableError: the database does not answer.
        """
        return await self._threads.read(self._store.secret, name, proposal)

    # What the faces ask

    async def submit(self, command: ApiCommand) -> int | None:
        run_id = await self._leading().submit(command)
        log_command(command)
        return run_id

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

    async def agents(self) -> Sequence[AgentView]:
        return await self._query(agent_views)

    async def schedulers(self) -> Sequence[SchedulerView]:
        rows = await self._threads.read(self._store.schedulers)
        return [SchedulerView(it.scheduler_id, it.address, it.leader, it.epoch) for it in rows]

    async def executions(self, query: HistoryQuery) -> HistoryPage:
        return await self._threads.read(self._store.executions, query)

    async def status_traces(self, query: HistoryQuery) -> HistoryPage:
        return await self._threads.read(self._store.status_traces, query)

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
            # A standby passes calls on, so it serves as well as the leader.
            stands_by = (
                leader is not None
                and not self._life.is_retiring
                and leader.another_leads(within_seconds=_STANDBY_READY_SECONDS)
            )
            return None if stands_by else self._without_leader()
        if not core.state.agents:
            return "No agent is there yet."
        return None

    def default_time_zone(self) -> str:
        return self._core_settings.time_zone

    @property
    def _leader(self) -> Leader | None:
        return self._life.leader

    def _housekeeping(self) -> HousekeepingTasks:
        store, engine, threads = self._store, self._engine, self._threads
        retention = Retention(
            store,
            self._settings.history,
            self.metrics,
            self._leads,
            _now_ms,
            threads.pruner,
            _PRUNE_EVERY_SECONDS,
        )
        clusters = ClusterWatch(
            lambda: engine.cluster_id,
            lambda cluster: threads.read(store.note_cluster, self._id, cluster),
        )
        successes = SuccessWatch(
            self.metrics.last_successes,
            lambda: None if self._leader is None else self._leader.core,
            lambda job_name, is_daemon: threads.read(last_success_ms, store, job_name, is_daemon),
        )
        return HousekeepingTasks(
            {
                "retention": retention.keep,
                "alerts": self._post_office.work,
                "disks": DiskWatch(
                    socket.gethostname(), self._settings.watched_directories, threads, self._tell_core
                ).watch,
                "statistics": lambda: self.statistics.keep(self._epoch),
                "placement": PlacementWatch(self._query, self.metrics, engine.want_room).watch,
                "cluster": clusters.watch,
                "successes": successes.watch,
                "sandboxes": SandboxWatch(self.metrics, engine.sandboxes).watch,
            }
        )

    def _tell_core(self, measured: Measurement) -> None:
        if self._leads() and self._leader is not None and self._leader.loop is not None:
            self._leader.loop.take(measured)

    def _note_alerts(self) -> None:
        """Have consoles read alerts again after what no turn has written."""
        self.reading.revisions.note((Topic.ALERTS,))

    def _note_delivery(self, delivery: Delivery) -> None:
        self.metrics.alerts.note_delivery(delivery)
        self._note_alerts()

    def _note_commit(self, changes: Changes) -> None:
        self._post_office.note_commit(changes)
        if self._on_commit is not None:
            self._on_commit(changes)

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

    def _epoch(self) -> int | None:
        return None if self._leader is None else self._leader.epoch

    async def _query(self, read: Callable[[Core], T]) -> T:
        return await self._leading().query(read)
