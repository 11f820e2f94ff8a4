"""What comes due at some time, one time for each key. Asking costs what is due, not what is waiting."""

import heapq
from collections.abc import Hashable, Iterator
from itertools import count
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_FEWEST_TO_COMPACT = 64


class Timers(Generic[_Key]):
    """Keys by the time at which they are due."""

    def __init__(self) -> None:
        self._due: dict[_Key, int] = {}
        self._heap: list[tuple[int, int, _Key]] = []
        self._sequence = count()

    def __contains__(self, key: _Key) -> bool:
        """Tell whether this key waits."""
        return key in self._due

    def set(self, key: _Key, due_ms: int) -> None:
        """Let this key be due then, and at no other time."""
        if self._due.get(key) == due_ms:
            return
        self._due[key] = due_ms
        heapq.heappush(self._heap, (due_ms, next(self._sequence), key))
        self._forget_the_cancelled()

    def cancel(self, key: _Key) -> None:
        """Let this key never be due."""
        if self._due.pop(key, None) is not None:
            self._forget_the_cancelled()

    def next_ms(self) -> int | None:
        """Give when the next key is due."""
        heap = self._heap
        while heap and self._due.get(heap[0][2]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now_ms: int, most: int) -> Iterator[_Key]:
        """Take out at most so many keys that are due, in order."""
        if not self._heap or self._heap[0][0] > now_ms:  # in nearly every turn
            return iter(())
        return self._pop_each(now_ms, most)

    def _pop_each(self, now_ms: int, most: int) -> Iterator[_Key]:
        for _ in range(most):
            due_ms = self.next_ms()
            if due_ms is None or due_ms > now_ms:
                return
            key = heapq.heappop(self._heap)[2]
            del self._due[key]
            yield key

    def _forget_the_cancelled(self) -> None:
        if len(self._heap) > _FEWEST_TO_COMPACT and len(self._heap) > 2 * len(self._due):
            self._heap = [(due_ms, next(self._sequence), key) for key, due_ms in self._due.items()]
            heapq.heapify(self._heap)
