"""Which names are those of time zones. Standard library only, quick to import."""

from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Files in the zone database that are no zones, or mean another one on each machine.
NO_ZONES: Final = frozenset({"localtime", "Factory", "posixrules"})
OTHER_BUILDS: Final = (
    "posix/",
    "right/",
)  # folders of the same zones; those in the second count leap seconds


def is_time_zone(name: str) -> bool:
    """Tell whether this is the IANA name of a time zone that the zone database here has."""
    if name in NO_ZONES or name.startswith(OTHER_BUILDS):
        return False
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):  # no path, a folder (`Asia`), no such file
        return False
    return True
