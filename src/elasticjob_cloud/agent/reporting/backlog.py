"""What an agent has told and nobody has committed: bounded in events and in bytes, whatever job code says.

Beyond a bound the least is given up first: progress, then failed executions of daemon tasks, then the middle of long
texts. That a task ended is never given up.
"""

import functools
import sys
from collections import deque
from collections.abc import Callable, Iterator

import msgspec
import structlog

from elasticjob_cloud.model.messages import AgentEvent, AgentEvents, TaskStatus
from elasticjob_cloud.model.output.excerpt import excerpt

_log = structlog.get_logger(__name__)
_EVENTS_KEPT = 200_000
_BYTES_KEPT = 128 << 20
_EVENT_BYTES = 400  # without its texts
_SHORT_CHARACTERS = 500
_GROWTH = 1.25  # after which a backlog that could not be made small enough is looked through again


class Backlog:
    """Batches in the order in which they were told, until they are acknowledged."""

    def __init__(self, events_kept: int = _EVENTS_KEPT, bytes_kept: int = _BYTES_KEPT) -> None:
        self._limits = (events_kept, bytes_kept)
        self._thresholds: tuple[float, float] = self._limits
        self._batches: deque[AgentEvents] = deque()
        self._events = 0
        self._bytes = 0

    def __iter__(self) -> Iterator[AgentEvents]:
        return iter(self._batches)

    def next_after(self, sequence: int) -> AgentEvents | None:
        """Give the batch that comes after this one, if there is one."""
        if not self._batches:
            return None
        index = max(0, sequence - self._batches[0].sequence + 1)
        return self._batches[index] if index < len(self._batches) else None

    def add(self, batch: AgentEvents) -> bool:
        """Keep a batch; True where texts were shortened to make room."""
        self._batches.append(batch)
        self._count(batch, 1)
        if self._events <= self._thresholds[0] and self._bytes <= self._thresholds[1]:
            return False
        return self._make_room()

    def acknowledge(self, sequence: int) -> list[AgentEvent]:
        """Forget the batches up to this one; give what they told."""
        told: list[AgentEvent] = []
        while self._batches and self._batches[0].sequence <= sequence:
            batch = self._batches.popleft()
            self._count(batch, -1)
            told += batch.events
        if not self._batches:
            self._thresholds = self._limits
        return told

    def _count(self, batch: AgentEvents, sign: int) -> None:
        self._events += sign * len(batch.events)
        self._bytes += sign * sum(map(_size_of, batch.events))

    def _make_room(self) -> bool:
        _log.warning("Nobody takes what is told: some of it is given up.", events=self._events)
        for is_kept in (_is_no_mere_progress, _is_no_progress):
            if self._is_over():
                self._rewrite(functools.partial(_only, is_kept))
        is_over = self._is_over()
        if is_over:
            self._rewrite(lambda events: tuple(map(_shortened_event, events)))
        events, bytes_ = self._limits
        self._thresholds = (max(events, self._events * _GROWTH), max(bytes_, self._bytes * _GROWTH))
        return is_over

    def _is_over(self) -> bool:
        return self._events > self._limits[0] or self._bytes > self._limits[1]

    def _rewrite(self, change: Callable[[tuple[AgentEvent, ...]], tuple[AgentEvent, ...]]) -> None:
        batches = [AgentEvents(it.agent_id, it.sequence, change(it.events)) for it in self._batches]
        self._batches = deque(batches)
        self._events = self._bytes = 0
        for batch in batches:
            self._count(batch, 1)


def shortened(status: TaskStatus) -> TaskStatus:
    """Give a status with its texts cut to what a person needs. A summary is short as it is."""
    execution = status.execution
    if execution is not None and len(execution.failure_cause) > _SHORT_CHARACTERS:
        cause = excerpt(execution.failure_cause, _SHORT_CHARACTERS)
        execution = msgspec.structs.replace(execution, failure_cause=cause)
    message = excerpt(status.message, _SHORT_CHARACTERS)
    return msgspec.structs.replace(status, message=message, execution=execution)


def _shortened_event(event: AgentEvent) -> AgentEvent:
    return shortened(event) if isinstance(event, TaskStatus) else event


def _only(is_kept: Callable[[AgentEvent], bool], events: tuple[AgentEvent, ...]) -> tuple[AgentEvent, ...]:
    return tuple(event for event in events if is_kept(event))


def _size_of(event: AgentEvent) -> int:
    if not isinstance(event, TaskStatus):
        return _EVENT_BYTES
    size = _EVENT_BYTES + sys.getsizeof(event.message)
    if event.execution is not None:
        size += sys.getsizeof(event.execution.failure_cause) + sys.getsizeof(event.execution.summary)
    return size


def _is_no_progress(event: AgentEvent) -> bool:
    return not isinstance(event, TaskStatus) or event.state.is_terminal


def _is_no_mere_progress(event: AgentEvent) -> bool:
    if _is_no_progress(event):
        return True
    execution = event.execution if isinstance(event, TaskStatus) else None
    return execution is not None and not execution.success
