"""An agent as `engine/contract.py` and `model/messages.py` promise it, in virtual time."""

import zlib
from collections.abc import Callable
from typing import Protocol

from elasticjob_cloud.model.messages import (
    AgentEvent,
    AgentEvents,
    AgentInfo,
    AgentJoined,
    Command,
    EngineEvent,
    Execution,
    ExecutorStarted,
    ExecutorStopped,
    Inventory,
    Kill,
    Launch,
    RemoveApp,
    StopExecutor,
    TaskStatus,
    host_in_agent_id,
)
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import Now
from elasticjob_cloud.scheduling.runs.tasks import BEGIN, COMPLETE


class AgentWorld(Protocol):
    """What an agent asks of the world that it lives in."""

    def now(self) -> Now: ...
    def after(self, delay_ms: float, action: Callable[[], None]) -> None: ...
    def choose_outcome(self, launch: Launch) -> tuple[float | None, TaskState]: ...
    def note_start(self, agent: "AgentModel", task_id: str, launch: Launch) -> None: ...
    def note_end(self, task_id: str) -> None: ...
    def note_word(self, status: TaskStatus) -> None: ...
    def raises(self, execution: str) -> bool: ...
    def agent_has_news(self, agent: "AgentModel") -> None: ...
    def frozen_ms(self, agent: "AgentModel") -> int: ...


class AgentModel:
    """Holds tasks until their end is acknowledged, and tells what happens in numbered batches."""

    def __init__(self, world: AgentWorld, agent_id: str, cpus: float, memory_mb: float) -> None:
        self.world = world
        self.info = AgentInfo(agent_id, host_in_agent_id(agent_id), "127.0.0.1", cpus, memory_mb)
        self.alive = True
        self.held: dict[str, TaskStatus] = {}
        self.executors: dict[str, int] = {}
        self.tombstones: set[str] = set()
        self.executor_of: dict[str, str] = {}
        self.unacknowledged: dict[int, list[AgentEvent]] = {}
        self.sequence = 0
        self.daemon_pause_ms: float | None = (
            None  # between the executions of a daemon's task; None: it has none
        )
        self.outbox: list[AgentEvent] = []

    @property
    def is_busy(self) -> bool:
        """Whether it holds tasks that have not ended."""
        return any(not status.state.is_terminal for status in self.held.values())

    def inventory(self) -> Inventory:
        """Give all that it holds; what was told but not acknowledged is in it, so the batches are forgotten."""
        self.unacknowledged.clear()
        self.outbox.clear()
        return Inventory(self.info, tuple(self.held.values()), tuple(self.executors))

    def greet(self) -> list[EngineEvent]:
        """Join with all that it holds, and tell again what was told and not acknowledged."""
        self.flush()
        joined = AgentJoined(Inventory(self.info, tuple(self.held.values()), tuple(self.executors)))
        batches = self.unacknowledged.items()
        return [joined, *(AgentEvents(self.info.agent_id, number, tuple(told)) for number, told in batches)]

    def take(self, command: Command) -> None:
        """Carry out one command."""
        match command:
            case Launch():
                for task in command.tasks:
                    self._launch(command, task.task_id)
            case Kill():
                for task_id in command.task_ids:
                    self._kill(task_id, command.reason)
            case StopExecutor() if self.executors.get(command.app_name) == 0:
                self._stop_executor(command.app_name)
            case RemoveApp() if command.app_name in self.executors:
                self._stop_executor(command.app_name)
            case _:
                pass

    def told_up_to(self, sequence: int) -> list[AgentEvent]:
        """Give what was told in these batches, and is not acknowledged."""
        return [event for number, told in self.unacknowledged.items() if number <= sequence for event in told]

    def acknowledge(self, sequence: int) -> None:
        """Forget what is committed."""
        for number in [number for number in self.unacknowledged if number <= sequence]:
            for event in self.unacknowledged.pop(number):
                if isinstance(event, TaskStatus) and event.state.is_terminal:
                    self.held.pop(event.task_id, None)
                    self.tombstones.add(event.task_id)  # a launch that comes twice must not start it again

    def tell_ends_again(self) -> None:
        """Tell once more what ended and was not acknowledged: so that it can be, after an inventory that had it."""
        for status in self.held.values():
            if status.state.is_terminal:
                self._tell(status)

    def end(self, task_id: str, state: TaskState, message: str = "", exit_code: int | None = None) -> None:
        """End a task that runs, unless something else has ended it already."""
        status = self.held.get(task_id)
        if self.alive and status is not None and not status.state.is_terminal:
            self._end(task_id, state, message, exit_code)

    def lose_all(self, message: str) -> None:
        """End all tasks that run, since the agent ends."""
        for task_id in list(self.held):
            self.end(task_id, TaskState.LOST, message)

    def die(self) -> None:
        """End with all that runs here."""
        self.alive = False
        for task_id, status in self.held.items():
            if not status.state.is_terminal:
                self.world.note_end(task_id)

    def flush(self) -> tuple[int, tuple[AgentEvent, ...]] | None:
        """Give the next batch to send, if there is anything to tell."""
        if not self.outbox:
            return None
        self.sequence += 1
        batch = self.unacknowledged[self.sequence] = self.outbox
        self.outbox = []
        return self.sequence, tuple(batch)

    def _launch(self, launch: Launch, task_id: str) -> None:
        if task_id in self.held or task_id in self.tombstones:
            return
        seconds, state = self.world.choose_outcome(launch)
        if state is TaskState.DROPPED:
            self._put(task_id, state)
            return
        if not launch.job.is_script:
            app_name = launch.app.app_name
            if app_name not in self.executors:
                self.executors[app_name] = 0
                self._tell(ExecutorStarted(app_name))
            self.executors[app_name] += 1
            self.executor_of[task_id] = app_name
        self.world.note_start(self, task_id, launch)
        self._put(task_id, TaskState.RUNNING)
        if launch.job.is_daemon and self.daemon_pause_ms is not None:
            self._execute_later(task_id, self.daemon_pause_ms)
        if seconds is not None:
            self.world.after(seconds * 1000, self._ender(task_id, state))

    def _execute_later(self, task_id: str, pause_ms: float) -> None:
        def execute() -> None:
            status = self.held.get(task_id)
            if not self.alive or status is None or status.state.is_terminal:
                return
            now_ms = self.world.now().wall_ms
            self._tell(TaskStatus(task_id, TaskState.RUNNING, now_ms, BEGIN))
            success = not self.world.raises(f"{task_id} at {now_ms}")
            execution = Execution(now_ms, now_ms + 1, success, summary="" if success else "it raised")
            self._tell(TaskStatus(task_id, TaskState.RUNNING, now_ms, COMPLETE, execution))
            self.world.after(pause_ms, execute)

        self.world.after(pause_ms, execute)

    def _ender(self, task_id: str, state: TaskState) -> Callable[[], None]:
        def end() -> None:
            frozen_ms = self.world.frozen_ms(self)
            if frozen_ms:
                self.world.after(frozen_ms, end)
                return
            self.end(task_id, state)

        return end

    def _kill(self, task_id: str, reason: str) -> None:
        status = self.held.get(task_id)
        if status is None:
            self.tombstones.add(task_id)
            self._put(task_id, TaskState.KILLED, reason)
        elif not status.state.is_terminal:
            self._end(task_id, TaskState.KILLED, reason)

    def _end(self, task_id: str, state: TaskState, message: str, exit_code: int | None = None) -> None:
        self.world.note_end(task_id)
        app_name = self.executor_of.pop(task_id, None)
        if app_name is not None:
            self.executors[app_name] -= 1
        self._put(task_id, state, message, exit_code)

    def _stop_executor(self, app_name: str) -> None:
        del self.executors[app_name]
        self._tell(ExecutorStopped(app_name))

    def _put(self, task_id: str, state: TaskState, message: str = "", exit_code: int | None = None) -> None:
        now_ms = self.world.now().wall_ms
        execution = None
        if state.is_terminal:
            success = state is TaskState.FINISHED and not self.world.raises(task_id)
            reason = "" if success else message or f"{task_id[-8:]} raised"
            execution = Execution(now_ms, now_ms, success, reason, reason, exit_code)
        status = TaskStatus(task_id, state, now_ms, message, execution)
        if state.is_terminal:
            self.world.note_word(status)
        self.held[task_id] = status
        self._tell(status)

    def _tell(self, event: AgentEvent) -> None:
        self.outbox.append(event)
        self.world.agent_has_news(self)


def raises_now_and_then(execution: str) -> bool:
    """Tell of one execution in eight that its job code raises, always of the same ones."""
    return zlib.crc32(execution.encode()) % 8 == 0
