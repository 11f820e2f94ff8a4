"""What people paste in place of a Quartz expression, and the Quartz line that they mean.

Nothing here makes an expression acceptable: a line that was guessed goes into a message, for a person to judge.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from elasticjob_cloud.cron.crontab import quartz_lines

_NICKNAMES = {
    "@yearly": "0 0 0 1 1 ?",
    "@annually": "0 0 0 1 1 ?",
    "@monthly": "0 0 0 1 * ?",
    "@weekly": "0 0 0 ? * SUN",
    "@daily": "0 0 0 * * ?",
    "@midnight": "0 0 0 * * ?",
    "@hourly": "0 0 * * * ?",
    "@minutely": "0 * * * * ?",
}
_DAY_OF_MONTH = 3
_DAY_OF_WEEK = 5
_EVERY = re.compile(r"@every\s+([1-9][0-9]?)(s|m|h)", re.IGNORECASE)
_EVERY_LINES = {"s": (60, "0/{} * * * * ?"), "m": (60, "0 0/{} * * * ?"), "h": (24, "0 0 0/{} * * ?")}
_CONTROL_NAMES = {
    "\n": "line feed",
    "\r": "carriage return",
    "\v": "vertical tab",
    "\f": "form feed",
    "\0": "NUL",
}
# Signs that look like those of an expression, and that Unicode does not count as forms of them.
_LOOK_ALIKES = {
    "\u2217": "*",
    "\u204e": "*",
    "\u2731": "*",
    "\u2212": "-",
    "\u3001": ",",
    "\u2044": "/",
    "\u2215": "/",
    **dict.fromkeys("\"'`\u2018\u2019\u201c\u201d", ""),
}


def name_character(character: str) -> str:
    """Name a character for a message in ASCII."""
    name = _CONTROL_NAMES.get(character) or unicodedata.name(character, "").lower()
    return (
        f"{character!a} ({name}, U+{ord(character):04X})"
        if name
        else f"{character!a} (U+{ord(character):04X})"
    )


def plain_character(character: str) -> str | None:
    """Give what an expression has in place of an odd character: ``*`` for a full-width one, nothing for what is invisible."""
    if character in _LOOK_ALIKES:
        return _LOOK_ALIKES[character]
    if character.isspace():
        return " "
    if unicodedata.category(character) == "Cf":
        return ""
    if unicodedata.category(character) == "Pd":
        return "-"
    digit = unicodedata.decimal(character, None)
    plain = unicodedata.normalize("NFKC", character) if digit is None else str(digit)
    return plain if len(plain) == 1 and plain.isascii() and plain.isprintable() else None


def meant_lines(text: str) -> Iterator[list[str]]:
    """Yield what a text may mean: a Quartz line, or the lines of the jobs that it takes. Not all are valid."""
    plain = "".join(_plain(character) for character in text)
    fields = plain.split()
    if nickname := _nickname_line(" ".join(fields)):
        yield [nickname]
    yield [" ".join(fields)]
    yield quartz_lines(fields)
    # Other crons have a star where Quartz has a question mark.
    for index in (_DAY_OF_WEEK, _DAY_OF_MONTH):
        if len(fields) > _DAY_OF_WEEK and fields[index] == "*":
            yield [" ".join([*fields[:index], "?", *fields[index + 1 :]])]


def _plain(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    plain = plain_character(character)
    return character if plain is None else plain


def _nickname_line(text: str) -> str | None:
    if match := _EVERY.fullmatch(text):
        size, line = _EVERY_LINES[match[2].lower()]
        return line.format(int(match[1])) if size % int(match[1]) == 0 and int(match[1]) < size else None
    return _NICKNAMES.get(text.lower())
