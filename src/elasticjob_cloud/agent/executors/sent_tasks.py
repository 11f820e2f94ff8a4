"""The tasks that an app's executor has: their jobs, their timers, and why they are ended."""

import asyncio
from collections.abc import Iterator

from elasticjob_cloud.agent.reporting.ending import Ending
from elasticjob_cloud.model.jobs.job import JobConfiguration


class SentTask:
    """A task that the executor has."""

    __slots__ = ("ending", "job", "timer")

    def __init__(self, job: JobConfiguration) -> None:
        self.job = job
        self.ending: Ending | None = None  # why it is ended, once it is
        self.timer: asyncio.TimerHandle | None = None  # its timeout, or the grace of its kill


class SentTasks:
    """All tasks that one executor has, by their ids."""

    def __init__(self) -> None:
        self._tasks: dict[str, SentTask] = {}
        self._memory_mb = 0.0

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def values(self) -> list[SentTask]:
        """Give all tasks as they are now."""
        return list(self._tasks.values())

    def items(self) -> list[tuple[str, SentTask]]:
        """Give all tasks as they are now, with their ids."""
        return list(self._tasks.items())

    @property
    def memory_mb(self) -> float:
        """How much memory they may use together."""
        return self._memory_mb

    def get(self, task_id: str) -> SentTask | None:
        """Give a task; None when the executor does not have it."""
        return self._tasks.get(task_id)

    def add(self, task_id: str, job: JobConfiguration) -> None:
        """Note that the executor is sent a task."""
        self._tasks[task_id] = SentTask(job)
        self._memory_mb += job.memory_mb

    def remove(self, task_id: str) -> None:
        """Forget a task that has ended."""
        sent = self._tasks.pop(task_id)
        if sent.timer is not None:
            sent.timer.cancel()
        # Sums of fractions drift.
        self._memory_mb = self._memory_mb - sent.job.memory_mb if self._tasks else 0.0

    def clear(self) -> None:
        """Forget all."""
        for task_id in list(self._tasks):
            self.remove(task_id)
