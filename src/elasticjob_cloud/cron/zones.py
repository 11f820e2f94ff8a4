"""Wall clocks: from an instant to local time and back, over clock changes as Quartz does it.

A wall-clock time is a naive datetime: what the hands may show, whether they ever do or not. The offset of a
zone is asked of ``zoneinfo`` each time. That takes well under a microsecond, so a cache of our own, with its
intervals to keep right, would buy nothing. ``datetime.replace``, which takes two, is for rare moments.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from zoneinfo import ZoneInfo

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a wall-clock time
_SECOND = dt.timedelta(seconds=1)


def local_time(second: int, zone: ZoneInfo) -> dt.datetime:
    """Return the local time at an instant, given as epoch seconds."""
    return dt.datetime.fromtimestamp(second, zone)


def search_start(second: int, zone: ZoneInfo) -> dt.datetime:
    """Return the earliest wall-clock time whose fire lies at or after an instant, given as epoch seconds.

    That is the local time. In the first pass of an overlap it is the time at which the second pass begins: all
    times of the second pass are still to come, those that the first pass has shown already included.
    """
    shown = local_time(second, zone)
    before, after = _offsets(shown, zone)
    if before <= after:
        return shown
    length = (before - after) // _SECOND
    seconds = range(second, second + length + 1)
    jump = bisect_right(seconds, 0, key=lambda each: local_time(each, zone).fold)
    return local_time(seconds[jump], zone)


def instant(wall: dt.datetime, zone: ZoneInfo) -> int | None:
    """Return the epoch second at which the wall clock shows this time; None in a gap, where it never does.

    In an overlap the second pass counts, in standard time, as the Quartz vectors show.
    """
    before, after = _offsets(wall, zone)
    return None if before < after else (wall - _EPOCH - after) // _SECOND


def end_of_gap(wall: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the local time right after the jump over a wall-clock time in a gap."""
    before, after = _offsets(wall, zone)
    reading = wall - _EPOCH
    # Read with the new offset the time lies before the jump, read with the old one behind it.
    seconds = range((reading - after) // _SECOND, (reading - before) // _SECOND + 1)
    jump = bisect_right(seconds, wall, key=lambda second: local_time(second, zone).replace(tzinfo=None))
    return local_time(seconds[jump], zone)


def _offsets(wall: dt.datetime, zone: ZoneInfo) -> tuple[dt.timedelta, dt.timedelta]:
    """Return the offset before and after a nearby clock change.

    They differ only for a time in an overlap, or in a gap, where the first is the smaller one (PEP 495).
    """
    second_pass = dt.datetime.combine(wall, dt.time(wall.hour, wall.minute, wall.second, fold=1))
    before, after = zone.utcoffset(wall), zone.utcoffset(second_pass)
    assert before is not None
    assert after is not None
    return before, after
