"""The machine's time zone, told by its variable, by a link, or by a copy of a zone's file."""

import time
import zoneinfo
from collections.abc import Callable
from pathlib import Path

import pytest

from elasticjob_cloud.time_zones.machine import find_machine_zone, machine_time_zone

NOW = 1_795_000_000.0  # November 2026
Clock = Callable[[float], time.struct_time]


def clock_at(*offsets: int, name: str = "XXX") -> Clock:
    """A system's clock with this offset now, and the last one in half a year."""

    def read(second: float) -> time.struct_time:
        offset = offsets[0] if second <= NOW else offsets[-1]
        fields = time.gmtime(second + offset)
        return time.struct_time([*fields[:9], name, offset])

    return read


def zone_file(name: str) -> bytes:
    """Give a zone's file as the zone database of this Python has it."""
    folders = [Path(folder) for folder in zoneinfo.TZPATH]
    found = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if found is None:
        tzdata = pytest.importorskip("tzdata", reason="there is no zone database at all")
        found = Path(tzdata.__file__).parent / "zoneinfo" / name
    return found.read_bytes()


def warning_of(localtime: Path, clock: Clock, **environment: str) -> str:
    found = find_machine_zone(environment, localtime, local_clock=clock, now=lambda: NOW)
    assert found.name == "UTC"
    return found.warning


@pytest.mark.parametrize(
    "name",
    [
        "Asia/Shanghai",
        "Europe/Berlin",
        "Europe/Vienna",
        "America/New_York",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "UTC",
    ],
)
def test_copy_of_a_zones_file_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    copy = tmp_path / "localtime"
    copy.write_bytes(zone_file(name))
    found = find_machine_zone({}, copy, local_clock=clock_at(5 * 3600))
    assert (found.name, found.warning) == (name, "")
    assert machine_time_zone({"TZ": str(copy)}, tmp_path / "none") == name
    assert machine_time_zone({"TZ": ":localtime"}, copy) == name


def test_copy_in_another_form_is_told_by_what_it_shows(tmp_path: Path) -> None:
    # A file of version 2 without a single change, and with a rule: as a compiler of another release may write it.
    header = b"TZif2" + bytes(15)
    counts = b"".join(count.to_bytes(4, "big") for count in (0, 0, 0, 0, 1, 4))
    kind = (8 * 3600).to_bytes(4, "big") + b"\0\0"
    block = header + counts + kind + b"CST\0"
    copy = tmp_path / "localtime"
    copy.write_bytes(block + block + b"\nCST-8\n")
    assert find_machine_zone({}, copy) == find_machine_zone({"TZ": "Asia/Shanghai"}, copy)


@pytest.mark.parametrize(
    "target",
    [
        "../usr/share/zoneinfo/Asia/Shanghai",
        "/usr/share/zoneinfo/posix/Asia/Shanghai",
        "/var/db/zoneinfo/right/Asia/Shanghai",
    ],
)
def test_link_is_told_by_its_target(tmp_path: Path, target: str) -> None:
    link = tmp_path / "localtime"
    link.symlink_to(target)
    assert machine_time_zone({}, link) == "Asia/Shanghai"


def test_link_to_a_link_or_to_a_copy_is_followed(tmp_path: Path) -> None:
    copy, link = tmp_path / "copy", tmp_path / "localtime"
    copy.write_bytes(zone_file("Asia/Shanghai"))
    link.symlink_to(copy)
    assert machine_time_zone({}, link) == "Asia/Shanghai"
    database = tmp_path / "zoneinfo" / "Asia"
    database.mkdir(parents=True)
    (database / "Shanghai").write_bytes(b"")
    (tmp_path / "to").symlink_to(database / "Shanghai")
    (tmp_path / "link-to-link").symlink_to(tmp_path / "to")
    assert machine_time_zone({}, tmp_path / "link-to-link") == "Asia/Shanghai"


@pytest.mark.parametrize("content", [b"", b"TZif2", b"junk" * 100, bytes(2_000_000)])
def test_file_that_is_no_zone_is_compared_with_the_systems_clock(tmp_path: Path, content: bytes) -> None:
    localtime = tmp_path / "localtime"
    localtime.write_bytes(content)
    assert warning_of(localtime, clock_at(0)) == ""
    warning = warning_of(localtime, clock_at(8 * 3600, name="CST"))
    assert f"{localtime} is not the file of a known zone" in warning
    assert "clock is at UTC+08:00; UTC is used" in warning
    assert "--time-zone Asia/Shanghai" in warning


def test_machine_without_a_zone_is_at_utc(tmp_path: Path) -> None:
    assert warning_of(tmp_path / "none", clock_at(0)) == ""
    assert "UTC-03:30 or UTC-02:30" in warning_of(tmp_path / "none", clock_at(-12_600, -9_000))


@pytest.mark.parametrize(
    "variable, clock, told",
    [
        ("CST-8", clock_at(8 * 3600, name="CST"), "--time-zone Asia/Shanghai"),
        ("<+0545>-5:45", clock_at(20_700, name="+0545"), "--time-zone Asia/Kathmandu"),
        ("XYZ-1:07", clock_at(4_020, name="XYZ"), "--time-zone ZONE"),
        ("Mars/Base", clock_at(0, name="Mars"), "TZ is 'Mars/Base', which is not the name of a zone"),
    ],
)
def test_variable_that_is_no_name_is_warned_about(
    tmp_path: Path, variable: str, clock: Clock, told: str
) -> None:
    # Not the link: the system's clock goes by the variable.
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    warning = warning_of(link, clock, TZ=variable)
    assert told in warning
    assert variable in warning


@pytest.mark.parametrize("variable", ["", ":", "UTC0", "<UTC>0", "GMT", "UTC"])
def test_variable_that_stands_for_utc_needs_no_warning(tmp_path: Path, variable: str) -> None:
    found = find_machine_zone({"TZ": variable}, tmp_path / "none", local_clock=clock_at(0))
    assert found.name in {"UTC", "GMT"}
    assert not found.warning
