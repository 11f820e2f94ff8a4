"""The rules for app, job and user names (api.md, "How every call behaves")."""

import unicodedata
from typing import Final

MAXIMUM_NAME_LENGTH = 100
_EXTRA = frozenset("_.-")
# Letters and marks that show nothing: fillers, joiners, selectors of variants. Two names must not look like one.
_INVISIBLE_RANGES: Final = (
    *(
        (0x034F, 0x034F),
        (0x061C, 0x061C),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
    ),
    *(
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
    ),
    *((0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x13441, 0x13446), (0x16FE4, 0x16FE4), (0x1BCA0, 0x1BCA3)),
    *((0x1D159, 0x1D159), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)


def name_problem(name: str) -> str | None:
    """Say what is wrong with the name of a new app or job, or None when it is a good one."""
    return known_name_problem(name) or _looks_problem(name)


def known_name_problem(name: str) -> str | None:
    """Say why there can be no app or job of this name, or None: earlier versions accepted more than `name_problem` does."""
    if not 1 <= len(name) <= MAXIMUM_NAME_LENGTH:
        return f"must have 1 to {MAXIMUM_NAME_LENGTH} characters, it has {len(name)}."
    bad = sorted({character for character in name if not _allowed(character)})
    if bad:
        return f"may hold letters, digits, '_', '.' and '-' only, not {_shown(bad)}."
    if name.strip(".") == "":
        return "must have at least one character that is not a dot."
    return None


def user_name_problem(name: str) -> str | None:
    """Say what is wrong with the name of a user, or None: it must look like no other."""
    bad = sorted({each for each in name if unicodedata.category(each)[0] in "CZ" and each != " "})
    if bad:
        return f"must not hold {_shown(bad)}, which cannot be seen."
    if name != name.strip():
        return "must not begin or end with a space."
    return _looks_problem(name)


def _looks_problem(name: str) -> str | None:
    invisible = sorted({character for character in name if _is_invisible(character)})
    if invisible:
        return f"may hold visible characters only, not {_shown(invisible)}."
    if name and unicodedata.category(name[0])[0] == "M":
        return f"may hold {name[0]!a} only after the letter that it belongs to."
    composed = unicodedata.normalize("NFC", name)
    if composed != name:
        return f"must have its accents in Unicode's composed form (NFC): {composed}"
    return None


def _is_invisible(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _INVISIBLE_RANGES)


def _shown(characters: list[str]) -> str:
    return ", ".join(ascii(character) for character in characters[:5])


def _allowed(character: str) -> bool:
    # Marks (M*) belong to the letters of many scripts, such as the vowel signs of Hindi and Thai.
    return character in _EXTRA or unicodedata.category(character)[0] in "LM" or character.isdecimal()


def is_own_variable(name: str) -> bool:
    """Tell whether an environment variable is one of our own, in any case: settings are read in each."""
    return name.upper().startswith("ELASTICJOB_")
