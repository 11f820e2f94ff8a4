"""When jobs are due: jobs with equal cron and zone share one trigger, and a tick costs what is due, not what is registered."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import count, islice
from zoneinfo import ZoneInfo

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.scheduling.schedules.plan import Plan
from elasticjob_cloud.scheduling.schedules.trigger import Trigger


class Triggers:
    """All triggers, in the order in which they are due."""

    def __init__(self) -> None:
        self._by_due: dict[tuple[int, str, str], Trigger] = {}
        self._of_job: dict[str, Trigger] = {}
        self._heap: list[tuple[int, int, Trigger]] = []
        self._sequence = count()
        self._emptied = 0

    def add(self, job_name: str, cron: CronExpression, zone: ZoneInfo, after_ms: int) -> None:
        """Schedule a job: its first fire is the first one of the cron after this instant. None there: no trigger."""
        self.add_at(job_name, cron, zone, cron.next_fire_ms(after_ms, zone))

    def add_at(self, job_name: str, cron: CronExpression, zone: ZoneInfo, next_ms: int | None) -> None:
        """Schedule a job whose first fire is known. None: it never fires, and has no trigger."""
        self.remove(job_name)
        if next_ms is not None:
            trigger = self._trigger(cron, zone, next_ms)
            trigger.jobs[job_name] = None
            self._of_job[job_name] = trigger

    def remove(self, job_name: str) -> None:
        """Take a job out of the schedule, if it is in."""
        trigger = self._of_job.pop(job_name, None)
        if trigger is not None:
            del trigger.jobs[job_name]
            if not trigger.jobs:
                self._retire(trigger)
                self._forget_the_empty()

    def next_due_ms(self) -> int | None:
        """Give when the next trigger is due."""
        while self._heap and not self._heap[0][2].jobs:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def next_fire_ms(self, job_name: str) -> int | None:
        """Give when a job is due next; None: never, or it is in no schedule."""
        trigger = self._of_job.get(job_name)
        return None if trigger is None else trigger.next_ms

    def upcoming(self, limit: int) -> list[tuple[int, str]]:
        """Give the next fires, at most so many: when, and of which job. A walk from the heap's top, which leaves it as it is."""
        found: list[tuple[int, str]] = []
        places = [(self._heap[0][:2], 0)] if self._heap else []
        while places and len(found) < limit:
            _, place = heapq.heappop(places)
            trigger = self._heap[place][2]
            found += [(trigger.next_ms, job_name) for job_name in islice(trigger.jobs, limit - len(found))]
            for child in (2 * place + 1, 2 * place + 2):
                if child < len(self._heap):
                    heapq.heappush(places, (self._heap[child][:2], child))
        return found

    def plan(self) -> Plan:
        """Give all fires to come. It costs a copy of the heap."""
        return Plan(self._heap.copy())

    def of_jobs(self, job_names: Iterable[str]) -> list[Trigger]:
        """Give triggers of these jobs alone, for a plan."""
        chosen: dict[Trigger, Trigger] = {}
        for job_name in job_names:
            trigger = self._of_job.get(job_name)
            if trigger is None:
                continue
            if trigger not in chosen:
                chosen[trigger] = Trigger(trigger.cron, trigger.zone, trigger.next_ms)
            chosen[trigger].jobs[job_name] = None
        return list(chosen.values())

    def pop_due(self, now_ms: int) -> Iterator[tuple[int, list[str]]]:
        """Give each due time up to now with its jobs, in order, and move the triggers on."""
        while (due_ms := self.next_due_ms()) is not None and due_ms <= now_ms:
            trigger = heapq.heappop(self._heap)[2]
            yield due_ms, list(trigger.jobs)
            self._move_on(trigger, due_ms)

    def take_due(self, until_ms: int) -> Iterator[tuple[int, list[str]]]:
        """Give each due time up to then with its jobs, in order, and take the jobs out of the schedule."""
        while (due_ms := self.next_due_ms()) is not None and due_ms <= until_ms:
            trigger = heapq.heappop(self._heap)[2]
            self._retire(trigger)
            for job_name in trigger.jobs:
                del self._of_job[job_name]
            yield due_ms, list(trigger.jobs)

    def _move_on(self, trigger: Trigger, after_ms: int) -> None:
        self._retire(trigger)
        next_ms = trigger.cron.next_fire_ms(after_ms, trigger.zone)
        if next_ms is None:
            for job_name in trigger.jobs:
                del self._of_job[job_name]
            return
        key = (next_ms, trigger.cron.text, trigger.zone.key)
        other = self._by_due.get(key)
        if other is None:
            trigger.next_ms = next_ms
            self._keep(trigger)
        else:
            other.jobs.update(trigger.jobs)
            self._of_job.update(dict.fromkeys(trigger.jobs, other))

    def _trigger(self, cron: CronExpression, zone: ZoneInfo, next_ms: int) -> Trigger:
        trigger = self._by_due.get((next_ms, cron.text, zone.key))
        if trigger is None:
            trigger = Trigger(cron, zone, next_ms)
            self._keep(trigger)
        return trigger

    def _keep(self, trigger: Trigger) -> None:
        self._by_due[trigger.next_ms, trigger.cron.text, trigger.zone.key] = trigger
        heapq.heappush(self._heap, (trigger.next_ms, next(self._sequence), trigger))

    def _forget_the_empty(self) -> None:
        # They would go when they are due, which may be in years.
        self._emptied += 1
        if self._emptied > 100 and self._emptied > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if entry[2].jobs]
            heapq.heapify(self._heap)
            self._emptied = 0

    def _retire(self, trigger: Trigger) -> None:
        self._by_due.pop((trigger.next_ms, trigger.cron.text, trigger.zone.key), None)
