"""What is counted over time (api.md, `GET /job/statistics/...`). Times are epoch milliseconds; intervals are UTC's."""

from enum import StrEnum

import msgspec


class StatisticInterval(StrEnum):
    """How long an interval of results is."""

    MINUTE = "MINUTE"
    HOUR = "HOUR"
    DAY = "DAY"

    @property
    def milliseconds(self) -> int:
        """The length."""
        return _MILLISECONDS[self]

    def start_ms(self, time_ms: int) -> int:
        """Give when the interval began that this moment is in."""
        return time_ms - time_ms % self.milliseconds


class StatisticsPeriod(StrEnum):
    """What results may be asked for as one sum, under the names of the API. The first two end with the last minute."""

    ONLINE = "online"  # all that is known
    LAST_WEEK = "lastWeek"  # today and the seven days before
    LAST_HOUR = "lastHour"  # the last full hour
    LAST_MINUTE = "lastMinute"  # the last full minute


_MILLISECONDS = {
    StatisticInterval.MINUTE: 60_000,
    StatisticInterval.HOUR: 3_600_000,
    StatisticInterval.DAY: 86_400_000,
}


class TaskResultStatistics(msgspec.Struct, frozen=True):
    """How many tasks ended in an interval that began at `statistics_ms`, or, where it is a sum, since then.

    FINISHED is a success, unless job code raised; FAILED, ERROR and LOST are failures; KILLED and DROPPED are neither:
    somebody asked for the one, and the other never began. Each execution of a daemon job counts too.
    """

    success_count: int
    failed_count: int
    statistic_interval: StatisticInterval
    statistics_ms: int


class RunCounts(msgspec.Struct, frozen=True):
    """How many runs ended so, by the rule of `model/results.py`. Each execution of a daemon job counts like a run."""

    succeeded: int
    failed: int


class RunningStatistics(msgspec.Struct, frozen=True):
    """How many tasks or jobs ran in the minute that began at `statistics_ms`."""

    running_count: int
    statistics_ms: int


class JobRegisterStatistics(msgspec.Struct, frozen=True):
    """How many jobs were registered on the day that began at `statistics_ms`, when it was last looked at."""

    registered_count: int
    statistics_ms: int


class JobExecutionTypeStatistics(msgspec.Struct, frozen=True):
    """How many jobs of each kind are registered."""

    transient_job_count: int
    daemon_job_count: int


class StatisticsSample(msgspec.Struct, frozen=True):
    """What a leader has at one moment."""

    running_task_count: int
    running_job_count: int
    registered_job_count: int
