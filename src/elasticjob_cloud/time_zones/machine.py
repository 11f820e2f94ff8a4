"""The time zone of this machine, by its IANA name. Standard library only, quick to import."""

import contextlib
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from elasticjob_cloud.time_zones.names import OTHER_BUILDS, is_time_zone

_DEFAULT_ZONE = "UTC"
_ZONE_DIRECTORY = "zoneinfo/"
_LOCALTIME = Path("/etc/localtime")
_HALF_YEAR_SECONDS = 15_778_800
_RULE_OF_UTC = re.compile(r":?<?(UTC|GMT|UCT|Z)>?[+-]?0?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MachineZone:
    """The zone of this machine by its IANA name, and a warning where it may be another one."""

    name: str
    warning: str = ""


def machine_time_zone(environment: Mapping[str, str] | None = None, localtime: Path = _LOCALTIME) -> str:
    """Give the IANA name of this machine's time zone; UTC when it cannot be told."""
    return find_machine_zone(environment, localtime).name


def find_machine_zone(
    environment: Mapping[str, str] | None = None,
    localtime: Path = _LOCALTIME,
    *,
    local_clock: Callable[[float], time.struct_time] = time.localtime,
    now: Callable[[], float] = time.time,
) -> MachineZone:
    """Find this machine's time zone as the C library does: `TZ` counts most, then `/etc/localtime`.

    Args:
        environment: Where `TZ` is looked for.
        localtime: A link to the zone's file, or a copy: then what it says is compared with all zones.
        local_clock: The system's own reading at an instant, which a zone that has no name is compared with.
        now: The epoch second.
    """
    variable = (os.environ if environment is None else environment).get("TZ")
    if variable is None or variable.removeprefix(":") == "localtime":
        name = _name_of_file(localtime)
        source = f"{localtime} is not the file of a known zone"
    else:
        name = _name_of_variable(variable)
        source = f"TZ is {variable[:64]!r}, which is not the name of a zone"
    if name is not None:
        return MachineZone(name)
    is_utc = variable is None or _RULE_OF_UTC.fullmatch(variable) is not None
    return MachineZone(_DEFAULT_ZONE, _warning_of(source, local_clock, int(now()), is_utc=is_utc))


def _name_of_variable(variable: str) -> str | None:
    value = variable.removeprefix(":")
    if not value:
        return _DEFAULT_ZONE  # set but empty: the C library takes UTC
    return _name_in_path(value) or (_name_of_file(Path(value)) if value.startswith("/") else None)


def _name_in_path(path: str) -> str | None:
    """Give the zone that a name, or the path of a file in a zone database, stands for."""
    name = path.rpartition(_ZONE_DIRECTORY)[2]
    for prefix in OTHER_BUILDS:
        name = name.removeprefix(prefix)
    return name if is_time_zone(name) else None


def _name_of_file(path: Path) -> str | None:
    name = None
    with contextlib.suppress(OSError, RuntimeError):
        # The last name before the file: in a zone database, links go on to other names of the zone.
        name = _name_in_path(str(path.readlink())) or _name_in_path(str(path.resolve(strict=True)))
    if name is None and path.exists():
        from elasticjob_cloud.time_zones.files import name_of_zone_file  # noqa: PLC0415 - seldom needed

        name = name_of_zone_file(path)
    return name


def _warning_of(
    source: str, local_clock: Callable[[float], time.struct_time], now: int, *, is_utc: bool
) -> str:
    moments = (now, now + _HALF_YEAR_SECONDS)
    clocks = [
        (moment, clock.tm_gmtoff, clock.tm_zone) for moment in moments for clock in (local_clock(moment),)
    ]
    offsets = dict.fromkeys(offset for _, offset, _ in clocks)
    if is_utc and list(offsets) == [0]:
        return ""
    from elasticjob_cloud.time_zones.files import zones_like  # noqa: PLC0415 - seldom needed

    like = next(zones_like(clocks), "ZONE")
    shown = " or ".join(map(_shown_offset, offsets))
    return (
        f"This machine's time zone has no name: {source}. The machine's clock is at {shown}; {_DEFAULT_ZONE} is used. "
        f"Set the zone with --time-zone {like}, or with time_zone in the settings."
    )


def _shown_offset(seconds: int) -> str:
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"UTC{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}"
