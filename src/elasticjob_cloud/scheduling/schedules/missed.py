"""Fires that came due while nobody looked, counted without being enumerated: a week of a one-second cron is 604,800."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.model.records import Span

_HOUR_MS = 3_600_000
_SEARCHES_KEPT = 10_000
# Cron, zone, the instants between which it looks, fires to keep, what it passes over.
_SearchKey = tuple[str, str, int, int, int, tuple[Span, ...]]


@dataclass(frozen=True, slots=True)
class MissedFires:
    """The due times of one cron in a span of time: the oldest one by one, and how many there are in all."""

    oldest: tuple[int, ...]
    count: int
    last_ms: int


class MissedSearch:
    """Looks for a cron's fires after one instant up to another, some steps at a time; each step costs a cron search.

    The oldest `keep` fires are found one by one. Fires within `taken`, in order, are passed over.
    """

    def __init__(
        self,
        cron: CronExpression,
        zone: ZoneInfo,
        after_ms: int,
        until_ms: int,
        keep: int,
        taken: Sequence[Span] = (),
    ) -> None:
        self.next_ms: int | None = None  # once it is done: the first fire after `until_ms`
        self.is_done = False
        self.cron = cron
        self.zone = zone
        self._until_ms = until_ms
        self._keep = keep
        self._taken = taken
        self._looked_to_ms = after_ms
        self._oldest: list[int] = []
        self._count = 0
        self._last_ms = 0

    @property
    def found(self) -> MissedFires | None:
        """What was found, once it is done; None if there are none."""
        assert self.is_done, "the search goes on"
        return MissedFires(tuple(self._oldest), self._count, self._last_ms) if self._count else None

    def advance(self, most: int) -> int:
        """Take at most so many steps; give how many were taken."""
        steps = 0
        while steps < most and not self.is_done:
            self._step()
            steps += 1
        return steps

    def _step(self) -> None:
        fire_ms = self.cron.next_fire_ms(self._looked_to_ms, self.zone)
        if fire_ms is None or fire_ms > self._until_ms:
            self.next_ms = fire_ms
            self.is_done = True
        elif (taken := self._taken_at(fire_ms, fire_ms)) is not None:
            self._looked_to_ms = min(taken[1], self._until_ms)
        elif len(self._oldest) < self._keep:
            self._oldest.append(fire_ms)
            self._note(1, fire_ms)
        else:
            self._count_hour(fire_ms)

    def _count_hour(self, fire_ms: int) -> None:
        # Minutes and seconds of a cron do not depend on the hour: what is left of an hour is counted without a search.
        hour_ms = fire_ms - (fire_ms + _offset_ms(self.zone, fire_ms)) % _HOUR_MS
        end_ms = min(hour_ms + _HOUR_MS - 1, self._until_ms)
        if self._taken_at(fire_ms, end_ms) is None and _is_plain(self.zone, fire_ms, end_ms):
            count, last_ms = self.cron.fires_within_hour(fire_ms - hour_ms, end_ms - hour_ms)
            self._note(count, hour_ms + last_ms)
        else:
            self._note(1, fire_ms)

    def _note(self, count: int, last_ms: int) -> None:
        self._count += count
        self._last_ms = self._looked_to_ms = last_ms

    def _taken_at(self, first_ms: int, last_ms: int) -> Span | None:
        return next((it for it in self._taken if it[0] <= last_ms and first_ms <= it[1]), None)


class MissedSearches:
    """Searches that go on over several turns. Jobs with equal cron and zone were mostly evaluated up to the same instant."""

    def __init__(self) -> None:
        self._searches: dict[_SearchKey, MissedSearch] = {}

    def search(
        self, cron: str, zone: ZoneInfo, after_ms: int, until_ms: int, keep: int, taken: tuple[Span, ...]
    ) -> MissedSearch:
        """Give the search for these fires, as far as it has come. The parameters are those of `MissedSearch`."""
        key = (cron, zone.key, after_ms, until_ms, keep, taken)
        search = self._searches.get(key)
        if search is None:
            if len(self._searches) >= _SEARCHES_KEPT:
                self._searches.clear()
            expression = CronExpression.parse(cron)
            search = self._searches[key] = MissedSearch(expression, zone, after_ms, until_ms, keep, taken)
        return search

    def clear(self) -> None:
        """Forget all: nothing is left to count."""
        self._searches.clear()


def _is_plain(zone: ZoneInfo, first_ms: int, last_ms: int) -> bool:
    """Tell whether no clock is set between two instants of an hour, and none of its local times comes again later."""
    first, last = (dt.datetime.fromtimestamp(it / 1000, zone) for it in (first_ms, last_ms))
    offset = first.utcoffset()
    return all(it.utcoffset() == offset for it in (first.replace(fold=1), last, last.replace(fold=1)))


def _offset_ms(zone: ZoneInfo, instant_ms: int) -> int:
    offset = dt.datetime.fromtimestamp(instant_ms / 1000, zone).utcoffset()
    assert offset is not None, "a ZoneInfo has an offset at every instant"
    return offset // dt.timedelta(milliseconds=1)
