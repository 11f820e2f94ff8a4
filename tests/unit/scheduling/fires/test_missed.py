"""Fires of long gaps are counted as if each had been looked at."""

from unittest.mock import patch
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.scheduling.schedules import missed
from elasticjob_cloud.scheduling.schedules.missed import MissedFires, MissedSearch, MissedSearches
from tests.unit.scheduling.core_driver import HOUR_MS, NOON_MS, SECOND_MS

_CRONS = (
    "0 0/20 * * * ?",
    "30 10 * * * ?",
    "0/40 59 0-3 * * ?",
    "0 30 2 * * ?",
    "0 0 1,2,3 * * ?",
    "5 7/9 0/5 ? * SUN",
    "0 0 0 1 1 ? 2030",
    "0 0 12 26 10 ? 2026",
)
_ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York", "Pacific/Apia")
_STARTS = (
    NOON_MS,
    1_792_800_000_000,
    1_792_888_200_000,
    1_774_650_000_000,
    1_325_160_000_000,
)  # ordinary, changes of clocks, half an hour into Berlin's first pass, Apia's leap


def find_missed_fires(
    cron: CronExpression, zone: ZoneInfo, after_ms: int, until_ms: int, keep: int
) -> MissedFires | None:
    search = MissedSearch(cron, zone, after_ms, until_ms, keep)
    while not search.is_done:
        assert search.advance(7) <= 7
    assert search.next_ms == cron.next_fire_ms(until_ms, zone)
    return search.found


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(_CRONS),
    st.sampled_from(_ZONES),
    st.sampled_from(_STARTS),
    st.integers(-5 * HOUR_MS, 5 * HOUR_MS),
    st.integers(0, 100 * HOUR_MS),
    st.integers(1, 50),
)
def test_the_count_is_that_of_looking_at_each_fire(
    text: str, zone_name: str, start_ms: int, shift_ms: int, length_ms: int, keep: int
) -> None:
    cron, zone = CronExpression.parse(text), ZoneInfo(zone_name)
    after_ms = start_ms + shift_ms
    fires = list(cron.fires_ms(after_ms, zone, until_ms=after_ms + length_ms))

    missed = find_missed_fires(cron, zone, after_ms, after_ms + length_ms, keep)

    if not fires:
        assert missed is None
    else:
        assert missed is not None
        assert (missed.oldest, missed.count, missed.last_ms) == (tuple(fires[:keep]), len(fires), fires[-1])


def test_two_months_of_every_second_is_counted_without_looking_at_each() -> None:
    length_ms = 60 * 24 * HOUR_MS

    missed = find_missed_fires(
        CronExpression.parse("* * * * * ?"), ZoneInfo("UTC"), NOON_MS, NOON_MS + length_ms, 3
    )

    assert missed is not None
    assert missed.oldest == tuple(NOON_MS + n * SECOND_MS for n in (1, 2, 3))
    assert (missed.count, missed.last_ms) == (length_ms // SECOND_MS, NOON_MS + length_ms)


def test_jobs_with_equal_crons_share_a_search_and_few_searches_are_kept() -> None:
    searches = MissedSearches()

    def search(cron: str) -> MissedSearch:
        return searches.search(cron, ZoneInfo("UTC"), NOON_MS, NOON_MS + HOUR_MS, keep=1, taken=())

    with patch.object(missed, "_SEARCHES_KEPT", 2):
        first = search("0 * * * * ?")
        assert search("0 * * * * ?") is first
        assert search("1 * * * * ?") is not first
        search("2 * * * * ?")
        assert search("0 * * * * ?") is not first, "a third one made it forget the others"
