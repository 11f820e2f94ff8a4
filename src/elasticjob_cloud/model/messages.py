"""What schedulers and agents say to each other: commands one way, events the other, both in batches.

A command carries the leader's epoch; an agent refuses one that is older than the newest it has seen. Events are kept by
the agent until the scheduler has committed them and says so (`acknowledge`), and are sent again after a reconnect, so
that each arrives at least once. Times are epoch milliseconds of the sender's wall clock.
"""

import msgspec

from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.output.excerpt import cause_in, first_line
from elasticjob_cloud.model.task import TaskState


class TaskSpec(msgspec.Struct, frozen=True, array_like=True):
    """One shard to start."""

    task_id: str
    item: int
    parameter: str


class Launch(msgspec.Struct, frozen=True, tag="launch"):
    """Start these shards of one run. Idempotent: an agent ignores task ids that it holds."""

    app: AppConfiguration
    job: JobConfiguration
    tasks: tuple[TaskSpec, ...]


class Kill(msgspec.Struct, frozen=True, tag="kill"):
    """End these tasks and everything that they started.

    Each is answered with a terminal status, `TASK_KILLED` where the kill ended it. A task that the agent does not hold
    is answered with `TASK_KILLED` too, and never started should its launch arrive late.
    """

    task_ids: tuple[str, ...]
    reason: str


class StopExecutor(msgspec.Struct, frozen=True, tag="stop-executor"):
    """Stop the executor of this app if it has no tasks, to free its room."""

    app_name: str


class RemoveApp(msgspec.Struct, frozen=True, tag="remove-app"):
    """The app was deleted: stop its executor and forget what was downloaded."""

    app_name: str


Command = Launch | Kill | StopExecutor | RemoveApp


class Execution(msgspec.Struct, frozen=True, array_like=True):
    """One execution of job code or of a script, ended: for `JOB_EXECUTION_LOG`.

    `failure_cause`: the detail of a failure, `summary`: its one line; of earlier agents empty. `exit_code` and `signal`: of
    a script; None and 0 where there is none. New fields come last: schedulers and agents of two versions meet in upgrades.
    """

    start_ms: int
    complete_ms: int
    success: bool
    failure_cause: str = ""
    summary: str = ""
    exit_code: int | None = None
    signal: int = 0


class TaskStatus(msgspec.Struct, frozen=True, tag="status"):
    """A task came to this state. `by_executor`: the app's executor said so, not the agent."""

    task_id: str
    state: TaskState
    time_ms: int
    message: str = ""
    execution: Execution | None = None
    by_executor: bool = False

    @property
    def summary(self) -> str:
        """Why the task or its execution failed, in one line; empty where neither did.

        The first line of a message is its summary. An earlier agent gives an execution none.
        """
        execution = self.execution
        if execution is not None and not execution.success:
            return execution.summary or cause_in(execution.failure_cause) or first_line(self.message)
        if self.state.is_terminal and self.state is not TaskState.FINISHED:
            return first_line(self.message)
        return ""


class ExecutorStarted(msgspec.Struct, frozen=True, tag="executor-started"):
    """An app's executor process runs on the agent, and holds the app's own cpuCount and memoryMB."""

    app_name: str


class ExecutorStopped(msgspec.Struct, frozen=True, tag="executor-stopped"):
    """An app's executor process is gone from the agent."""

    app_name: str
    message: str = ""


AgentEvent = TaskStatus | ExecutorStarted | ExecutorStopped


class AgentInfo(msgspec.Struct, frozen=True):
    """Who an agent is. The id is new for each agent process, so that no two lives of an agent are mixed up.

    `disks`: as measured last; earlier agents tell none.
    """

    agent_id: str
    hostname: str
    ip: str
    cpus: float
    memory_mb: float
    pid: int = 0
    draining: str = ""  # why it takes no new tasks; empty while it takes them
    disks: tuple[Disk, ...] = ()

    @property
    def host_in_id(self) -> str:
        """The name of its host as its id has it: on Ray the host has another one."""
        return host_in_agent_id(self.agent_id)

    @property
    def fullest_disk(self) -> Disk | None:
        """The disk with the least room, in proportion; None: none was measured."""
        return min(self.disks, key=lambda disk: disk.free_percent, default=None)


def host_in_agent_id(agent_id: str) -> str:
    """Give the name of the host that an agent's id begins with."""
    return agent_id.rpartition("-")[0] or agent_id


class Inventory(msgspec.Struct, frozen=True):
    """All that an agent holds when a scheduler joins it.

    `tasks` has a status for each task that the agent holds: `TASK_STAGING` or `TASK_RUNNING` for live ones, and the
    terminal one for each that ended and was not acknowledged, those of the agent's predecessor included.
    `predecessors`: ids of agents that had this agent's directory before it, and of which nothing runs any more.
    """

    agent: AgentInfo
    tasks: tuple[TaskStatus, ...] = ()
    executors: tuple[str, ...] = ()
    predecessors: tuple[str, ...] = ()


class AgentJoined(msgspec.Struct, frozen=True):
    """An agent is there, or there again; what it holds settles what the scheduler believed of it."""

    inventory: Inventory


class AgentLost(msgspec.Struct, frozen=True):
    """An agent is gone for good: nothing that it started runs any more, and it takes no commands again (promise 5)."""

    agent_id: str
    reason: str


class AgentDraining(msgspec.Struct, frozen=True):
    """An agent is about to go, with its machine or alone: what it runs goes on for now, and it takes no new tasks."""

    agent_id: str
    reason: str


class AgentEvents(msgspec.Struct, frozen=True):
    """A batch of an agent's events, to be acknowledged by this sequence number once committed."""

    agent_id: str
    sequence: int
    events: tuple[AgentEvent, ...]


class DisksMeasured(msgspec.Struct, frozen=True):
    """An agent has measured its disks again. That may get lost: the next one comes soon."""

    agent_id: str
    disks: tuple[Disk, ...]


EngineEvent = AgentJoined | AgentLost | AgentDraining | AgentEvents | DisksMeasured


class LogChunk(msgspec.Struct, frozen=True):
    """A part of a task's output. Offsets count all bytes that the task printed, kept or not.

    `content` begins at `offset`, `missing` bytes later than was asked for where that many are not kept. `size`: the offset
    after the last byte kept; `ended`: no more will come; `truncated`: the output is not whole; `cut`: the bytes that follow
    this part are not kept. `generation`: handed back with the next question, it tells whether the stream has begun again.
    """

    offset: int
    content: bytes
    size: int
    ended: bool
    truncated: bool = False
    missing: int = 0
    cut: bool = False
    generation: str = ""


class Sandbox(msgspec.Struct, frozen=True):
    """Where an agent keeps an app's files (`GET /operate/sandbox`), for tasks that run there or the next ones.

    Asked for all apps, agents name no app and no tasks.
    """

    agent_id: str
    app_name: str
    path: str
    task_ids: tuple[str, ...]
    size_bytes: int = 0  # as measured last, with what jobs wrote there
