"""The seven fields, and how a list of values, ranges and steps in one of them is read.

Knows nothing of ``?``, ``L``, ``W`` and ``#``: those belong to the day fields (see ``days``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from elasticjob_cloud.cron.errors import InvalidCronError, quoted

FIRST_YEAR = 1970
LAST_WRITTEN_YEAR = 2099
"""The manual's bound for a year that is written out."""

LAST_YEAR = 2999
"""Where ``*`` and ``2020/5`` end. Quartz gives up at the same year with any expression."""

_LONGEST_NUMBER = 4


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the expression: its bounds, its step limit (Quartz's own) and its names."""

    name: str
    first: int
    last: int
    longest_step: int
    names: tuple[str, ...] = ()
    open_end: int | None = None
    bit_0: int = 0
    """The value that bit 0 of a mask stands for."""

    @property
    def end(self) -> int:
        """The last value that ``*`` and ``n/m`` reach."""
        return self.last if self.open_end is None else self.open_end


MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

SECONDS = Field("seconds", 0, 59, 59)
MINUTES = Field("minutes", 0, 59, 59)
HOURS = Field("hours", 0, 23, 23)
DAY_OF_MONTH = Field("day of month", 1, 31, 31)
MONTH = Field("month", 1, 12, 12, MONTH_NAMES)
DAY_OF_WEEK = Field("day of week", 1, 7, 7, WEEKDAY_NAMES)
# Quartz checks no step for years, it only reads it into a Java int. Bit 0 is a year that never fires, because
# a search may begin in the last hours before the first year, somewhere on earth.
YEAR = Field("year", FIRST_YEAR, LAST_WRITTEN_YEAR, 2**31 - 1, open_end=LAST_YEAR, bit_0=FIRST_YEAR - 1)

_ITEM = re.compile(
    r"""(?P<start> \* | [0-9]+ | [A-Z]+ )?
        (?: - (?P<stop> [0-9]+ | [A-Z]+ ) )?
        (?: / (?P<step> [0-9]+ ) )?""",
    re.VERBOSE,
)


# Few texts make up the fields of many expressions: "0", "*", "0/5".
@lru_cache(maxsize=4096)
def read_mask(field: Field, text: str) -> int:
    """Read a field's list, such as ``1,5-10,30/15``, to a mask of the values that it stands for.

    Args:
        field: Which field the text is from; its ``bit_0`` is what bit 0 stands for.
        text: The field's text, upper case and ASCII.

    Raises:
        InvalidCronError: Where an item is not a value, a range or a step within the field's bounds.
    """
    mask = 0
    for item in text.split(","):
        for value in _item_values(field, item):
            mask |= 1 << value - field.bit_0
    return mask


def read_value(field: Field, token: str) -> int:
    """Read one number or name of the field.

    Raises:
        InvalidCronError: If it is out of the field's bounds, or no name of the field.
    """
    if token.isdigit():
        return read_number(field, token, field.first, field.last)
    if token in field.names:
        return field.names.index(token) + field.first
    raise InvalidCronError(field.name, f"has {quoted(token)}, which {_why_no_name(field, token)}")


def read_number(field: Field, digits: str, lowest: int, highest: int, *, what: str = "") -> int:
    """Read a number that must lie between two bounds; ``what`` says what it counts, for the message.

    Raises:
        InvalidCronError: If it does not, or has so many leading zeros that it is likely a slip.
    """
    number = int(digits)
    if not lowest <= number <= highest:
        problem = f"has {what}{quoted(digits)}, which is not between {lowest} and {highest}"
        raise InvalidCronError(field.name, problem)
    if len(digits) > max(_LONGEST_NUMBER, len(str(number))):
        problem = f"has {what}{quoted(digits)}: write {number}, without the leading zeros"
        raise InvalidCronError(field.name, problem)
    return number


def _item_values(field: Field, item: str) -> Iterable[int]:
    match = _ITEM.fullmatch(item)
    if match is None or not item:
        raise InvalidCronError(field.name, _why_unreadable(item))
    start, stop, step_text = match["start"], match["stop"], match["step"]
    whole = start is None or start == "*"
    if whole and stop is not None:
        raise InvalidCronError(field.name, _why_unreadable(item))
    step = _read_step(field, step_text)
    if whole:
        return range(field.first, field.end + 1, step)
    first = read_value(field, start)
    if stop is not None:
        first, last = _read_range(field, start, stop)
    else:
        last = first if step_text is None else field.end
    if step_text is not None and start.isalpha():
        raise InvalidCronError(field.name, _why_no_step(item, first, None if stop is None else last, step))
    return _wrapped_range(field, first, last, step)


def _read_range(field: Field, start: str, stop: str) -> tuple[int, int]:
    first, last = read_value(field, start), read_value(field, stop)
    if start.isdigit() != stop.isdigit():
        raise InvalidCronError(field.name, f"mixes a name and a number in a range: write {first}-{last}")
    if field is YEAR and first > last:
        problem = f"has the range {first}-{last}, which runs backwards: write {last}-{first}"
        raise InvalidCronError(field.name, problem)
    return first, last


def _wrapped_range(field: Field, first: int, last: int, step: int) -> Iterable[int]:
    """Count from first to last, over the field's end if need be.

    A wrapped range keeps its pace over the end: ``50-10/15`` minutes are 50 and 5 (Quartz vectors).
    """
    if first <= last:
        return range(first, last + 1, step)
    size = field.last - field.first + 1
    return ((value - field.first) % size + field.first for value in range(first, last + size + 1, step))


def _read_step(field: Field, step: str | None) -> int:
    return 1 if step is None else read_number(field, step, 1, field.longest_step, what="the step ")


def _why_no_step(item: str, first: int, last: int | None, step: int) -> str:
    """Explain why ``MON-FRI/2`` is refused: Quartz drops the step in silence, which nobody can have meant."""
    in_numbers = f"{first}/{step}" if last is None else f"{first}-{last}/{step}"
    return f"has {quoted(item)}, a step after a name; steps need numbers: write {in_numbers}"


def _why_no_name(field: Field, token: str) -> str:
    if not field.names:
        return "is not a number"
    if token[:3] in field.names:
        return f"is not a name: write {token[:3]}"
    return f"is not a name: use {field.names[0]} to {field.names[-1]}, or {field.first} to {field.last}"


def _why_unreadable(item: str) -> str:
    if not item:
        return "has an empty item in its list: remove the comma that is too many"
    if "?" in item:
        return "has '?', which is only for day of month or day of week, and stands there alone"
    if "#" in item:
        return f"has {quoted(item)}, but '#' is only for day of week, such as 6#3"
    if item.startswith("*"):
        return f"has {quoted(item)}, but nothing may follow '*' except a step, such as */5"
    return f"has {quoted(item)}, which is not a value, a range such as 1-5, or a step such as 0/5"
