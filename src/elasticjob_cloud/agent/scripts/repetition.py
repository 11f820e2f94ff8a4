"""When a daemon script runs again, and which of its executions are told (semantics, "Transient and daemon jobs")."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from elasticjob_cloud.cron import CronExpression, InvalidCronError
from elasticjob_cloud.model.errors import StartError


class Repetition:
    """The executions of one daemon task. Reads no clock."""

    def __init__(self, cron: str, time_zone: str, sampling_count: int) -> None:
        """Read the job's cron and zone; an empty zone is UTC.

        Args:
            cron: The job's cron.
            time_zone: Of the job; the scheduler's default zone is not known to agents.
            sampling_count: N > 0: only every Nth execution is told; 0: all.

        Raises:
            StartError: one of them is none.
        """
        try:
            self._expression = CronExpression.parse(cron)
            self._zone = ZoneInfo(time_zone or "UTC")
        except InvalidCronError as error:
            raise StartError(f"cron: {error}") from error
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise StartError(f"timeZone: {time_zone!r} is not known on this machine.") from error
        self._sampling_count = max(0, sampling_count)
        self._executions = 0

    def next_fire_ms(self, after_ms: int) -> int | None:
        """Give the next fire after this instant; None when there will be none."""
        return self._expression.next_fire_ms(after_ms, self._zone)

    def fires_between(self, after_ms: int, until_ms: int, limit: int) -> list[int]:
        """Give the fires after the one instant and up to the other, no more than `limit`."""
        fires: list[int] = []
        while len(fires) < limit:
            fire_ms = self.next_fire_ms(fires[-1] if fires else after_ms)
            if fire_ms is None or fire_ms > until_ms:
                break
            fires.append(fire_ms)
        return fires

    def count_execution(self) -> None:
        """An execution is about to begin."""
        self._executions += 1

    @property
    def is_sampled(self) -> bool:
        """Whether the execution that was counted last is to be told."""
        return not self._sampling_count or self._executions % self._sampling_count == 0

    @property
    def unsampled_count(self) -> int:
        """How many were not told since the last one that was, the present one included when it is not (ElasticJob's count)."""
        if not self._sampling_count:
            return 0
        return self._sampling_count - 1 if self.is_sampled else self._executions % self._sampling_count
