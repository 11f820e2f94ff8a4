"""From the five fields of a Unix crontab to Quartz lines, for messages."""

from __future__ import annotations

import re

_CRONTAB_FIELDS = 5
# From Monday on, so that a working week and a weekend are one range each.
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_SUNDAY = 7
_ITEM = re.compile(r"(?:\*|([0-7]|[A-Z]{3})(?:-([0-7]|[A-Z]{3}))?)(?:/([1-7]))?")
_SHORTEST_RANGE = 3


def quartz_lines(fields: list[str]) -> list[str]:
    """Give the Quartz lines that fire as a crontab's five fields do; none where there are no such lines.

    A crontab that sets both day fields fires on the days of either: these are two jobs.
    """
    if len(fields) != _CRONTAB_FIELDS:
        return []
    minute, hour, day, month, weekday = ("*" if field == "?" else field for field in fields)
    weekdays = _weekday_names(weekday.upper())
    if weekdays is None:
        return []
    on_day, on_weekday = f"0 {minute} {hour} {day} {month} ?", f"0 {minute} {hour} ? {month} {weekdays}"
    if weekdays == "*":
        return [on_day]
    if day == "*":
        return [on_weekday]
    # With a star in either, cron fires on the days of both, which Quartz cannot.
    return [] if day.startswith("*") or weekday.startswith("*") else [on_day, on_weekday]


def _weekday_names(text: str) -> str | None:
    """Write the days of week of a crontab, where 0 and 7 are Sunday, as Quartz's names; None if they cannot be read."""
    days: set[int] = set()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None or (match[1] and match[3] and not match[2]):
            return None  # crons disagree about the meaning of 1/2
        first, last = _weekday(match[1] or "0"), _weekday(match[2] or match[1] or "6")
        if first is None or last is None:
            return None
        if last < first:
            last += _SUNDAY  # SAT-SUN, or SUN as the first day of a range
        days.update((day - 1) % _SUNDAY for day in range(first, last + 1, int(match[3] or 1)))
    return "*" if len(days) == _SUNDAY else ",".join(_ranges(sorted(days)))


def _weekday(token: str) -> int | None:
    if token.isdigit():
        return int(token)
    return _WEEKDAYS.index(token) + 1 if token in _WEEKDAYS else None


def _ranges(days: list[int]) -> list[str]:
    ranges: list[list[int]] = []
    for day in days:
        if ranges and ranges[-1][-1] == day - 1:
            ranges[-1].append(day)
        else:
            ranges.append([day])
    names: list[str] = []
    for each in ranges:
        if len(each) >= _SHORTEST_RANGE:
            names.append(f"{_WEEKDAYS[each[0]]}-{_WEEKDAYS[each[-1]]}")
        else:
            names += [_WEEKDAYS[day] for day in each]
    return names
