"""Who is next: the ready queue (jobs whose oldest fire can start) and the failover queue.

Both hold what is due in order, and set aside what found no room until room is freed, so that a turn costs what can
change in it. Entries that are no longer true are thrown away when they come up.
"""

import heapq
from collections.abc import Callable

from elasticjob_cloud.model.records import FailoverRecord, FireRecord

_ReadyEntry = tuple[int, int, str]  # due_ms, fire_id, job_name


class ReadyQueue:
    """Jobs whose next fire can start as soon as there is room, oldest fire first (promise 11)."""

    def __init__(self) -> None:
        self._heap: list[_ReadyEntry] = []
        self._set_aside: list[_ReadyEntry] = []

    def push(self, fire: FireRecord) -> None:
        """Let this fire start."""
        heapq.heappush(self._heap, (fire.due_ms, fire.fire_id, fire.job_name))

    def pop(self) -> _ReadyEntry | None:
        """Take the oldest, or None."""
        return heapq.heappop(self._heap) if self._heap else None

    def set_aside(self, entry: _ReadyEntry) -> None:
        """Keep one that found no room until `room_freed`."""
        self._set_aside.append(entry)

    def room_freed(self) -> None:
        """Let all that were set aside try again."""
        if self._set_aside:
            self._heap.extend(self._set_aside)
            self._set_aside.clear()
            heapq.heapify(self._heap)


class RetryQueue:
    """Shards that wait to be started again, by the time from which they may be."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int]] = []  # due_ms, fire_id, item
        self._set_aside: list[tuple[int, int, int]] = []

    def push(self, failover: FailoverRecord) -> None:
        """Let this shard start from its `due_ms` on."""
        heapq.heappush(self._heap, (failover.due_ms, failover.fire_id, failover.item))

    def pop_due(self, now_ms: int) -> tuple[int, int, int] | None:
        """Take one that may start now, or None."""
        if self._heap and self._heap[0][0] <= now_ms:
            return heapq.heappop(self._heap)
        return None

    def set_aside(self, entry: tuple[int, int, int]) -> None:
        """Keep one that found no room until `room_freed`."""
        self._set_aside.append(entry)

    def room_freed(self) -> None:
        """Let all that were set aside try again."""
        for entry in self._set_aside:
            heapq.heappush(self._heap, entry)
        self._set_aside.clear()

    def next_due_ms(self, is_true: Callable[[int, int], bool]) -> int | None:
        """Give when the first shard that is still waiting may start."""
        while self._heap and not is_true(self._heap[0][1], self._heap[0][2]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
