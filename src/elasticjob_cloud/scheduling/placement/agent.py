"""What the core believes of an agent: its room, and who holds how much of it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from elasticjob_cloud.model.messages import AgentInfo
from elasticjob_cloud.model.records import TaskRecord
from elasticjob_cloud.scheduling.placement.room import Room


class ExecutorRoom:
    """An app's executor on an agent. It holds its room while it runs, or while tasks of the app need it.

    Where the app was updated, that is the larger of what it was started with and what its next start takes.
    """

    __slots__ = ("next_room", "room", "running", "stopping", "task_count")

    def __init__(self, room: Room) -> None:
        self.room = room
        self.next_room = room
        self.task_count = 0
        self.running = False
        self.stopping = False

    @property
    def is_idle(self) -> bool:
        """Whether it runs without tasks, and could be stopped to free its room."""
        return self.running and self.task_count == 0


class ReadOnlyAgent(Protocol):
    """An agent, for those who must not change it."""

    @property
    def info(self) -> AgentInfo:
        """What it says of itself."""

    @property
    def takes_tasks(self) -> bool:
        """Whether it neither drains nor has left."""

    @property
    def total(self) -> Room:
        """What it has."""

    @property
    def task_ids(self) -> AbstractSet[str]:
        """The live tasks that were placed on it."""

    @property
    def executors(self) -> Mapping[str, "ReadOnlyExecutor"]:
        """The executors that hold room on it, by app."""

    @property
    def last_seen_ms(self) -> int:
        """When it was last heard of."""

    @property
    def free(self) -> Room:
        """What neither tasks nor executors hold."""

    def used(self) -> Room:
        """Give what tasks and executors hold."""


class ReadOnlyExecutor(Protocol):
    """An app's executor on an agent, for those who must not change it."""

    @property
    def room(self) -> Room:
        """What it holds."""

    @property
    def next_room(self) -> Room:
        """What its next start takes."""


class AgentState:
    """One agent that is there, with the live tasks that were placed on it."""

    def __init__(
        self,
        info: AgentInfo,
        number: int = 0,
        touched: "dict[AgentState, None] | None" = None,
        predecessors: Sequence[str] = (),
    ) -> None:
        self.info = info
        self.number = number  # in the order in which agents joined
        self.predecessors = predecessors
        self.takes_tasks = not info.draining  # until it drains or leaves
        self._touched = (
            {} if touched is None else touched
        )  # who follows the changes of agents takes it from here
        self.total = Room.of(info.cpus, info.memory_mb)
        self.free = self.total
        self.task_ids: set[str] = set()
        self.executors: dict[str, ExecutorRoom] = {}
        self.last_seen_ms = 0

    def touch(self) -> None:
        """Let the order of agents know that this one's room, tasks or executors change."""
        self._touched[self] = None

    def used(self) -> Room:
        """Give what tasks and executors hold."""
        return self.total.minus(self.free)

    def add_task(self, task: TaskRecord, executor: Room | None) -> None:
        """Reserve a task's room, and its app executor's where it needs one that is not there yet."""
        self.touch()
        self.task_ids.add(task.task_id)
        self.free = self.free.minus(Room.of(task.cpu_count, task.memory_mb))
        if executor is not None:
            of_app = self._executor(task.app_name, executor)
            of_app.task_count += 1
            if executor != of_app.next_room:
                of_app.next_room = executor
                self._resize(of_app, of_app.room.plus(executor.beyond(of_app.room)))

    def remove_task(self, task: TaskRecord) -> None:
        """Give a task's room back."""
        self.touch()
        self.task_ids.remove(task.task_id)
        self.free = self.free.plus(Room.of(task.cpu_count, task.memory_mb))
        executor = self.executors.get(task.app_name)
        if executor is not None and not task.is_script:
            executor.task_count -= 1
            self._release_unused(task.app_name)

    def executor_started(self, app_name: str, room: Room) -> None:
        """Note that an app's executor runs."""
        self.touch()
        self._executor(app_name, room).running = True

    def executor_stopped(self, app_name: str) -> None:
        """Note that an app's executor is gone; tasks that need it will have a new one."""
        self.touch()
        executor = self.executors.get(app_name)
        if executor is not None:
            executor.running = executor.stopping = False
            if not self._release_unused(app_name):
                self._resize(executor, executor.next_room)

    def has_idle_executor(self) -> bool:
        """Tell whether an executor without tasks holds room here."""
        for executor in self.executors.values():  # noqa: SIM110 - asked for each change; `any` takes three times as long
            if executor.running and not executor.task_count:
                return True
        return False

    def forget_stops(self) -> None:
        """Let executors that were told to stop, and did not, be told again."""
        for executor in self.executors.values():
            executor.stopping = False

    def _executor(self, app_name: str, room: Room) -> ExecutorRoom:
        executor = self.executors.get(app_name)
        if executor is None:
            executor = self.executors[app_name] = ExecutorRoom(room)
            self.free = self.free.minus(room)
        return executor

    def _release_unused(self, app_name: str) -> bool:
        executor = self.executors[app_name]
        if executor.running or executor.task_count:
            return False
        del self.executors[app_name]
        self.free = self.free.plus(executor.room)
        return True

    def _resize(self, executor: ExecutorRoom, room: Room) -> None:
        self.free = self.free.plus(executor.room).minus(room)
        executor.room = room
