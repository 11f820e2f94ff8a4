"""The fires to come, in order, as the triggers have them now: a copy, which neither changes them nor follows them."""

import heapq
from collections.abc import Collection, Iterable
from itertools import count

from elasticjob_cloud.scheduling.schedules.trigger import Trigger

PlanEntry = tuple[int, int, Trigger]  # when it is due, and a number, so that triggers are never compared


class Plan:
    """Gives one due time after another. Each costs a step of a cron, however many jobs share it."""

    def __init__(self, heap: list[PlanEntry] | None = None) -> None:
        """Make the plan of a heap, which is the plan's own from now on; without one, of what is added."""
        self._heap = heap or []
        self._numbers = count(-1, -1)  # those of the heap are not negative

    def add(self, triggers: Iterable[Trigger]) -> None:
        """Take more fires in."""
        for trigger in triggers:
            heapq.heappush(self._heap, (trigger.next_ms, next(self._numbers), trigger))

    def next_fires(self) -> tuple[int, Collection[str]] | None:
        """Give the next due time and its jobs, and move on; None when nothing is due ever again."""
        heap = self._heap
        while heap:
            due_ms, number, trigger = heap[0]
            next_ms = trigger.cron.next_fire_ms(due_ms, trigger.zone) if trigger.jobs else None
            if next_ms is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (next_ms, number, trigger))
            if trigger.jobs:
                return due_ms, trigger.jobs
        return None
