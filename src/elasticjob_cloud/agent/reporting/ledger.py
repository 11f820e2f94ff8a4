"""What an agent remembers of its tasks, and has to tell: states, events that wait for their acknowledgement, tombstones.

Nothing terminal is forgotten before the scheduler has committed it. This module knows nothing of processes.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

import msgspec

from elasticjob_cloud.agent.reporting.backlog import Backlog, shortened
from elasticjob_cloud.model.messages import AgentEvent, AgentEvents, ExecutorStopped, TaskStatus
from elasticjob_cloud.model.task import TaskState

# Ids of tasks that ended and were acknowledged, or were killed before they came: enough to refuse late launches.
_TOMBSTONES = 50_000
# So that a turn of the scheduler stays short, and what it has not taken up yet waits here, not in its memory.
_BATCH_EVENTS = 500
_WINDOW_EVENTS = 10_000


class Ledger:
    """The tasks that an agent holds, and the events that it still has to tell."""

    def __init__(
        self, agent_id: str, emit: Callable[[AgentEvents], None], backlog: Backlog | None = None
    ) -> None:
        self._agent_id = agent_id
        self._emit = emit
        # What is known last of each task that has not ended; of a running one, since when.
        self._live: dict[str, TaskStatus] = {}
        self._ended: dict[str, TaskStatus] = {}
        self._tombstones: OrderedDict[str, None] = OrderedDict()
        self._untold: list[AgentEvent] = []
        self._unacknowledged = Backlog() if backlog is None else backlog
        self._sequence = 0
        self._told = 0  # the last batch that was handed on
        self._open_events = 0  # in batches that were handed on and not acknowledged

    @property
    def live_count(self) -> int:
        """How many tasks are held that have not ended."""
        return len(self._live)

    def holds(self, task_id: str) -> bool:
        """Whether the task is known at all: live, ended, or refused by an earlier kill."""
        return task_id in self._live or task_id in self._ended or task_id in self._tombstones

    def is_live(self, task_id: str) -> bool:
        """Whether the task was taken and has not ended."""
        return task_id in self._live

    def accept(self, task_id: str) -> bool:
        """Take a new task as staging; False when it is known already, and so must not be started (promise 5)."""
        if self.holds(task_id):
            return False
        self._live[task_id] = TaskStatus(task_id, TaskState.STAGING, 0)
        return True

    def report(self, status: TaskStatus) -> bool:
        """Record a state and tell it; False, and nothing told, for a task that has ended already."""
        status, state = _sendable_status(status), status.state
        if state.is_terminal:
            if status.task_id in self._ended:
                return False
            self._live.pop(status.task_id, None)
            self._ended[status.task_id] = status
        elif (known := self._live.get(status.task_id)) is None:
            return False
        elif known.state is not state:
            # Without the message, which belongs to an event: a daemon task's BEGIN is told once.
            self._live[status.task_id] = TaskStatus(status.task_id, state, status.time_ms)
        self.tell(status)
        return True

    def report_now(self, task_id: str, state: TaskState, message: str = "") -> bool:
        """Report what a task has come to at this moment, by the wall clock."""
        return self.report(TaskStatus(task_id, state, time.time_ns() // 1_000_000, message))

    def tell(self, event: AgentEvent) -> None:
        """Tell an event with the batch of this turn of the loop."""
        if not self._untold:
            asyncio.get_running_loop().call_soon(self.flush)
        if isinstance(event, ExecutorStopped):
            event = ExecutorStopped(event.app_name, _sendable(event.message))
        self._untold.append(event)

    def flush(self) -> None:
        """Hand on the events that nobody was told, in batches; those that the scheduler has no room for yet wait."""
        self._close_batches()
        for batch in self._take_batches():
            self._emit(batch)

    def acknowledge(self, sequence: int) -> None:
        """Forget what the batches up to `sequence` told; ended tasks leave a tombstone."""
        forgotten = self._unacknowledged.acknowledge(sequence)
        # Where the backlog gave events up, fewer are acknowledged than were told.
        self._open_events = 0 if sequence >= self._told else max(0, self._open_events - len(forgotten))
        for event in forgotten:
            if isinstance(event, TaskStatus) and event.state.is_terminal:
                self._ended.pop(event.task_id, None)
                self._bury(event.task_id)
        self.flush()

    def adopt(self, statuses: Iterable[TaskStatus]) -> None:
        """Take over what a predecessor had still to tell."""
        for status in statuses:
            self._ended[status.task_id] = status
            self.tell(status)

    def statuses(self) -> tuple[TaskStatus, ...]:
        """Give a status for each task held, as an inventory shows them."""
        return (*self._live.values(), *self._ended.values())

    def ended_statuses(self) -> list[TaskStatus]:
        """Give the terminal statuses that nobody has acknowledged."""
        return list(self._ended.values())

    def unacknowledged(self) -> list[AgentEvents]:
        """Give the batches to send again after a reconnect, oldest first; more follow as they are acknowledged."""
        self._close_batches()
        self._told = self._open_events = 0
        return list(self._take_batches())

    def _close_batches(self) -> None:
        untold, self._untold = self._untold, []
        for first in range(0, len(untold), _BATCH_EVENTS):
            self._sequence += 1
            batch = AgentEvents(self._agent_id, self._sequence, tuple(untold[first : first + _BATCH_EVENTS]))
            if self._unacknowledged.add(batch):
                self._ended = {task_id: shortened(status) for task_id, status in self._ended.items()}

    def _take_batches(self) -> Iterator[AgentEvents]:
        # Looked up one by one: the receiver may acknowledge at once, and then more batches fit.
        while self._open_events < _WINDOW_EVENTS:
            batch = self._unacknowledged.next_after(self._told)
            if batch is None:
                return
            self._told = batch.sequence
            self._open_events += len(batch.events)
            yield batch

    def _bury(self, task_id: str) -> None:
        self._tombstones[task_id] = None
        while len(self._tombstones) > _TOMBSTONES:
            self._tombstones.popitem(last=False)


def _sendable_status(status: TaskStatus) -> TaskStatus:
    """Give a status that can be sent. A file name of bytes that are not UTF-8, for one, would spoil the whole batch."""
    execution = status.execution
    if status.message.isascii() and (
        execution is None or (execution.failure_cause.isascii() and execution.summary.isascii())
    ):
        return status  # nearly always
    if execution is not None:
        cause, summary = _sendable(execution.failure_cause), _sendable(execution.summary)
        execution = msgspec.structs.replace(execution, failure_cause=cause, summary=summary)
    return msgspec.structs.replace(status, message=_sendable(status.message), execution=execution)


def _sendable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
