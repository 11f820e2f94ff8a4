"""Quartz's own answers (see tests/data/quartz/README.md): ours are the same, line by line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from elasticjob_cloud.cron import CronExpression, InvalidCronError
from tests.checkout import ROOT

VECTORS_PATH = ROOT / "tests" / "data" / "quartz" / "vectors.jsonl"
FIELDS = {"seconds", "minutes", "hours", "day of month", "month", "day of week", "year", "expression"}
HORIZONS_MS = {
    zone: int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000
    for zone, year in {
        "UTC": 2100,
        "Asia/Shanghai": 2100,
        "America/New_York": 2030,
        "America/St_Johns": 2030,
        "Australia/Lord_Howe": 2030,
        "Europe/London": 2030,
    }.items()
}


@dataclass(frozen=True, slots=True)
class Vector:
    name: str
    category: str
    text: str
    zone: str
    start: str
    count: int
    fires: list[int] | None

    @property
    def begins_in_first_pass(self) -> bool:
        """Whether the clock has yet to go back over the time that the search begins with."""
        begin = datetime.fromisoformat(self.start) + timedelta(seconds=1)
        local = begin.astimezone(ZoneInfo(self.zone))
        return not local.fold and local.replace(fold=1).timestamp() > local.timestamp()

    @property
    def refused(self) -> bool:
        return self.fires is None or self.category == "lenient"


# Faults of Quartz that we do not share (docs/cron.md), each with the one fire on which we differ.
# At Lord Howe a match in the half-hour gap moves Quartz on by 30 minutes, over a real time soon after.
MISSED_BY_QUARTZ = {
    "p0008": "2025-10-04T15:35:30+00:00",
    "p0157": "2024-10-05T15:35:00+00:00",
    "p0908": "2024-10-05T15:35:00+00:00",
}
# 31W strikes in a month of 30 days, when the next month begins on a Saturday.
INVENTED_BY_QUARTZ = {"p1186": "2023-06-30T09:00:00+00:00"}


def load_vectors() -> list[Vector]:
    vectors = []
    for line in VECTORS_PATH.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        vector = Vector(
            row["id"], row["cat"], row["expr"], row["tz"], row["start"], row["count"], row.get("fires")
        )
        vectors.append(vector)
    return vectors


VECTORS = load_vectors()
ACCEPTED = [vector for vector in VECTORS if not vector.refused]
REFUSED = [vector for vector in VECTORS if vector.refused]
MISSING = [vector for vector in ACCEPTED if vector.name in MISSED_BY_QUARTZ]
INVENTED = [vector for vector in ACCEPTED if vector.name in INVENTED_BY_QUARTZ]
FIRST_PASS = [vector for vector in ACCEPTED if vector.begins_in_first_pass]
PLAIN = [vector for vector in ACCEPTED if vector not in MISSING + INVENTED + FIRST_PASS]


def our_fires(vector: Vector, count: int) -> list[int]:
    start_ms = int(datetime.fromisoformat(vector.start).timestamp()) * 1000
    fires_ms = CronExpression.parse(vector.text).fires_ms(
        start_ms, ZoneInfo(vector.zone), until_ms=HORIZONS_MS[vector.zone] - 1, count=count
    )
    return [fire_ms // 1000 for fire_ms in fires_ms]


def shown_again(vector: Vector) -> int:
    """Return when the clock shows again what it shows when the search begins: there Quartz begins."""
    begin = datetime.fromisoformat(vector.start) + timedelta(seconds=1)
    return int(begin.astimezone(ZoneInfo(vector.zone)).replace(fold=1).timestamp())


def epoch(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


def name(vector: Vector) -> str:
    return vector.name


def test_every_vector_is_asked() -> None:
    kinds = (PLAIN, MISSING, INVENTED, FIRST_PASS, REFUSED)
    assert [len(kind) for kind in kinds] == [1262, 3, 1, 71, 370]
    assert sum(len(kind) for kind in kinds) == len(VECTORS)


@pytest.mark.parametrize("vector", PLAIN, ids=name)
def test_fires_are_those_of_quartz(vector: Vector) -> None:
    assert our_fires(vector, vector.count) == vector.fires


@pytest.mark.parametrize("vector", MISSING, ids=name)
def test_real_time_after_a_gap_that_quartz_misses_fires(vector: Vector) -> None:
    assert vector.fires is not None
    missed = epoch(MISSED_BY_QUARTZ[vector.name])
    assert missed not in vector.fires
    assert our_fires(vector, vector.count) == sorted([missed, *vector.fires])[: vector.count]


@pytest.mark.parametrize("vector", INVENTED, ids=name)
def test_31w_never_fires_in_a_month_of_30_days(vector: Vector) -> None:
    assert vector.fires is not None
    expected = list(vector.fires)
    expected.remove(epoch(INVENTED_BY_QUARTZ[vector.name]))
    assert our_fires(vector, len(expected)) == expected


@pytest.mark.parametrize("vector", FIRST_PASS, ids=name)
def test_search_from_the_first_pass_also_finds_the_times_that_quartz_passes_over(vector: Vector) -> None:
    assert vector.fires is not None
    missed = [fire for fire in our_fires(vector, 2000) if fire < shown_again(vector)]
    assert our_fires(vector, vector.count) == [*missed, *vector.fires][: vector.count]


def test_quartz_passes_over_times_in_some_vectors_that_begin_in_a_first_pass() -> None:
    assert sum(our_fires(vector, vector.count) != vector.fires for vector in FIRST_PASS) == 42


@pytest.mark.parametrize("vector", REFUSED, ids=name)
def test_what_quartz_refuses_or_lets_pass_by_accident_is_refused(vector: Vector) -> None:
    with pytest.raises(InvalidCronError) as refusal:
        CronExpression.parse(vector.text)
    assert refusal.value.field in FIELDS
    assert refusal.value.field in str(refusal.value)
    assert str(refusal.value).isascii()
