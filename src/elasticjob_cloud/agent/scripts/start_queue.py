"""Which script is started next, and when: fair among runs, and no more fresh processes than the machine can digest.

A process costs most while it starts. Two thousand that start together take three times as long as eight at a time; two
thousand that sleep cost next to nothing. So what is bounded tightly is how many *fresh* processes there are: started,
neither ended nor as old as `fresh_seconds`.
"""

from collections import deque
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


class StartQueue(Generic[Item]):
    """Items in groups, of which each gives one in turn, so that a large run holds up no small one (promise 11).

    Args:
        fresh_limit: How many fresh ones there may be.
        fresh_seconds: For how long one is fresh, if it does not end before.
        running_limit: How many there may be that have not ended.
    """

    def __init__(self, fresh_limit: int, fresh_seconds: float, running_limit: int) -> None:
        self._fresh_limit = fresh_limit
        self._fresh_seconds = fresh_seconds
        self._running_limit = running_limit
        self._groups: deque[deque[Item]] = deque()
        # Oldest first, with the time of their start.
        self._fresh: dict[Item, float] = {}
        self._running: set[Item] = set()

    def __bool__(self) -> bool:
        """Whether any item waits."""
        return bool(self._groups)

    def add(self, items: Iterable[Item]) -> None:
        """Put a group at the end of the round."""
        group = deque(items)
        if group:
            self._groups.append(group)

    def next(self, now: float) -> Item | None:
        """Take the next item, which counts as running and fresh from now on; None when there is no room, or no item."""
        self._ripen(now)
        if not self._groups or len(self._running) >= self._running_limit:
            return None
        if len(self._fresh) >= self._fresh_limit:
            return None
        group = self._groups.popleft()
        item = group.popleft()
        if group:
            self._groups.append(group)
        self._running.add(item)
        self._fresh[item] = now
        return item

    def ended(self, item: Item) -> None:
        """Give back the room of an item that was taken."""
        self._running.discard(item)
        self._fresh.pop(item, None)

    def retry_seconds(self, now: float) -> float | None:
        """Say after what time there is room without any item's end; None when only an end makes room, or none waits."""
        self._ripen(now)
        if not self._groups or len(self._running) >= self._running_limit:
            return None
        if len(self._fresh) < self._fresh_limit:
            return 0.0
        oldest = next(iter(self._fresh.values()))
        return max(0.0, oldest + self._fresh_seconds - now)

    def _ripen(self, now: float) -> None:
        while self._fresh:
            item, started = next(iter(self._fresh.items()))
            if now - started < self._fresh_seconds:
                break
            del self._fresh[item]
