"""Promises that hold for every expression, checked against searches too slow to be wrong."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from elasticjob_cloud.cron import CronExpression, InvalidCronError

GRID_SECONDS = 30
WINDOW_SECONDS = 4 * 3600
# Searches begin around a clock change of their zone (epoch seconds), where the rules are hard.
CHANGES = [
    ("America/New_York", 1_772_953_200),  # 2026-03-08, forward
    ("America/New_York", 1_793_512_800),  # 2026-11-01, back
    ("America/St_Johns", 1_772_947_800),  # 2026-03-08, forward
    ("America/St_Johns", 1_793_507_400),  # 2026-11-01, back
    ("Europe/Dublin", 1_774_746_000),  # 2026-03-29, forward, which its law calls back
    ("Europe/Dublin", 1_792_890_000),  # 2026-10-25, back
    ("Australia/Lord_Howe", 1_759_591_800),  # 2025-10-05, forward by half an hour
    ("Australia/Lord_Howe", 1_775_314_800),  # 2026-04-05, back by half an hour
    ("Africa/Casablanca", 1_771_120_800),  # 2026-02-15, back for Ramadan
    ("Africa/Casablanca", 1_774_144_800),  # 2026-03-22, forward
    ("America/Havana", 1_793_509_200),  # 2026-11-01, back to midnight
    ("Asia/Beirut", 1_792_875_600),  # 2026-10-25, back to the day before
    ("America/Sao_Paulo", 1_518_919_200),  # 2018-02-18, back to the day before
    ("Europe/Moscow", 1_414_274_400),  # 2014-10-26, back for good
    ("Africa/Monrovia", 63_593_070),  # 1972-01-07, forward by 44 minutes and 30 seconds
    ("Pacific/Apia", 1_325_239_200),  # 2011-12-30, a day that was skipped
    ("UTC", 1_772_953_200),
]
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True)
class Times:
    """The sets behind a generated expression: what the slow search looks at instead of the text."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]

    @property
    def text(self) -> str:
        fields = (self.seconds, self.minutes, self.hours, self.days)
        return " ".join(",".join(map(str, sorted(field))) for field in fields) + " * ?"

    def match(self, wall: datetime) -> bool:
        return (
            wall.second in self.seconds
            and wall.minute in self.minutes
            and wall.hour in self.hours
            and wall.day in self.days
        )


def values(first: int, last: int, step: int = 1) -> st.SearchStrategy[frozenset[int]]:
    every = st.just(frozenset(range(first, last + 1, step)))
    some = st.frozensets(st.integers(first // step, last // step).map(lambda n: n * step), min_size=1)
    return every | some


TIMES = st.builds(Times, values(0, 59, GRID_SECONDS), values(0, 59), values(0, 23), values(1, 31))
STARTS = st.builds(
    lambda change, offset_ms: (ZoneInfo(change[0]), change[1] * 1000 + offset_ms),
    st.sampled_from(CHANGES),
    st.integers(-3_600_000, 3_600_000) | st.integers(-5 * 3_600_000, 3 * 3_600_000),
)


def in_first_pass(moment: datetime) -> bool:
    return moment.fold == 0 and moment.utcoffset() != moment.replace(fold=1).utcoffset()


def slow_fires(times: Times, after_ms: int, zone: ZoneInfo) -> Iterator[int]:
    """Look at every half minute of the window, one by one."""
    second = after_ms // 1000 + 1
    for instant in range(-(-second // GRID_SECONDS) * GRID_SECONDS, second + WINDOW_SECONDS, GRID_SECONDS):
        moment = datetime.fromtimestamp(instant, zone)
        if times.match(moment) and not in_first_pass(moment):
            yield instant * 1000


@given(times=TIMES, start=STARTS)
def test_no_matching_time_is_skipped_and_none_invented(times: Times, start: tuple[ZoneInfo, int]) -> None:
    zone, after_ms = start
    fire_ms = CronExpression.parse(times.text).next_fire_ms(after_ms, zone)
    slow_ms = next(slow_fires(times, after_ms, zone), None)
    if slow_ms is None:
        assert fire_ms is None or fire_ms >= after_ms + WINDOW_SECONDS * 1000
    else:
        assert fire_ms == slow_ms


@settings(max_examples=60)
@given(times=TIMES, start=STARTS)
def test_fires_rise_strictly_and_match_the_fields(times: Times, start: tuple[ZoneInfo, int]) -> None:
    zone, after_ms = start
    last_ms = after_ms
    for fire_ms in CronExpression.parse(times.text).fires_ms(after_ms, zone, count=3):
        assert fire_ms > last_ms
        assert times.match(datetime.fromtimestamp(fire_ms / 1000, zone))
        last_ms = fire_ms


@settings(max_examples=100)
@given(times=TIMES, start=STARTS, later_ms=st.integers(0, 6 * 3_600_000))
def test_later_instant_never_has_an_earlier_fire(
    times: Times, start: tuple[ZoneInfo, int], later_ms: int
) -> None:
    zone, after_ms = start
    expression = CronExpression.parse(times.text)
    fire_ms = expression.next_fire_ms(after_ms, zone)
    later_fire_ms = expression.next_fire_ms(after_ms + later_ms, zone)
    if fire_ms is None:
        assert later_fire_ms is None
    else:
        assert later_fire_ms is None or later_fire_ms >= fire_ms


@settings(max_examples=100)
@given(times=TIMES, start=STARTS, later_ms=st.integers(0, 3 * 3_600_000))
def test_search_from_any_instant_joins_the_same_sequence(
    times: Times, start: tuple[ZoneInfo, int], later_ms: int
) -> None:
    zone, after_ms = start
    expression = CronExpression.parse(times.text)
    begin_ms = after_ms + later_ms
    until_ms = begin_ms + 3_600_000
    found = expression.fires_ms(after_ms, zone, until_ms=until_ms)
    assert list(expression.fires_ms(begin_ms, zone, until_ms=until_ms)) == [
        ms for ms in found if ms > begin_ms
    ]


@settings(max_examples=20)
@given(start=STARTS, step=st.sampled_from([1, 5, 15, 30]))
def test_frequent_fires_fill_all_but_the_first_pass(start: tuple[ZoneInfo, int], step: int) -> None:
    zone, after_ms = start
    until_ms = after_ms + 3_600_000
    expected = [
        second * 1000
        for second in range(after_ms // 1000 + 1, until_ms // 1000 + 1)
        if (moment := datetime.fromtimestamp(second, zone)).second % step == 0 and not in_first_pass(moment)
    ]
    found = CronExpression.parse(f"0/{step} * * * * ?").fires_ms(after_ms, zone, until_ms=until_ms)
    assert list(found) == expected


@given(start=st.integers(0, 59), stop=st.integers(0, 59), step=st.integers(1, 59))
def test_range_with_a_step_is_the_list_of_its_values_even_over_the_end(
    start: int, stop: int, step: int
) -> None:
    length = (stop - start) % 60
    listed = ",".join(str((start + offset) % 60) for offset in range(0, length + 1, step))
    ranged = CronExpression.parse(f"0 {start}-{stop}/{step} * * * ?")
    assert_same_fires(ranged, CronExpression.parse(f"0 {listed} * * * ?"))


@given(start=st.integers(1, 7), stop=st.integers(1, 7))
def test_weekday_names_and_numbers_mean_the_same_in_any_case(start: int, stop: int) -> None:
    names = f"{WEEKDAYS[start - 1].lower()}-{WEEKDAYS[stop - 1].capitalize()}"
    named = CronExpression.parse(f"0 0 0 ? * {names}")
    assert_same_fires(named, CronExpression.parse(f"0 0 0 ? * {start}-{stop}"))


@given(start=st.integers(0, 23), step=st.integers(1, 23))
def test_step_after_a_value_runs_to_the_end_of_the_field(start: int, step: int) -> None:
    stepped = CronExpression.parse(f"0 0 {start}/{step} * * ?")
    assert_same_fires(stepped, CronExpression.parse(f"0 0 {start}-23/{step} * * ?"))


def assert_same_fires(one: CronExpression, other: CronExpression) -> None:
    utc = ZoneInfo("UTC")
    assert list(one.fires_ms(0, utc, count=30)) == list(other.fires_ms(0, utc, count=30))


def month_days(year: int, month: int) -> list[date]:
    return [date(year, month, day) for day in range(1, calendar.monthrange(year, month)[1] + 1)]


def nearest_workday(day: date) -> date:
    workdays = [other for other in month_days(day.year, day.month) if other.isoweekday() <= 5]
    return min(workdays, key=lambda other: abs(other - day))


def fire_days(field_text: str, year: int) -> list[date]:
    expression = CronExpression.parse(f"0 0 0 {field_text} {year}")
    return [
        (datetime(1970, 1, 1) + timedelta(milliseconds=fire_ms)).date()  # noqa: DTZ001 - a UTC day
        for fire_ms in expression.fires_ms(-1, ZoneInfo("UTC"))
    ]


YEARS = st.integers(1970, 2069)


@settings(max_examples=40)
@given(year=YEARS, day=st.integers(1, 31))
def test_workday_rule_finds_the_nearest_workday_of_the_same_month(year: int, day: int) -> None:
    months = [days for days in (month_days(year, month) for month in range(1, 13)) if len(days) >= day]
    assert fire_days(f"{day}W * ?", year) == [nearest_workday(days[day - 1]) for days in months]


@settings(max_examples=40)
@given(year=YEARS, before=st.integers(0, 30))
def test_last_day_rules_count_back_from_the_end_of_the_month(year: int, before: int) -> None:
    months = [days for days in (month_days(year, month) for month in range(1, 13)) if len(days) > before]
    days = [days[-1 - before] for days in months]
    assert fire_days(f"L-{before} * ?", year) == days
    assert fire_days(f"L-{before}W * ?", year) == [nearest_workday(day) for day in days]


@settings(max_examples=40)
@given(year=YEARS, weekday=st.integers(1, 7), nth=st.integers(1, 5))
def test_nth_and_last_weekday_rules_pick_from_the_weekdays_of_the_month(
    year: int, weekday: int, nth: int
) -> None:
    months = [
        [day for day in month_days(year, month) if day.isoweekday() % 7 + 1 == weekday]
        for month in range(1, 13)
    ]
    name = WEEKDAYS[weekday - 1]
    assert fire_days(f"? * {weekday}#{nth}", year) == [days[nth - 1] for days in months if len(days) >= nth]
    assert fire_days(f"? * {name}L", year) == [days[-1] for days in months]
    assert fire_days(f"? * {name}", year) == [day for days in months for day in days]


@given(text=st.text(alphabet="0123456789*?,-/#LW \tMONJAN\x00\ud83d", max_size=40))
def test_any_text_is_read_or_refused_with_a_message(text: str) -> None:
    problem = None
    try:
        CronExpression.parse(text).next_fire_ms(0, ZoneInfo("America/New_York"))
    except InvalidCronError as error:
        problem = error
    assert problem is None or problem.field in str(problem)
