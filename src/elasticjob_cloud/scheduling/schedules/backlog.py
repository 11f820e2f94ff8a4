"""Fires that came due and are not recorded yet. They are recorded in slices, so that no turn takes long."""

from collections import deque
from collections.abc import Iterable

DueFire = tuple[int, str]  # one due time of a job's cron


class Backlog:
    """Due times that wait to be recorded, and jobs whose missed fires are not counted yet.

    A job whose missed fires are not counted has no trigger: what comes due after `missed_until_ms` comes later. Its due
    times that wait here are older than its missed ones, and are recorded first, so that the record never goes back.
    """

    def __init__(self) -> None:
        self.missed_until_ms = 0
        self._due: deque[DueFire] = deque()
        self._due_of_job: dict[str, list[int]] = {}
        self._missed: deque[str] = deque()
        self._missed_after_ms: dict[str, int] = {}

    def __bool__(self) -> bool:
        """Tell whether anything is left to record."""
        return bool(self._due_of_job or self._missed_after_ms)

    def add_due(self, due_ms: int, job_names: Iterable[str]) -> None:
        """Let these jobs' fires wait."""
        due, due_of_job = self._due, self._due_of_job
        for job_name in job_names:
            due.append((due_ms, job_name))
            times = due_of_job.get(job_name)
            if times is None:
                due_of_job[job_name] = [due_ms]
            else:
                times.append(due_ms)

    def oldest_due_ms(self) -> int | None:
        """Give the due time that has waited longest; None where only missed fires are left."""
        return self._due[0][0] if self._due_of_job else None

    def pop_due(self, most: int) -> list[DueFire]:
        """Take so many of the fires that have waited longest."""
        due, due_of_job = self._due, self._due_of_job
        fires: list[DueFire] = []
        while due and len(fires) < most:
            fire = due.popleft()
            times = due_of_job.get(fire[1])
            if times is None or times[0] != fire[0]:
                continue  # it was taken with all of its job
            if len(times) == 1:
                del due_of_job[fire[1]]
            else:
                del times[0]
            fires.append(fire)
        return fires

    def pop_due_of(self, job_name: str) -> list[int]:
        """Take a job's due times, the oldest first."""
        return self._due_of_job.pop(job_name, [])

    def add_missed(self, job_name: str, after_ms: int) -> None:
        """Let a job's fires from this instant to `missed_until_ms` be counted."""
        if job_name not in self._missed_after_ms:
            self._missed_after_ms[job_name] = after_ms
            self._missed.append(job_name)

    def miss_nothing_after(self, now_ms: int) -> None:
        """Note that the clock was set back: what was to be counted beyond the present time is still to come."""
        self.missed_until_ms = min(self.missed_until_ms, now_ms)

    def missed_after_ms(self, job_name: str) -> int | None:
        """Give the instant after which a job's fires are still to be counted; None if none are."""
        return self._missed_after_ms.get(job_name)

    def next_missed(self) -> str | None:
        """Give the job whose missed fires are to be counted next; it stays."""
        while self._missed and self._missed[0] not in self._missed_after_ms:
            self._missed.popleft()
        return self._missed[0] if self._missed else None

    def prefer_missed(self, job_name: str) -> bool:
        """Let a job's missed fires be counted next; tell whether any are to be counted."""
        if job_name not in self._missed_after_ms:
            return False
        if self.next_missed() != job_name:
            self._missed.appendleft(job_name)
        return True

    def remove_missed(self, job_name: str) -> None:
        """Note that a job's missed fires are recorded."""
        self._missed_after_ms.pop(job_name, None)
