"""When a daemon script runs, and which of its executions are told."""

import datetime as dt

import pytest

from elasticjob_cloud.agent.scripts.repeated_scripts import repetition_of
from elasticjob_cloud.model.errors import StartError


def ms(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    "zone,expected",
    [
        ("", "2026-01-05T09:00:00+00:00"),
        ("Asia/Shanghai", "2026-01-06T01:00:00+00:00"),
        ("America/New_York", "2026-01-05T14:00:00+00:00"),
    ],
)
def test_cron_is_evaluated_in_the_zone_of_the_job_else_in_utc(zone: str, expected: str) -> None:
    repetition = repetition_of("0 0 9 * * ?", zone, 0)
    assert repetition.next_fire_ms(ms("2026-01-05T08:00:00+00:00")) == ms(expected)


def test_daemon_that_begins_in_the_first_pass_has_the_second_ahead() -> None:
    repetition = repetition_of("0 30 2 * * ?", "Europe/Berlin", 0)
    assert repetition.next_fire_ms(ms("2026-10-25T02:45:00+02:00")) == ms("2026-10-25T02:30:00+01:00")


def test_cron_that_is_over_fires_never_again() -> None:
    assert repetition_of("0 0 9 1 1 ? 2020", "", 0).next_fire_ms(ms("2026-01-05T08:00:00+00:00")) is None


@pytest.mark.parametrize(
    "cron,zone,says",
    [
        ("every day", "", "cron"),
        ("0 0 9 * * ?", "Mars/Olympus", "Mars/Olympus"),
        ("0 0 9 * * ?", "../x", "timeZone"),
    ],
)
def test_wrong_settings_are_named(cron: str, zone: str, says: str) -> None:
    with pytest.raises(StartError, match=says):
        repetition_of(cron, zone, 0)


@pytest.mark.parametrize(
    "sampling,told,counts",
    [
        (0, [True] * 6, [0] * 6),
        (1, [True] * 6, [0] * 6),
        (3, [False, False, True, False, False, True], [1, 2, 2, 1, 2, 2]),
    ],
)
def test_only_every_nth_execution_is_told(sampling: int, told: list[bool], counts: list[int]) -> None:
    repetition = repetition_of("* * * * * ?", "", sampling)
    found = []
    for _ in range(6):
        repetition.count_execution()
        found.append((repetition.is_sampled, repetition.unsampled_count))
    assert found == list(zip(told, counts, strict=True))


def test_fires_between_two_instants_are_those_after_the_one_and_up_to_the_other() -> None:
    repetition = repetition_of("0 * * * * ?", "", 0)
    start = ms("2026-01-05T08:00:00+00:00")
    assert repetition.fires_between(start, start + 120_000, 10) == [start + 60_000, start + 120_000]
    assert repetition.fires_between(start, start + 119_999, 10) == [start + 60_000]
    assert repetition.fires_between(start, start + 600_000, 3) == [start + n * 60_000 for n in (1, 2, 3)]
    assert repetition.fires_between(start, start + 600_000, 0) == []


def test_a_cron_that_fires_no_more_has_no_further_fires() -> None:
    repetition = repetition_of("0 0 9 5 1 ? 2026", "", 0)
    start = ms("2026-01-05T08:00:00+00:00")
    only = ms("2026-01-05T09:00:00+00:00")
    assert repetition.fires_between(start, start + 10**12, 10) == [only]
    assert repetition.next_fire_ms(only) is None
