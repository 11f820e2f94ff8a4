"""The rules for app and job names (api.md, "How every call behaves")."""

import unicodedata

MAXIMUM_NAME_LENGTH = 100
_EXTRA = frozenset("_.-")


def name_problem(name: str) -> str | None:
    """Say what is wrong with an app or job name, or None when it is a good one."""
    if not 1 <= len(name) <= MAXIMUM_NAME_LENGTH:
        return f"must have 1 to {MAXIMUM_NAME_LENGTH} characters, it has {len(name)}."
    bad = sorted({character for character in name if not _allowed(character)})
    if bad:
        shown = ", ".join(ascii(character) for character in bad[:5])
        return f"may hold letters, digits, '_', '.' and '-' only, not {shown}."
    if name.strip(".") == "":
        return "must have at least one character that is not a dot."
    return None


def _allowed(character: str) -> bool:
    # Marks (M*) belong to the letters of many scripts, such as the vowel signs of Hindi and Thai.
    return character in _EXTRA or unicodedata.category(character)[0] in "LM" or character.isdecimal()
