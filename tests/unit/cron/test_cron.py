"""What a cron expression promises, case by case: fires, clock changes, limits, refusals."""

from __future__ import annotations

import itertools
import pickle
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from elasticjob_cloud.cron import CronExpression, InvalidCronError
from elasticjob_cloud.cron.parse import parse_plan

UTC = ZoneInfo("UTC")
NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")
LONDON = ZoneInfo("Europe/London")
MINUTE_MS = 60_000
NOON_MS = 1_772_366_400_000  # 2026-03-01T12:00:00Z


def ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def next_fire(text: str, after: str, zone: ZoneInfo = UTC) -> str | None:
    fire_ms = CronExpression.parse(text).next_fire_ms(ms(after), zone)
    return None if fire_ms is None else datetime.fromtimestamp(fire_ms / 1000, zone).isoformat()


def fires(text: str, after: str, count: int, zone: ZoneInfo = UTC) -> list[str]:
    found = CronExpression.parse(text).fires_ms(ms(after), zone, count=count)
    return [datetime.fromtimestamp(fire_ms / 1000, zone).isoformat() for fire_ms in found]


def test_fire_is_strictly_after_the_instant() -> None:
    assert next_fire("0 0 12 * * ?", "2026-03-01T12:00:00Z") == "2026-03-02T12:00:00+00:00"


def test_fire_within_the_running_second_waits_for_the_next() -> None:
    assert next_fire("* * * * * ?", "2026-03-01T12:00:00.999Z") == "2026-03-01T12:00:01+00:00"
    assert next_fire("0 0 12 * * ?", "2026-03-01T11:59:59.999Z") == "2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize(
    "text, after, expected",
    [
        ("10,40 * * * * ?", "2026-03-01T12:00:10Z", "2026-03-01T12:00:40+00:00"),
        ("10 15,45 * * * ?", "2026-03-01T12:15:10Z", "2026-03-01T12:45:10+00:00"),
        ("10 15 8,20 * * ?", "2026-03-01T12:15:10Z", "2026-03-01T20:15:10+00:00"),
        ("10 15 8 * * ?", "2026-12-31T12:15:10Z", "2027-01-01T08:15:10+00:00"),
        ("0 0 0 29 2 ?", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00+00:00"),
        ("0 0 0 ? 2 6#5", "2026-01-01T00:00:00Z", "2036-02-29T00:00:00+00:00"),
        ("0 0 0 1 1 ? 2050", "2026-01-01T00:00:00Z", "2050-01-01T00:00:00+00:00"),
        ("0 0 0 ? * L", "2026-03-01T00:00:00Z", "2026-03-07T00:00:00+00:00"),
    ],
)
def test_search_skips_to_the_next_second_minute_hour_day_and_year(
    text: str, after: str, expected: str
) -> None:
    assert next_fire(text, after) == expected


def test_range_over_midnight_wraps() -> None:
    assert fires("0 0 22-2 * * ?", "2026-03-01T12:00:00Z", 6) == [
        "2026-03-01T22:00:00+00:00",
        "2026-03-01T23:00:00+00:00",
        "2026-03-02T00:00:00+00:00",
        "2026-03-02T01:00:00+00:00",
        "2026-03-02T02:00:00+00:00",
        "2026-03-02T22:00:00+00:00",
    ]


def test_daily_fire_in_the_gap_is_skipped() -> None:
    assert fires("0 30 2 * * ?", "2026-03-07T12:00:00Z", 2, NEW_YORK) == [
        "2026-03-09T02:30:00-04:00",
        "2026-03-10T02:30:00-04:00",
    ]


def test_half_hourly_fires_step_over_the_gap() -> None:
    assert fires("0 0/30 * * * ?", "2026-03-08T06:00:00Z", 2, NEW_YORK) == [
        "2026-03-08T01:30:00-05:00",
        "2026-03-08T03:00:00-04:00",
    ]


def test_daily_fire_in_the_overlap_happens_once_in_standard_time() -> None:
    assert fires("0 30 1 * * ?", "2026-10-31T12:00:00Z", 2, NEW_YORK) == [
        "2026-11-01T01:30:00-05:00",
        "2026-11-02T01:30:00-05:00",
    ]


def test_first_pass_of_an_overlap_is_silent() -> None:
    assert next_fire("0/5 * * * * ?", "2026-10-25T00:59:55+01:00", LONDON) == "2026-10-25T01:00:00+00:00"


def test_all_times_of_the_second_pass_are_to_come_in_the_first() -> None:
    assert next_fire("0/5 * * * * ?", "2026-10-25T01:29:50+01:00", LONDON) == "2026-10-25T01:00:00+00:00"


def test_one_shot_in_the_second_pass_is_found_from_a_later_time_of_the_first() -> None:
    once = "29 5 2 31 10 ? 2027"
    fire = "2027-10-31T02:05:29+01:00"
    for after in ("2027-10-31T02:05:28+02:00", "2027-10-31T02:05:29+02:00", "2027-10-31T02:59:59.999+02:00"):
        assert fires(once, after, 2, BERLIN) == [fire]
    assert next_fire(once, "2027-10-31T02:05:28.999+01:00", BERLIN) == fire
    assert next_fire(once, fire, BERLIN) is None


@pytest.mark.parametrize(
    "zone, cron, after, fire",
    [
        ("Australia/Lord_Howe", "0 35 1 * * ?", "2026-04-05T01:45:00+11:00", "2026-04-05T01:35:00+10:30"),
        ("America/Havana", "0 10 0 * * ?", "2026-11-01T00:50:00-04:00", "2026-11-01T00:10:00-05:00"),
        # The overlap begins on the day before.
        ("Asia/Beirut", "0 5 23 * * ?", "2026-10-24T23:50:00+03:00", "2026-10-24T23:05:00+02:00"),
        ("America/Sao_Paulo", "0 0 23 * * ?", "2018-02-17T23:59:58-02:00", "2018-02-17T23:00:00-03:00"),
        ("America/St_Johns", "30 1 23 * * ?", "2010-11-07T00:00:30-02:30", "2010-11-06T23:01:30-03:30"),
        ("Africa/Casablanca", "0 0 2 * * ?", "2026-02-15T02:30:00+01:00", "2026-02-15T02:00:00+00:00"),
        # Standard time itself was set back.
        ("Europe/Moscow", "0 15 1 * * ?", "2014-10-26T01:50:00+04:00", "2014-10-26T01:15:00+03:00"),
        ("Asia/Pyongyang", "0 45 23 * * ?", "2015-08-14T23:50:00+09:00", "2015-08-14T23:45:00+08:30"),
    ],
)
def test_daily_fire_is_found_from_a_later_time_of_the_first_pass(
    zone: str, cron: str, after: str, fire: str
) -> None:
    assert next_fire(cron, after, ZoneInfo(zone)) == fire


def test_day_that_a_zone_skipped_does_not_fire() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert fires("0 0 9 * * ?", "2011-12-29T00:00:00-10:00", 2, apia) == [
        "2011-12-29T09:00:00-10:00",
        "2011-12-31T09:00:00+14:00",
    ]


def test_time_that_is_in_the_gap_each_year_never_fires() -> None:
    assert next_fire("0 30 2 ? 3 1#2", "2026-01-01T00:00:00Z", NEW_YORK) is None


@pytest.mark.parametrize(
    "text, after",
    [
        ("0 0 0 30 2 ?", "2026-01-01T00:00:00Z"),
        ("0 0 0 31 4,6,9,11 ?", "2026-01-01T00:00:00Z"),
        ("0 0 0 L-30 2 ?", "2026-01-01T00:00:00Z"),
        ("0 0 0 L-30W 2 ?", "2026-01-01T00:00:00Z"),
        ("0 0 0 1 1 ? 2025", "2026-01-01T00:00:00Z"),
        ("0 0 0 29 2 ? 2025/4", "2026-01-01T00:00:00Z"),
        ("0 0 12 31 12 ? 2026", "2026-12-31T12:00:00Z"),
    ],
)
def test_expression_without_a_further_fire_has_none(text: str, after: str) -> None:
    assert next_fire(text, after) is None


def test_horizon_is_a_hundred_calendar_years_after_the_instant() -> None:
    assert next_fire("0 0 0 31 12 ? 2099", "1999-01-01T00:00:00Z") == "2099-12-31T00:00:00+00:00"
    assert next_fire("0 0 0 31 12 ? 2099", "1998-12-31T23:59:58Z") is None


def test_l_minus_30_workday_skips_the_months_that_make_quartz_hang() -> None:
    assert fires("0 0 0 L-30W * ?", "2026-01-31T00:00:00Z", 2) == [
        "2026-03-02T00:00:00+00:00",
        "2026-05-01T00:00:00+00:00",
    ]


def test_open_years_run_on_behind_the_last_year_that_can_be_written() -> None:
    assert next_fire("0 0 0 1 1 ?", "2150-06-01T00:00:00Z") == "2151-01-01T00:00:00+00:00"
    assert next_fire("0 0 0 1 1 ? 2090/20", "2100-01-01T00:00:00Z") == "2110-01-01T00:00:00+00:00"
    assert next_fire("0 0 0 1 1 ? 2090-2099/20", "2090-01-01T00:00:00Z") is None


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "Pacific/Apia"])
def test_instants_before_1970_lead_to_the_first_fire_of_1970(zone: str) -> None:
    expression = CronExpression.parse("0 0 0 * * ?")
    first = round(datetime(1970, 1, 1, tzinfo=ZoneInfo(zone)).timestamp()) * 1000
    assert expression.next_fire_ms(-(10**30), ZoneInfo(zone)) == first
    assert expression.next_fire_ms(first - 1, ZoneInfo(zone)) == first


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Niue"])
def test_time_ends_with_the_year_2999(zone: str) -> None:
    expression = CronExpression.parse("59 59 23 * * ?")
    last = round(datetime(2999, 12, 31, 23, 59, 59, tzinfo=ZoneInfo(zone)).timestamp()) * 1000
    assert expression.next_fire_ms(last - 1, ZoneInfo(zone)) == last
    assert expression.next_fire_ms(last, ZoneInfo(zone)) is None
    assert expression.next_fire_ms(10**30, ZoneInfo(zone)) is None


def test_fires_until_an_instant_include_it() -> None:
    expression = CronExpression.parse("0 * * * * ?")
    until_ms = NOON_MS + 2 * MINUTE_MS
    assert list(expression.fires_ms(NOON_MS, UTC, until_ms=until_ms)) == [NOON_MS + MINUTE_MS, until_ms]
    assert list(expression.fires_ms(NOON_MS, UTC, until_ms=until_ms - 1)) == [NOON_MS + MINUTE_MS]


def test_fires_stop_at_the_count_or_when_none_is_left() -> None:
    expression = CronExpression.parse("0 0 * 1 3 ? 2026")
    assert list(expression.fires_ms(NOON_MS, UTC, count=0)) == []
    assert len(list(expression.fires_ms(NOON_MS, UTC, count=5))) == 5
    assert len(list(expression.fires_ms(NOON_MS, UTC))) == 11


def test_fires_without_an_end_are_made_one_by_one() -> None:
    endless = CronExpression.parse("* * * * * ?").fires_ms(NOON_MS, UTC)
    assert list(itertools.islice(endless, 2)) == [NOON_MS + 1000, NOON_MS + 2000]


def test_expression_is_a_value() -> None:
    text = " 0 0\t12 * * ? "
    expression = CronExpression.parse(text)
    assert expression.text == text
    assert expression == CronExpression(text, parse_plan(text))
    assert hash(expression) == hash(CronExpression(text, parse_plan(text)))
    assert expression != CronExpression.parse("0 0 12 * * ?")
    assert repr(expression) == f"CronExpression(text={text!r})"
    assert pickle.loads(pickle.dumps(expression)) == expression


def test_equal_texts_share_one_expression() -> None:
    assert CronExpression.parse("0 7 12 * * ?") is CronExpression.parse("0 7 12 * * ?")


def test_refusal_survives_pickling() -> None:
    error = InvalidCronError("hours", "has '25', which is not between 0 and 23")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.field, copy.problem, str(copy)) == (error.field, error.problem, str(error))


@pytest.mark.parametrize(
    "field, names",
    [
        ("1-5", "SUN-THU"),
        ("6-2", "FRI-MON"),
        ("2,4,6", "MON,WED,FRI"),
        ("7", "SAT"),
        ("MON,3", "MON,TUE"),
        ("6L", "FRIL"),
        ("6#3", "FRI#3"),
        ("2-6/2", "MON,WED,FRI"),
        ("*/2", "SUN,TUE,THU,SAT"),
        ("1/3", "SUN,WED,SAT"),
    ],
)
def test_numbers_of_weekdays_can_be_shown_as_names(field: str, names: str) -> None:
    expression = CronExpression.parse(f"0 0\t9 ? * {field} 2030")
    assert expression.numbered_weekdays == (field, names)
    named = CronExpression.parse(f"0 0 9 ? * {names} 2030")
    assert list(named.fires_ms(NOON_MS, UTC)) == list(expression.fires_ms(NOON_MS, UTC))


@pytest.mark.parametrize("field", ["mon-fri", "*", "L", "FRIL", "FRI#3"])
def test_weekdays_without_numbers_need_no_names(field: str) -> None:
    assert CronExpression.parse(f"0 0 9 ? * {field}").numbered_weekdays is None
    assert CronExpression.parse("0 0 9 1-5 * ?").numbered_weekdays is None
