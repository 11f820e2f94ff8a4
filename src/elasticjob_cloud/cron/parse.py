"""From the text of an expression to what the search needs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from elasticjob_cloud.cron.days import (
    DayRule,
    LastDay,
    LastWeekday,
    ListedDays,
    ListedWeekdays,
    NearestWorkday,
    NthWeekday,
    YearCalendar,
    year_calendar,
)
from elasticjob_cloud.cron.errors import InvalidCronError, quoted
from elasticjob_cloud.cron.fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    HOURS,
    MINUTES,
    MONTH,
    SECONDS,
    YEAR,
    read_mask,
    read_number,
    read_value,
)
from elasticjob_cloud.cron.pasted import meant_lines, name_character, plain_character
from elasticjob_cloud.cron.weekdays import numbered_weekdays

_FIELDS = (SECONDS, MINUTES, HOURS, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR)
_FEWEST_FIELDS = len(_FIELDS) - 1
_UNIX_FIELDS = 5
_LONGEST_GUESS = 100
_LONGEST_TEXT = 1000
"""All values of all fields written out take about 900 characters, and nobody does that."""

_GREATEST_OFFSET = 30
_GREATEST_NTH = 5
_SATURDAY = 7

_FOREIGN = re.compile(r"[^0-9A-Za-z*?,/#-]")
_ODD = re.compile(r"[^ -~\t]")
_FROM_LAST_DAY = re.compile(r"L(?:-([0-9]+))?(W)?")
_NEAREST_WORKDAY = re.compile(r"([0-9]+)W")
_LAST_WEEKDAY = re.compile(r"([0-9]+|[A-Z]{3})L")
_NTH_WEEKDAY = re.compile(r"([0-9]+|[A-Z]+)#([0-9]+)")


@dataclass(frozen=True, slots=True)
class Plan:
    """An expression, ready for the search: for each field a mask of values, see `Field.bit_0`."""

    seconds: int
    minutes: int
    hours: int
    years: int
    calendar: YearCalendar


def parse_plan(text: str) -> Plan:
    """Read an expression.

    Raises:
        InvalidCronError: At the first thing that is wrong, from left to right.
    """
    try:
        return _read_fields(_split(text))
    except InvalidCronError as error:
        meant = _quote_meant_lines(text)
        if not meant:
            raise
        raise InvalidCronError(error.field, f"{error.problem}; here: {meant}") from None


def _read_fields(fields: list[str]) -> Plan:
    second, minute, hour, day, month, weekday, year = fields
    seconds = read_mask(SECONDS, second)
    minutes = read_mask(MINUTES, minute)
    hours = read_mask(HOURS, hour)
    day_rule = None if day == "?" else _read_day_rule(day)
    months = read_mask(MONTH, month)
    weekday_rule = None if weekday == "?" else _read_weekday_rule(weekday)
    years = read_mask(YEAR, year)
    calendar = year_calendar(_choose_rule(day_rule, weekday_rule), months)
    return Plan(seconds, minutes, hours, years, calendar)


def _split(text: str) -> list[str]:
    """Split the text into seven fields in upper case, with ``*`` for a year that is not given."""
    if len(text) > _LONGEST_TEXT:
        raise InvalidCronError("expression", f"has {len(text)} characters, more than {_LONGEST_TEXT}")
    # Quartz separates by spaces and tabs only; str.split() without an argument would let in newlines.
    parts = text.replace("\t", " ").split(" ")
    parts = [part for part in parts if part]
    if not _FEWEST_FIELDS <= len(parts) <= len(_FIELDS):
        raise InvalidCronError("expression", _why_wrong_count(text, len(parts)))
    for field, part in zip(_FIELDS, parts, strict=False):
        foreign = _FOREIGN.search(part)
        if foreign is not None:
            raise InvalidCronError(field.name, _why_foreign(foreign[0]))
    if len(parts) == _FEWEST_FIELDS:
        parts.append("*")
    return [part.upper() for part in parts]


def _why_foreign(character: str) -> str:
    plain = plain_character(character)
    if plain == "":
        instead = "remove it"
    elif plain == " ":
        instead = "separate fields by plain spaces"
    elif plain is None or _FOREIGN.search(plain):
        instead = "write it with letters, digits and * ? , - / # only"
    else:
        instead = f"write '{plain}'"
    return f"has {name_character(character)}; {instead}"


def _why_wrong_count(text: str, count: int) -> str:
    odd = _ODD.search(text)
    if odd is not None:
        return f"has {name_character(odd[0])}; separate its fields by plain spaces"
    if text.lstrip().startswith("@"):
        return f"is {quoted(text.strip())}, which Quartz does not know"
    wanted = "write six, or seven with the year: second minute hour day-of-month month day-of-week [year]"
    if not count:
        return f"is empty: {wanted}"
    if count == _UNIX_FIELDS:
        wanted += "; to a Unix expression add '0' in front, and put '?' for one of the two day fields"
    return f"has {count} field{'s' if count > 1 else ''}: {wanted}"


def _quote_meant_lines(text: str) -> str:
    """Quote what the text most likely means, as lines that can be used; nothing where that cannot be told."""
    for lines in meant_lines(text) if len(text) <= _LONGEST_GUESS else ():
        if lines and all(map(_is_valid, lines)):
            return " and ".join(map(_quote_line, lines))
    return ""


def _quote_line(line: str) -> str:
    numbered = numbered_weekdays(line)
    return f"'{line}'" if numbered is None else f"'{line}' ({numbered[0]} is {numbered[1]})"


def _is_valid(line: str) -> bool:
    try:
        _read_fields(_split(line))
    except InvalidCronError:
        return False
    return True


def _choose_rule(day_rule: DayRule | None, weekday_rule: DayRule | None) -> DayRule:
    """Return the one day field that is not ``?``: Quartz knows no "and" and no "or" of the two."""
    if day_rule is None:
        if weekday_rule is None:
            problem = "is '?', and so is day of month: write '*' in one of them"
            raise InvalidCronError(DAY_OF_WEEK.name, problem)
        return weekday_rule
    if weekday_rule is None:
        return day_rule
    problem = "and the day of month field are both set: write '?' in the one that shall not matter"
    raise InvalidCronError(DAY_OF_WEEK.name, problem)


def _read_day_rule(text: str) -> DayRule:
    if match := _FROM_LAST_DAY.fullmatch(text):
        offset = match[1] or "0"
        days_before = read_number(DAY_OF_MONTH, offset, 0, _GREATEST_OFFSET, what="the offset L-")
        return LastDay(days_before, workday=match[2] is not None)
    if match := _NEAREST_WORKDAY.fullmatch(text):
        return NearestWorkday(read_value(DAY_OF_MONTH, match[1]))
    if re.search("[LW]", text):
        raise InvalidCronError(DAY_OF_MONTH.name, _why_special_day(text))
    return ListedDays(read_mask(DAY_OF_MONTH, text))


def _read_weekday_rule(text: str) -> DayRule:
    if text == "L":
        return ListedWeekdays(1 << _SATURDAY)
    if match := _LAST_WEEKDAY.fullmatch(text):
        return LastWeekday(read_value(DAY_OF_WEEK, match[1]))
    if match := _NTH_WEEKDAY.fullmatch(text):
        weekday = read_value(DAY_OF_WEEK, match[1])
        return NthWeekday(weekday, read_number(DAY_OF_WEEK, match[2], 1, _GREATEST_NTH, what="the count #"))
    if "L" in text or "#" in text:
        raise InvalidCronError(DAY_OF_WEEK.name, _why_special_weekday(text))
    return ListedWeekdays(read_mask(DAY_OF_WEEK, text))


def _why_special_day(text: str) -> str:
    forms = "'L', 'L-3', 'LW', 'L-3W' and '15W'"
    if "," in text:
        return f"has {quoted(text)}, but {forms} stand alone: use a second job for the other days"
    return f"has {quoted(text)}, but 'L' and 'W' are only known as {forms}"


def _why_special_weekday(text: str) -> str:
    forms = "'6L' and '6#3'"
    if "," in text:
        return f"has {quoted(text)}, but {forms} stand alone: use a second job for the other days"
    return f"has {quoted(text)}, but 'L' and '#' are only known as 'L', {forms}, with one weekday before them"
