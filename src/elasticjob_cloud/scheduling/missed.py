"""Fires that came due while nobody looked, counted without being enumerated: a week of a one-second cron is 604,800."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from elasticjob_cloud.cron import CronExpression

_HOUR_MS = 3_600_000
_MARGIN_MS = 25 * _HOUR_MS  # clocks were never set by more than a day


@dataclass(frozen=True, slots=True)
class MissedFires:
    """The due times of one cron in a span of time: the oldest one by one, and how many there are in all."""

    oldest: tuple[int, ...]
    count: int
    last_ms: int


def find_missed_fires(
    cron: CronExpression, zone: ZoneInfo, after_ms: int, until_ms: int, keep: int
) -> MissedFires | None:
    """Give the fires after one instant up to another, the oldest `keep` of them one by one; None if there are none."""
    oldest = tuple(cron.fires_ms(after_ms, zone, until_ms=until_ms, count=keep))
    if not oldest:
        return None
    count, last_ms = _count_fires(cron, zone, oldest[-1], until_ms)
    return MissedFires(oldest, len(oldest) + count, last_ms)


def _count_fires(cron: CronExpression, zone: ZoneInfo, last_ms: int, until_ms: int) -> tuple[int, int]:
    # Minutes and seconds of a cron do not depend on the hour: what it does in one whole hour, it does in each that it
    # matches. Only near a change of clocks, and in hours that are not wholly inside, fires are counted one by one.
    count = 0
    in_an_hour: tuple[int, int] | None = None  # how many, and how far into the hour the last one is
    while (fire_ms := cron.next_fire_ms(last_ms, zone)) is not None and fire_ms <= until_ms:
        hour_ms = fire_ms - (fire_ms + _offset_ms(zone, fire_ms)) % _HOUR_MS
        if last_ms < hour_ms and hour_ms + _HOUR_MS <= until_ms and _is_plain(zone, hour_ms):
            if in_an_hour is None:
                fires = list(cron.fires_ms(hour_ms - 1, zone, until_ms=hour_ms + _HOUR_MS - 1))
                in_an_hour = len(fires), fires[-1] - hour_ms
            count += in_an_hour[0]
            last_ms = hour_ms + in_an_hour[1]
        else:
            count += 1
            last_ms = fire_ms
    return count, last_ms


def _is_plain(zone: ZoneInfo, hour_ms: int) -> bool:
    return _offset_ms(zone, hour_ms - _MARGIN_MS) == _offset_ms(zone, hour_ms + _MARGIN_MS)


def _offset_ms(zone: ZoneInfo, instant_ms: int) -> int:
    offset = dt.datetime.fromtimestamp(instant_ms / 1000, zone).utcoffset()
    assert offset is not None, "a ZoneInfo has an offset at every instant"
    return offset // dt.timedelta(milliseconds=1)
