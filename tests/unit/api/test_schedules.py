"""Crons, time zones, and the times in queries."""

from zoneinfo import ZoneInfo

import pytest

from elasticjob_cloud.api.requests.raw.query import parse_time_ms
from elasticjob_cloud.api.requests.schedules import cron_view, schedule_errors
from elasticjob_cloud.model.errors import InvalidRequestError

NOW_MS = 1_795_330_805_000  # 2026-11-22T07:00:05Z
SHANGHAI = ZoneInfo("Asia/Shanghai")


def errors(**fields: object) -> dict[str, str]:
    return {error.field: error.message for error in schedule_errors(fields, "Asia/Shanghai", NOW_MS)}


def test_good_schedules_have_no_errors() -> None:
    assert errors() == {}
    assert errors(cron="", timeZone="") == {}
    assert errors(cron=None, timeZone=None) == {}
    assert errors(cron="0/5 * * * * ?", timeZone="Europe/Berlin") == {}


@pytest.mark.parametrize(
    "zone",
    [
        "Mars",
        "Asia/Shangai",
        "../etc/passwd",
        "/etc/localtime",
        "localtime",
        "\0",
        "Asia",
        "right/UTC",
        "Asia/",
        "\ud800",
        "x" * 5000,
    ],
)
def test_zone_must_be_a_known_name(zone: str) -> None:
    assert errors(timeZone=zone).keys() == {"timeZone"}
    assert "not the IANA name" in errors(timeZone=zone)["timeZone"]


def test_misspelt_zone_is_told_what_was_meant() -> None:
    assert errors(timeZone="Asia/Shangai")["timeZone"].endswith("did you mean Asia/Shanghai?")


@pytest.mark.parametrize("zone", ["Asia/Beijing", "GMT+8", "CST"])
def test_zone_by_another_name_is_told_the_iana_name(zone: str) -> None:
    assert "Asia/Shanghai" in errors(timeZone=zone)["timeZone"]


@pytest.mark.parametrize(
    "cron", ["* * * * *", "nonsense", "61 * * * * ?", "0 0 0 30 2 ?", "0 0 0 1 1 ? 2020", "x" * 2000, " "]
)
def test_cron_must_be_quartzs_and_fire(cron: str) -> None:
    assert errors(cron=cron).keys() == {"cron"}


def test_cron_that_never_fires_is_told_so() -> None:
    assert errors(cron="0 0 0 30 2 ?")["cron"] == "'0 0 0 30 2 ?' never fires from now on."


def test_faults_of_both_are_told_at_once() -> None:
    assert errors(cron="nonsense", timeZone="Mars").keys() == {"cron", "timeZone"}


def test_what_is_no_text_is_left_to_the_model() -> None:
    assert errors(cron=5, timeZone=["x"]) == {}
    assert errors(cron="nonsense", timeZone=5).keys() == {"cron"}


def test_fires_are_strictly_after_the_start_and_in_the_zone() -> None:
    assert cron_view("0/5 * * * * ?", "Asia/Shanghai", NOW_MS, 2)["fires"] == [
        "2026-11-22T15:00:10+08:00",
        "2026-11-22T15:00:15+08:00",
    ]


def test_fires_end_with_the_expression() -> None:
    assert cron_view("0 0 0 1 1 ? 2027-2028", "UTC", NOW_MS, 10)["fires"] == [
        "2027-01-01T00:00:00+00:00",
        "2028-01-01T00:00:00+00:00",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T15:00:05+08:00",
        "2026-11-22T15:00:05 08:00",
        "2026-11-22T07:00:05Z",
        "2026-11-22 15:00:05",
        "2026-11-22T15:00:05",
        " 2026-11-22T15:00:05.000+08:00 ",
    ],
)
def test_time_is_read_in_every_form(text: str) -> None:
    assert parse_time_ms("startTime", text, SHANGHAI) == NOW_MS


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-01", "2026-02-30 00:00:00", "15:00", "1795330805", "\0", "9" * 10_000]
)
def test_what_is_no_time_is_refused_by_the_fields_name(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_time_ms("startTime", text, SHANGHAI)
    assert caught.value.errors[0].field == "startTime"
    assert len(str(caught.value)) < 300
