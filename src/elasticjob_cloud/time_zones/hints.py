"""What people write for a time zone that is no IANA name, and the name to write instead."""

import difflib
import re
import zoneinfo
from functools import lru_cache
from typing import Final

from elasticjob_cloud.time_zones.names import NO_ZONES, is_time_zone

_PLACES: Final = {
    # Names of cities, abbreviations, and Windows' names.
    "Asia/Shanghai": "china_standard_time beijing peking guangzhou shenzhen hangzhou nanjing chengdu wuhan tianjin xian china bjt",
    "Asia/Kolkata": "india_standard_time mumbai bombay delhi new_delhi bangalore bengaluru chennai hyderabad india",
    "Asia/Tokyo": "tokyo_standard_time osaka kyoto japan jst",
    "Asia/Seoul": "busan korea kst",
    "Asia/Hong_Kong": "hk hkt",
    "Asia/Singapore": "sgt",
    "Asia/Taipei": "taiwan",
    "Asia/Ho_Chi_Minh": "hanoi ha_noi",
    "Europe/Berlin": "w._europe_standard_time munich frankfurt hamburg cologne germany cest",
    "Europe/London": "gmt_standard_time manchester edinburgh england uk",
    "Europe/Paris": "lyon marseille france",
    "Europe/Madrid": "barcelona spain",
    "Europe/Rome": "milan italy",
    "Europe/Zurich": "geneva basel bern switzerland",
    "Europe/Moscow": "saint_petersburg st_petersburg russia msk",
    "America/New_York": "eastern_standard_time washington boston miami atlanta philadelphia edt et",
    "America/Chicago": "central_standard_time dallas houston austin cdt ct",
    "America/Denver": "salt_lake_city mdt mt",
    "America/Los_Angeles": "pacific_standard_time san_francisco seattle san_diego las_vegas pst pdt pt",
    "America/Sao_Paulo": "rio_de_janeiro brasilia brt",
    "Australia/Sydney": "aest aedt",
}
_NAMES: Final = {word: name for name, words in _PLACES.items() for word in words.split()}
# Several countries use them.
_AMBIGUOUS: Final = {
    "cst": "Asia/Shanghai or America/Chicago",
    "ist": "Asia/Kolkata, Asia/Jerusalem or Europe/Dublin",
    "bst": "Europe/London or Asia/Dhaka",
}
# A zone for each offset that has a well-known one, in minutes.
_ZONES_BY_OFFSET: Final = {
    -480: "America/Los_Angeles",
    -360: "America/Chicago",
    -300: "America/New_York",
    -210: "America/St_Johns",
    -180: "America/Sao_Paulo",
    60: "Europe/Berlin",
    180: "Europe/Moscow",
    210: "Asia/Tehran",
    270: "Asia/Kabul",
    330: "Asia/Kolkata",
    345: "Asia/Kathmandu",
    390: "Asia/Yangon",
    420: "Asia/Bangkok",
    480: "Asia/Shanghai",
    540: "Asia/Tokyo",
    570: "Australia/Darwin",
    600: "Australia/Brisbane",
}
_OFFSET: Final = re.compile(
    r"(?P<label>[a-z]*) ?(?P<sign>[+\u2212-]) ?(?P<hours>\d{1,2})(?::?(?P<minutes>[0-5]\d))?", re.IGNORECASE
)
_UTC_LABELS: Final = ("", "utc", "gmt", "z")
_LONGEST_NAME: Final = 64
_WEST, _EAST = -12, 14  # as far as Etc/GMT goes


def time_zone_problem(name: str) -> str | None:
    """Say what is wrong with the name of a time zone, or None when there is such a zone."""
    return None if is_time_zone(name) else f"must be the IANA name of a time zone{zone_hint(name)}"


def zone_hint(name: str) -> str:
    """Say what to write in place of a name that is no zone: the end of a message, with its full stop."""
    name = name.strip()[:_LONGEST_NAME]
    known = _names_in_lower_case()
    word = name.lower().replace(" ", "_")
    meant = known.get(word) or _AMBIGUOUS.get(word) or _NAMES.get(word.rpartition("/")[2])
    if meant:
        return f"; did you mean {meant}?"
    if match := _OFFSET.fullmatch(name):
        return _offset_hint(match)
    close = difflib.get_close_matches(name, known.values(), n=1)
    return f"; did you mean {close[0]}?" if close else ", such as Asia/Shanghai or UTC."


@lru_cache(maxsize=1)
def _names_in_lower_case() -> dict[str, str]:
    return {name.lower(): name for name in zoneinfo.available_timezones() - NO_ZONES}


def _offset_hint(match: re.Match[str]) -> str:
    minutes = int(match["hours"]) * 60 + int(match["minutes"] or 0)
    east = match["sign"] == "+"
    if match["label"].lower() not in _UTC_LABELS:
        east = not east  # POSIX counts west of Greenwich: CST-8 is east of it
    offset = minutes if east else -minutes
    names = [_ZONES_BY_OFFSET[offset]] if offset in _ZONES_BY_OFFSET else []
    hours, rest = divmod(offset, 60)
    if not offset:
        names = ["UTC"]
    elif not rest and _WEST <= hours <= _EAST:
        names.append(f"Etc/GMT{-hours:+d} (its sign is the other way round)")
    if not names:
        return ", such as Asia/Shanghai or UTC."
    shown = f"UTC{'+' if offset >= 0 else '-'}{minutes // 60}" + (
        f":{minutes % 60:02d}" if minutes % 60 else ""
    )
    return f"; for {shown} write {' or '.join(names)}."
