"""On which days an expression fires: the rules of the two day fields, laid out over the kinds of years.

A year has one of 14 kinds: common or leap, and the weekday of its 1 January. A rule and a set of months
are expanded once to one bit mask of days for each kind, so that a search skips from fire to fire without
looking at the days between.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

from elasticjob_cloud.cron.fields import LAST_YEAR, YEAR

_SATURDAY = 7
_SUNDAY = 1
_WEEK = 7
_COMMON_YEAR = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LEAP_YEAR = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

YearCalendar = tuple[int, ...]
"""For each kind of year, a mask of its days that fire: bit 0 is 1 January."""


@dataclass(frozen=True, slots=True)
class Month:
    """The shape of a month: its length and the weekday of its first day (Quartz's: 1 is Sunday)."""

    length: int
    first_weekday: int

    def weekday(self, day: int) -> int:
        """Return the weekday of one of its days."""
        return (self.first_weekday + day - 2) % _WEEK + 1

    def first(self, weekday: int) -> int:
        """Return the first day that is such a weekday."""
        return (weekday - self.first_weekday) % _WEEK + 1

    def nearest_workday(self, day: int) -> int:
        """Return the Monday to Friday that is nearest to a day, without leaving the month."""
        if self.weekday(day) == _SATURDAY:
            return day - 1 if day > 1 else day + 2
        if self.weekday(day) == _SUNDAY:
            return day + 1 if day < self.length else day - 2
        return day


@dataclass(frozen=True, slots=True)
class ListedDays:
    """``1,15`` or ``*`` as day of month."""

    mask: int

    def days(self, month: Month) -> int:
        """Drop the days that a shorter month does not have."""
        return self.mask & ((2 << month.length) - 1)


@dataclass(frozen=True, slots=True)
class NearestWorkday:
    """``15W``: a month without that day is skipped."""

    day: int

    def days(self, month: Month) -> int:
        """Return the workday nearest to the day."""
        return 1 << month.nearest_workday(self.day) if self.day <= month.length else 0


@dataclass(frozen=True, slots=True)
class LastDay:
    """``L``, ``L-3``, ``LW`` and ``L-3W``: counted back from the end of the month."""

    days_before: int
    workday: bool

    def days(self, month: Month) -> int:
        """Return that day, or none in a month where it would be before the first.

        Quartz loops for ever over ``L-28W`` to ``L-30W`` from some starts; here they skip the month.
        """
        day = month.length - self.days_before
        if day < 1:
            return 0
        return 1 << (month.nearest_workday(day) if self.workday else day)


@dataclass(frozen=True, slots=True)
class ListedWeekdays:
    """``MON-FRI`` as day of week."""

    mask: int

    def days(self, month: Month) -> int:
        """Return the days on those weekdays."""
        return sum(1 << day for day in range(1, month.length + 1) if self.mask >> month.weekday(day) & 1)


@dataclass(frozen=True, slots=True)
class LastWeekday:
    """``6L``: the last Friday."""

    weekday: int

    def days(self, month: Month) -> int:
        """Return the last such weekday."""
        first = month.first(self.weekday)
        return 1 << (first + (month.length - first) // _WEEK * _WEEK)


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """``6#3``: the third Friday. A month without a fifth is skipped."""

    weekday: int
    nth: int

    def days(self, month: Month) -> int:
        """Return the nth such weekday, if the month has it."""
        day = month.first(self.weekday) + (self.nth - 1) * _WEEK
        return 1 << day if day <= month.length else 0


DayRule = ListedDays | NearestWorkday | LastDay | ListedWeekdays | LastWeekday | NthWeekday
"""What a day field says: given a month, the days of it that fire, as a mask whose bit 1 is the first."""


# The bound keeps hostile input from filling memory; in use are a few hundred rules at most.
@lru_cache(maxsize=1024)
def year_calendar(rule: DayRule, months: int) -> YearCalendar:
    """Lay a day rule and a mask of months (bit 1 is January) over each kind of year."""
    return tuple(
        _year_days(rule, months, lengths, new_year)
        for lengths in (_COMMON_YEAR, _LEAP_YEAR)
        for new_year in range(_WEEK)
    )


def _year_days(rule: DayRule, months: int, lengths: tuple[int, ...], new_year: int) -> int:
    mask = 0
    offset = 0
    for number, length in enumerate(lengths, start=1):
        if months >> number & 1:
            month = Month(length, (new_year + offset) % _WEEK + 1)
            mask |= rule.days(month) >> 1 << offset
        offset += length
    return mask


def _year_kind(year: int) -> int:
    new_year = dt.date(year, 1, 1)
    leap = (dt.date(year, 12, 31) - new_year).days == sum(_COMMON_YEAR)
    return leap * _WEEK + new_year.isoweekday() % _WEEK


# One year more than can fire at both ends: a search may begin there.
_TABLE_YEARS = range(YEAR.bit_0, LAST_YEAR + 2)
_NEW_YEARS = tuple(dt.date(year, 1, 1).toordinal() for year in _TABLE_YEARS)
_YEAR_KINDS = bytes(_year_kind(year) for year in _TABLE_YEARS)


def next_day(calendar: YearCalendar, years: int, day: dt.date, last_year: int) -> dt.date | None:
    """Return the first day that fires, at or after the given one.

    Args:
        calendar: The days of each kind of year.
        years: The mask of years, as `YEAR` counts its bits.
        day: Where to begin, from 1969 to 3000.
        last_year: The last year to look at.
    """
    first = day.year - YEAR.bit_0
    passed = day.toordinal() - _NEW_YEARS[first]
    for year in range(first, last_year - YEAR.bit_0 + 1):
        days = calendar[_YEAR_KINDS[year]] >> passed
        if days and years >> year & 1:
            return dt.date.fromordinal(_NEW_YEARS[year] + passed + lowest_bit(days))
        passed = 0
    return None


def lowest_bit(mask: int) -> int:
    """Return the position of the lowest bit that is set; -1 if none is."""
    return (mask & -mask).bit_length() - 1
