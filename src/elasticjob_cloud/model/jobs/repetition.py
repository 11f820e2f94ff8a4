"""When a daemon task executes again, and which of its executions are recorded (semantics, "Transient and daemon jobs").

One rule for the agent's scripts and for the SDK. Standard library only.
"""

from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from elasticjob_cloud.model.errors import StartError

# The messages of the repeated `TASK_RUNNING` that tell where a daemon task is.
BEGIN: Final = "BEGIN"  # an execution has begun
COMPLETE: Final = "COMPLETE"  # it has ended, or the task waits for its first one
# The wall clock may be set while a task waits for a fire: it is read again after this time at the latest.
LONGEST_WAIT_SECONDS: Final = 30.0


class Repetition:
    """The executions of one daemon task. Reads no clock."""

    def __init__(self, next_fire_ms: Callable[[int], int | None], sampling_count: int) -> None:
        """Take what says when the task fires.

        Args:
            next_fire_ms: Gives the first fire after an instant, in milliseconds; None when there is none.
            sampling_count: N > 0: only every Nth execution is recorded; 0: all.
        """
        self._next_fire_ms = next_fire_ms
        self._sampling_count = max(0, sampling_count)
        self._executions = 0

    def next_fire_ms(self, after_ms: int) -> int | None:
        """Give the first fire after this instant; None when there is none."""
        return self._next_fire_ms(after_ms)

    def fires_between(self, after_ms: int, until_ms: int, limit: int) -> list[int]:
        """Give the fires after the one instant and up to the other, no more than `limit`."""
        fires: list[int] = []
        while len(fires) < limit:
            fire_ms = self._next_fire_ms(fires[-1] if fires else after_ms)
            if fire_ms is None or fire_ms > until_ms:
                break
            fires.append(fire_ms)
        return fires

    def count_execution(self) -> None:
        """Count an execution that is about to begin."""
        self._executions += 1

    @property
    def is_sampled(self) -> bool:
        """Whether the execution that was counted last is to be recorded."""
        return not self._sampling_count or self._executions % self._sampling_count == 0

    @property
    def unsampled_count(self) -> int:
        """How many were not recorded since the last one that was, with the present one if it is not (ElasticJob's count)."""
        if not self._sampling_count:
            return 0
        return self._sampling_count - 1 if self.is_sampled else self._executions % self._sampling_count


def zone_of(name: str) -> ZoneInfo:
    """Give the time zone of a job by its name; an empty one is UTC, for agents do not know the scheduler's default.

    Raises:
        StartError: This machine does not know it.
    """
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # `America` is a folder
        message = (
            f"timeZone: {name!r} is not known on this machine; the Python package tzdata brings all zones."
        )
        raise StartError(message) from error
