"""What is told to people who name a time zone that does not exist."""

import pytest

from elasticjob_cloud.time_zones.hints import zone_hint


@pytest.mark.parametrize(
    "name, hint",
    [
        ("Asia/Beijing", "; did you mean Asia/Shanghai?"),
        ("beijing", "; did you mean Asia/Shanghai?"),
        ("China Standard Time", "; did you mean Asia/Shanghai?"),
        ("America/San Francisco", "; did you mean America/Los_Angeles?"),
        ("asia/shanghai", "; did you mean Asia/Shanghai?"),
        ("Asia/Shangai", "; did you mean Asia/Shanghai?"),
        (" utc ", "; did you mean UTC?"),
        ("CST", "; did you mean Asia/Shanghai or America/Chicago?"),
        ("IST", "; did you mean Asia/Kolkata, Asia/Jerusalem or Europe/Dublin?"),
        ("PST", "; did you mean America/Los_Angeles?"),
        ("Mars/Base", ", such as Asia/Shanghai or UTC."),
        ("", ", such as Asia/Shanghai or UTC."),
        ("\ud800", ", such as Asia/Shanghai or UTC."),
    ],
)
def test_hint_names_the_zone_that_was_meant(name: str, hint: str) -> None:
    assert zone_hint(name) == hint


@pytest.mark.parametrize("name", ["GMT+8", "UTC+8", "utc+08:00", "+08:00", "+0800", "UTC +8", "CST-8"])
def test_offset_gets_a_place_and_the_zone_with_the_other_sign(name: str) -> None:
    hint = zone_hint(name)
    assert hint == "; for UTC+8 write Asia/Shanghai or Etc/GMT-8 (its sign is the other way round)."


@pytest.mark.parametrize(
    "name, part",
    [
        ("UTC+5:30", "for UTC+5:30 write Asia/Kolkata."),
        ("-03:30", "for UTC-3:30 write America/St_Johns."),
        ("UTC-12", "for UTC-12 write Etc/GMT+12 ("),
        ("UTC+0", "for UTC+0 write UTC."),
        ("UTC+13:45", "such as Asia/Shanghai or UTC."),
        ("GMT+99", "such as Asia/Shanghai or UTC."),
    ],
)
def test_other_offsets(name: str, part: str) -> None:
    assert part in zone_hint(name)


def test_long_name_is_looked_at_in_part() -> None:
    assert len(zone_hint("Asia/Shanghai" * 100_000)) < 100
