"""Which zone a copy of a zone's file is: the names of zones by what their clocks show. Standard library only."""

import contextlib
import datetime as dt
import importlib.resources
import io
import struct
import zoneinfo
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from elasticjob_cloud.time_zones.names import NO_ZONES

# They come first where several zones are alike.
_WELL_KNOWN = (
    "UTC",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)
_LARGEST_FILE_BYTES = 1_000_000
_TEN_DAYS = 864_000
_EPOCH_2020 = 1_577_836_800
_EPOCH_2038 = 2_145_916_800
_TABLE = "zone1970.tab"
_NAME_COLUMN = 2

_Shown = tuple[dt.timedelta | None, str | None]


def name_of_zone_file(path: Path) -> str | None:
    """Give the IANA name of the zone whose file, or a copy of it, this is; None when it is none that is known."""
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            return None
        content = path.read_bytes()
        copy = zoneinfo.ZoneInfo.from_file(io.BytesIO(content))
    except (OSError, ValueError, EOFError, IndexError, struct.error):
        return None
    name = next((name for name in zone_names() if _read_file(name) == content), None)
    # Another release of the database, or another form of its files. Two releases may differ about a zone's past: what
    # it has shown since 2020 is what its crons depend on.
    return name or _zone_that_shows(copy, 0) or _zone_that_shows(copy, _EPOCH_2020)


def _zone_that_shows(copy: zoneinfo.ZoneInfo, first: int) -> str | None:
    shown = {second: _shown(copy, second) for second in _telling_moments(copy, first)}
    for name in zone_names():
        zone = zoneinfo.ZoneInfo(name)
        if all(_shown(zone, second) == each for second, each in shown.items()):
            return name
    return None


def _telling_moments(zone: zoneinfo.ZoneInfo, first: int) -> Iterator[int]:
    """Yield a moment every ten days, and the last one before and the first one after each change of the clocks."""
    for begin in range(first, _EPOCH_2038, _TEN_DAYS):
        before = _shown(zone, begin)
        yield begin
        if _shown(zone, begin + _TEN_DAYS) != before:
            change = _change_after(zone, begin)
            yield from (change - 1, change)


def _change_after(zone: zoneinfo.ZoneInfo, begin: int) -> int:
    """Give the first moment of the next ten days that shows what their end does."""
    last, end = begin, begin + _TEN_DAYS
    shown = _shown(zone, end)
    while end - last > 1:
        middle = (last + end) // 2
        if _shown(zone, middle) == shown:
            end = middle
        else:
            last = middle
    return end


def zones_like(clocks: Sequence[tuple[int, int, str]]) -> Iterator[str]:
    """Yield the zones whose clocks have these offsets and abbreviations, each at an instant (epoch seconds)."""
    for name in zone_names():
        zone = zoneinfo.ZoneInfo(name)
        if all(
            _shown(zone, second) == (dt.timedelta(seconds=offset), abbreviation)
            for second, offset, abbreviation in clocks
        ):
            yield name


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """Give the names of all zones: those that are well known, those of the database's own list of places, the others."""
    known = zoneinfo.available_timezones() - NO_ZONES
    rows = [line.split("\t") for line in _read_table().splitlines() if not line.startswith("#")]
    listed = [row[_NAME_COLUMN] for row in rows if len(row) > _NAME_COLUMN]
    return tuple(name for name in dict.fromkeys([*_WELL_KNOWN, *listed, *sorted(known)]) if name in known)


def _read_table() -> str:
    return (_read_file(_TABLE) or b"").decode()


def _read_file(name: str) -> bytes | None:
    """Read a file of the zone database, from where `zoneinfo` has it."""
    for folder in zoneinfo.TZPATH:
        with contextlib.suppress(OSError):
            return (Path(folder) / name).read_bytes()
    with contextlib.suppress(OSError, ModuleNotFoundError):
        return importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    return None


def _shown(zone: zoneinfo.ZoneInfo, second: int) -> _Shown:
    moment = dt.datetime.fromtimestamp(second, zone)
    return moment.utcoffset(), moment.tzname()
