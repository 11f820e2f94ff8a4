"""Time zones by their IANA names: this machine's, and whether one exists. Standard library only, quick to import."""

import contextlib
import difflib
import os
import zoneinfo
from collections.abc import Mapping
from pathlib import Path

_ZONE_DIRECTORY = "zoneinfo/"
# Files in the zone database that are no zones, or mean another one on each machine.
_NO_ZONES = frozenset({"localtime", "Factory", "posixrules"})


def machine_time_zone(
    environment: Mapping[str, str] | None = None, localtime: Path = Path("/etc/localtime")
) -> str:
    """Give the IANA name of this machine's time zone, from `TZ` or the link `/etc/localtime`; UTC when neither tells."""
    candidates = [(os.environ if environment is None else environment).get("TZ", "").removeprefix(":")]
    # A machine may lack the link, or have a copy of the zone's file, which does not tell its name.
    with contextlib.suppress(OSError):
        candidates.append(str(localtime.readlink()))
    names = (candidate.rpartition(_ZONE_DIRECTORY)[2] for candidate in candidates)
    return next((name for name in names if name and time_zone_problem(name) is None), "UTC")


def time_zone_problem(name: str) -> str | None:
    """Say what is wrong with the name of a time zone, or None when there is such a zone."""
    try:
        zoneinfo.ZoneInfo("" if name in _NO_ZONES else name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        close = difflib.get_close_matches(name, zoneinfo.available_timezones(), n=1)
        hint = f"; did you mean {close[0]}?" if close else ", such as Europe/Berlin or UTC"
        return f"must be the IANA name of a time zone{hint}"
    return None
