"""Drives a real core as the loop does: hands in events and the time, commits what it decides, answers callers."""

import itertools
from typing import Any

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import SCRIPT_COMMAND_LINE, JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import (
    AgentEvent,
    AgentEvents,
    AgentInfo,
    AgentJoined,
    AgentLost,
    Command,
    Inventory,
    Kill,
    Launch,
    TaskStatus,
)
from elasticjob_cloud.model.records import FireRecord, TaskRecord
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import Core, CoreSettings, Decisions, Event, Now, Request
from elasticjob_cloud.scheduling.commands import ApiCommand, PublishApp, RegisterJob, TriggerJob
from tests.simulation.store_model import MemoryStore

NOON_MS = 1_793_016_000_000  # 2026-10-26T12:00:00Z
SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
EVERY_MINUTE = "0 * * * * ?"
EVERY_SECOND = "* * * * * ?"
FINISHED, FAILED, ERROR, KILLED, LOST, DROPPED = (
    TaskState.FINISHED,
    TaskState.FAILED,
    TaskState.ERROR,
    TaskState.KILLED,
    TaskState.LOST,
    TaskState.DROPPED,
)


def app(name: str = "app", **changes: Any) -> AppConfiguration:
    """Make an app whose executor takes one CPU and 128 MB."""
    return AppConfiguration(
        **{"app_name": name, "app_url": "http://host/app.tar.gz", "bootstrap_script": "bin/start", **changes}
    )


def job(name: str = "job", **changes: Any) -> JobConfiguration:
    """Make a script job of one shard that takes one CPU and 100 MB; without a cron."""
    fields: dict[str, Any] = {
        "job_name": name,
        "app_name": "app",
        "job_execution_type": JobExecutionType.TRANSIENT,
        "sharding_total_count": 1,
        "cpu_count": 1.0,
        "memory_mb": 100.0,
        "props": {SCRIPT_COMMAND_LINE: "run"},
    }
    return JobConfiguration(**{**fields, **changes})


def daemon(name: str = "job", **changes: Any) -> JobConfiguration:
    """Make a daemon job of one shard."""
    return job(name, job_execution_type=JobExecutionType.DAEMON, **changes)


class CoreDriver:
    """A core, its store, and two clocks that stand still until they are moved."""

    def __init__(
        self, *jobs: JobConfiguration, settings: CoreSettings | None = None, agents: int = 1
    ) -> None:
        self.settings = settings or CoreSettings()
        self.store = MemoryStore()
        self.wall_ms = NOON_MS
        self.monotonic_ms = 0
        self._ids = itertools.count()
        self._numbers = itertools.count()
        self._sequences = itertools.count(1)
        self.last = Decisions()
        self.core = self._new_core()
        for number in range(agents):
            self.join(f"agent-{number}")
        self.ask(PublishApp(app()))
        for configuration in jobs:
            self.ask(RegisterJob(configuration))

    # Time

    def pass_time(self, milliseconds: int, *events: Event) -> Decisions:
        """Let time pass, then have a turn."""
        self.wall_ms += milliseconds
        self.monotonic_ms += milliseconds
        return self.handle(*events)

    def set_clock(self, milliseconds: int) -> Decisions:
        """Set the wall clock by so much, then have a turn."""
        self.wall_ms += milliseconds
        return self.handle()

    def restart(self, gap_ms: int = 0) -> Decisions:
        """Crash, and have a new leader take over after a while; its agents have yet to join."""
        self.wall_ms += gap_ms
        self.monotonic_ms += gap_ms
        self.core = self._new_core()
        return self.last

    # Events

    def handle(self, *events: Event) -> Decisions:
        """Have one turn, and commit it."""
        self.last = self.core.handle(events, Now(self.wall_ms, self.monotonic_ms))
        self.store.commit(self.last.changes)
        return self.last

    def ask(self, *commands: ApiCommand) -> Decisions:
        """Have commands carried out in one turn; raise why one was refused."""
        decisions = self.handle(*(Request(next(self._numbers), command) for command in commands))
        assert not decisions.deferred, "hand it in again: missed fires are still being counted"
        for error in decisions.outcomes.values():
            if error is not None:
                raise error
        return decisions

    def join(
        self,
        agent_id: str = "agent-0",
        *tasks: TaskStatus,
        executors: tuple[str, ...] = (),
        cpus: float = 4,
        memory_mb: float = 8_192,
        predecessors: tuple[str, ...] = (),
    ) -> Decisions:
        """Let an agent join with what it holds."""
        info = AgentInfo(agent_id, "host-" + agent_id, "127.0.0.1", cpus, memory_mb)
        return self.handle(AgentJoined(Inventory(info, tasks, executors, predecessors)))

    def lose(self, agent_id: str = "agent-0") -> Decisions:
        """Let an agent be gone for good."""
        return self.handle(AgentLost(agent_id, "the machine is gone"))

    def tell(self, *events: AgentEvent, agent_id: str = "agent-0") -> Decisions:
        """Let an agent tell what happened."""
        return self.handle(AgentEvents(agent_id, self.next_sequence(), events))

    def next_sequence(self) -> int:
        """Number the next batch of an agent's events."""
        return next(self._sequences)

    def end(self, task: TaskRecord, state: TaskState = TaskState.FINISHED) -> Decisions:
        """Let a task come to its end."""
        return self.tell(self.status(task, state), agent_id=task.agent_id)

    def status(self, task: TaskRecord, state: TaskState, message: str = "") -> TaskStatus:
        """Make what an agent tells of a task."""
        return TaskStatus(task.task_id, state, self.wall_ms, message)

    # What is there

    def tasks(self, job_name: str = "job") -> list[TaskRecord]:
        """Give a job's live tasks by item."""
        live = (task for task in self.store.tasks.values() if task.job_name == job_name)
        return sorted(live, key=lambda task: task.item)

    def task(self, job_name: str = "job") -> TaskRecord:
        """Give a job's only live task."""
        (task,) = self.tasks(job_name)
        return task

    def fires(self, state: FireState, job_name: str = "job") -> list[FireRecord]:
        """Give a job's fires in this state, as they were recorded."""
        return [it for it in self.store.fires.values() if it.state is state and it.job_name == job_name]

    def sent(self, kind: type[Command]) -> list[Any]:
        """Give the commands of this kind that the last turn sent."""
        return [it for sent in self.last.commands.values() for it in sent if isinstance(it, kind)]

    def launched(self) -> list[str]:
        """Give the ids of the tasks that the last turn launched."""
        return [spec.task_id for launch in self.sent(Launch) for spec in launch.tasks]

    def killed(self) -> list[str]:
        """Give the ids of the tasks that the last turn had killed."""
        return [task_id for kill in self.sent(Kill) for task_id in kill.task_ids]

    def _new_core(self) -> Core:
        core = Core(self.store.load(), self.settings, lambda: f"{next(self._ids):08x}")
        self.last = core.take_over(Now(self.wall_ms, self.monotonic_ms))
        self.store.commit(self.last.changes)
        return core


def triggered(*jobs: JobConfiguration, agents: int = 1) -> CoreDriver:
    """Give a driver of these jobs, each of which was triggered."""
    driver = CoreDriver(*jobs, agents=agents)
    for name in list(driver.store.jobs):
        driver.ask(TriggerJob(name))
    return driver
