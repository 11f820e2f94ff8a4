"""Who is next: the ready queue (jobs whose oldest fire can start) and the failover queue.

What found no room is not tried again until room is freed. Entries that are no longer true are thrown away when they
come up.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

from elasticjob_cloud.model.records import FailoverKey, FailoverRecord, FireRecord
from elasticjob_cloud.scheduling.placement.demand import Demand


class ReadyEntry(NamedTuple):
    """A fire that can start, in the order in which fires start: oldest first (promise 11)."""

    due_ms: int
    fire_id: int
    job_name: str


class ReadyQueue:
    """Fires that can start as soon as there is room, sorted by what they ask for.

    Where one finds no room, none that asks for the same does; so a turn costs the number of different demands, not the
    number of jobs that wait.
    """

    def __init__(self) -> None:
        self._fires: dict[Demand, list[ReadyEntry]] = {}
        self._blocked: set[Demand] = set()
        self._heads: list[
            tuple[ReadyEntry, int, Demand]
        ] = []  # the oldest of each kind, while fires are offered
        self._count = itertools.count()

    def push(self, fire: FireRecord, demand: Demand) -> None:
        """Let this fire start."""
        entry = ReadyEntry(fire.due_ms, fire.fire_id, fire.job_name)
        heapq.heappush(self._fires.setdefault(demand, []), entry)
        self._offer(demand)

    def start_oldest(self, start: Callable[[ReadyEntry, Demand], bool]) -> None:
        """Offer each fire to `start`, oldest first; it answers False where there was no room."""
        while self._heads:
            entry, _, demand = heapq.heappop(self._heads)
            fires = self._fires.get(demand)
            if fires is None or fires[0] != entry or demand in self._blocked:
                continue  # an older one of its kind came, or there is no room for its kind
            if not start(entry, demand):
                self._blocked.add(demand)
                continue
            heapq.heappop(fires)
            if fires:
                self._offer(demand)
            else:
                del self._fires[demand]

    def _offer(self, demand: Demand) -> None:
        heapq.heappush(self._heads, (self._fires[demand][0], next(self._count), demand))

    def room_freed(self) -> None:
        """Let all that found no room try again."""
        if self._blocked:
            blocked, self._blocked = self._blocked, set()
            for demand in blocked:
                self._offer(demand)


class RetryQueue:
    """Shards that wait to be started again, by the time from which they may be.

    Those of a run ask for the same: where one finds no room, the others wait behind it. So a turn costs the number of
    runs that wait, not the number of their shards.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int]] = []  # due_ms, fire_id, item
        self._set_aside: dict[int, list[tuple[int, int, int]]] = {}  # by fire, as heaps
        self._blocked: set[int] = set()  # fires of which none was offered again since one found no room

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
        heapq.heappush(self._set_aside.setdefault(entry[1], []), entry)
        self._blocked.add(entry[1])

    def room_freed(self) -> None:
        """Let one shard of each run that was set aside try again."""
        if self._blocked:
            blocked, self._blocked = self._blocked, set()
            for fire_id in blocked:
                self.offer_next(fire_id)

    def clear(self) -> None:
        """Forget all shards."""
        self._heap.clear()
        self._set_aside.clear()
        self._blocked.clear()

    def offer_next(self, fire_id: int) -> None:
        """Let the next shard of a run try too: the one that was tried has found room, or waits no more."""
        waiting = self._set_aside.get(fire_id)
        if waiting is not None:
            heapq.heappush(self._heap, heapq.heappop(waiting))
            if not waiting:
                del self._set_aside[fire_id]

    def without_room(self) -> Iterator[FailoverKey]:
        """Give the shards that were set aside; some of them may wait no more."""
        return ((fire_id, item) for waiting in self._set_aside.values() for _, fire_id, item in waiting)

    def next_due_ms(self, is_true: Callable[[int, int], bool]) -> int | None:
        """Give when the first shard that is still waiting may start."""
        while self._heap and not is_true(self._heap[0][1], self._heap[0][2]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
