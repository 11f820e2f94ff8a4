"""A Quartz cron expression and its fires."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import repeat
from zoneinfo import ZoneInfo

from elasticjob_cloud.cron.days import lowest_bit, next_day
from elasticjob_cloud.cron.fields import FIRST_YEAR, LAST_YEAR
from elasticjob_cloud.cron.parse import Plan, parse_plan
from elasticjob_cloud.cron.weekdays import numbered_weekdays
from elasticjob_cloud.cron.zones import end_of_gap, instant, search_start

_SECOND_MS = 1000
_HORIZON_YEARS = 100
_ONE_DAY = dt.timedelta(days=1)
# No fire lies outside, and datetime cannot hold every integer. Local time is at most a day off UTC.
_FIRST_SECOND = int(dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC).timestamp()) - 86_400
_LAST_SECOND = int(dt.datetime(LAST_YEAR + 1, 1, 1, tzinfo=dt.UTC).timestamp()) + 86_400


@dataclass(frozen=True, slots=True)
class CronExpression:
    """When a job fires: an expression in Quartz's grammar, read and ready to search.

    Made by `parse`. Expressions are equal when their texts are; they never change and may be shared.

    Attributes:
        text: The expression as it was written.
    """

    text: str
    _plan: Plan = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> CronExpression:
        """Read an expression of six or seven fields.

        They are second, minute, hour, day of month, month, day of week, and the year if you like. The
        grammar is that of Quartz 2.3.2 as its manual has it. What only Quartz's parser lets pass by
        accident, such as ``MON-FRI/2`` with its step ignored, is refused.

        Args:
            text: The expression. Names in any case; fields separated by spaces and tabs.

        Returns:
            The expression. It may never fire (30 February): then `next_fire_ms` returns None from the start.

        Raises:
            InvalidCronError: If the text is no such expression. The message names the field, and says
                what to write where that can be known.
        """
        return _parse(text)

    @property
    def numbered_weekdays(self) -> tuple[str, str] | None:
        """The day of week field and its meaning in names: ``1-5`` is ``SUN-THU``. None when it has no numbers."""
        return numbered_weekdays(self.text)

    def next_fire_ms(self, after_ms: int, zone: ZoneInfo) -> int | None:
        """Return the first fire strictly after an instant.

        The fires are those of Quartz: a wall-clock time that a clock change skips does not fire, one that it
        repeats fires in the second pass only. Wherever the search begins, it finds the first of them that is
        still to come. Quartz does not: from within the first pass of an overlap it begins at the wall clock's
        reading, and passes over the earlier times of the second pass (docs/cron.md).

        Args:
            after_ms: The instant, in epoch milliseconds. Fires before 1970 do not exist.
            zone: The time zone of the fields.

        Returns:
            The fire in epoch milliseconds, or None when none is left: none within a hundred calendar years of
            the instant, or none before the year 3000.
        """
        second = max(after_ms // _SECOND_MS + 1, _FIRST_SECOND)
        if second >= _LAST_SECOND:
            return None
        start = search_start(second, zone)
        last_year = min(start.year + _HORIZON_YEARS, LAST_YEAR)
        wall = self._next_wall(start, last_year)
        while wall is not None:
            fire = instant(wall, zone)
            if fire is not None:
                return fire * _SECOND_MS
            # A gap may be an hour of matches that do not exist: leave it in one step.
            wall = self._next_wall(end_of_gap(wall, zone), last_year)
        return None

    def fires_ms(
        self, after_ms: int, zone: ZoneInfo, *, until_ms: int | None = None, count: int | None = None
    ) -> Iterator[int]:
        """Yield the fires after an instant in order, each as `next_fire_ms` of the one before.

        Args:
            after_ms: The instant to begin after, in epoch milliseconds.
            zone: The time zone of the fields.
            until_ms: The last instant that may be yielded.
            count: How many to yield at most.

        Yields:
            Fires in epoch milliseconds.
        """
        for _ in repeat(None) if count is None else repeat(None, count):
            fire = self.next_fire_ms(after_ms, zone)
            if fire is None or (until_ms is not None and fire > until_ms):
                return
            yield fire
            after_ms = fire

    def next_fires(self, after_ms: int, zone: ZoneInfo, count: int) -> list[dt.datetime]:
        """Give the next fires after an instant (epoch milliseconds) as local times; fewer than `count` when they end."""
        return [
            dt.datetime.fromtimestamp(fire // _SECOND_MS, zone)
            for fire in self.fires_ms(after_ms, zone, count=count)
        ]

    def fires_within_hour(self, first_ms: int, last_ms: int) -> tuple[int, int]:
        """Count the fires of a part of an hour that it matches, and that no clock change touches.

        Args:
            first_ms: The first fire of that part, in milliseconds after the hour.
            last_ms: The end of that part, included.

        Returns:
            The number of fires, and how many milliseconds after the hour the last of them is.
        """
        minute, second = divmod(min(last_ms // _SECOND_MS, 3599), 60)
        plan = self._plan
        seconds = plan.seconds & (2 << second) - 1 if plan.minutes >> minute & 1 else 0
        if not seconds:
            minute = (plan.minutes & (1 << minute) - 1).bit_length() - 1
            seconds = plan.seconds
        count = self._fires_before(minute) + seconds.bit_count()
        first_minute, first_second = divmod(first_ms // _SECOND_MS, 60)
        count -= self._fires_before(first_minute) + (plan.seconds & (1 << first_second) - 1).bit_count()
        return count, (minute * 60 + seconds.bit_length() - 1) * _SECOND_MS

    def _fires_before(self, minute: int) -> int:
        return (self._plan.minutes & (1 << minute) - 1).bit_count() * self._plan.seconds.bit_count()

    def _next_wall(self, start: dt.datetime, last_year: int) -> dt.datetime | None:
        """Return the first wall-clock time that matches, at or after the start, whether it exists or not."""
        plan, today = self._plan, start.date()
        day = next_day(plan.calendar, plan.years, today, last_year)
        if day == today:
            time = self._next_time(start.hour, start.minute, start.second)
            if time is not None:
                return dt.datetime.combine(day, time)
            day = next_day(plan.calendar, plan.years, today + _ONE_DAY, last_year)
        if day is None:
            return None
        first_time = dt.time(lowest_bit(plan.hours), lowest_bit(plan.minutes), lowest_bit(plan.seconds))
        return dt.datetime.combine(day, first_time)

    def _next_time(self, hour: int, minute: int, second: int) -> dt.time | None:
        """Return the first matching time of day, at or after the given one; None if the day has no more."""
        plan = self._plan
        if plan.hours >> hour & 1:
            if plan.minutes >> minute & 1 and (seconds := plan.seconds >> second):
                return dt.time(hour, minute, second + lowest_bit(seconds))
            if minutes := plan.minutes >> minute + 1:
                return dt.time(hour, minute + 1 + lowest_bit(minutes), lowest_bit(plan.seconds))
        if hours := plan.hours >> hour + 1:
            return dt.time(hour + 1 + lowest_bit(hours), lowest_bit(plan.minutes), lowest_bit(plan.seconds))
        return None


# Jobs often share an expression. The bound keeps texts that are used once from piling up.
@lru_cache(maxsize=16_384)
def _parse(text: str) -> CronExpression:
    return CronExpression(text, parse_plan(text))
