"""Texts from outside, made fit to be shown in a message."""

from typing import Any

_LONGEST = 100


def shown(text: str) -> str:
    """Give a text cut short, with control characters and lone surrogates written as escapes."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in cut
    )


def described(value: Any) -> str:
    """Say what kind of JSON value this is, and which, when it is short."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the string '{shown(value)}'"
        case dict():
            return "an object"
        case _:
            return "an array"
