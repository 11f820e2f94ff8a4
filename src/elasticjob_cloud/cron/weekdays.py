"""Numbers of weekdays, written as names: in Quartz 1 is Sunday, which most people do not expect."""

from __future__ import annotations

import re

from elasticjob_cloud.cron.fields import DAY_OF_WEEK, WEEKDAY_NAMES, read_mask

_PLACE = 5
_SPECIAL = re.compile(r"([1-7])(L|#[1-5])")


def numbered_weekdays(text: str) -> tuple[str, str] | None:
    """Give a valid expression's day of week field and its meaning in names; None when the field has no numbers."""
    written = [part for part in text.replace("\t", " ").split(" ") if part][_PLACE]
    field = written.upper()
    if special := _SPECIAL.fullmatch(field):
        return written, f"{WEEKDAY_NAMES[int(special[1]) - 1]}{special[2]}"
    if "#" in field:
        return None
    named = ",".join(_name_item(item) for item in field.split(","))
    return None if named == field else (written, named)


def _name_item(item: str) -> str:
    if "/" not in item:
        return re.sub(r"[0-9]+", lambda match: WEEKDAY_NAMES[int(match[0]) - 1], item)
    mask = read_mask(DAY_OF_WEEK, item)
    return ",".join(name for day, name in enumerate(WEEKDAY_NAMES, start=1) if mask >> day & 1)
