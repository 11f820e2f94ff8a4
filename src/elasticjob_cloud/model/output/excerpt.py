"""What is kept of a text that is too long: its beginning and its end, which most often names the reason.

One rule for the SDK, the agent, the store, the API and alerts.
"""

import re
from collections.abc import Iterable
from typing import Final

# The detail of a failure: the same text in the SDK, the agent, the store and the API.
DETAIL_CHARACTERS = 16_000
# Its summary: one line.
SUMMARY_CHARACTERS = 500
_TRACE_LINES: Final = ("Traceback (most recent call last)", 'File "')
# Colours, cursor movements and titles of terminals.
_ESCAPES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
)
# All other controls except tabs and line feeds, and the marks that change the direction of what follows.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def excerpt(text: str, limit: int = DETAIL_CHARACTERS) -> str:
    """Give the text in at most `limit` characters (100 or more), its middle replaced by a line that tells how much is missing."""
    if len(text) <= limit:
        return text
    # The line takes 30 characters and the digits of a number.
    half = (limit - 53) // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


def excerpt_bytes(text: str, limit_bytes: int) -> str:
    """Give the text as `excerpt` does, for a receiver that counts bytes of UTF-8 (100 or more)."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit_bytes:
        return data.decode()
    # The line takes 25 bytes and the digits of a number.
    half = (limit_bytes - 48) // 2
    begin, end = (part.decode("utf-8", "ignore") for part in (data[:half], data[-half:]))
    return f"{begin}\n... {len(data) - 2 * half} bytes left out ...\n{end}"


def plain(text: str) -> str:
    """Give what a terminal would show: no escape sequences or control characters, and of an overwritten line its last state."""
    if "\x1b" in text or "\x9b" in text:
        text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _CONTROLS.sub("", text)


def one_line(text: str, limit: int = SUMMARY_CHARACTERS) -> str:
    """Give the text as one plain line of at most `limit` characters: its lines joined by spaces, its middle left out."""
    # Split twice: some controls separate words, and others stand between blanks.
    line = " ".join(plain(" ".join(excerpt(text).split())).split())
    if len(line) <= limit:
        return line
    half = (limit - 5) // 2
    return f"{line[:half]} ... {line[-half:]}"


def first_line(text: str) -> str:
    """Give the first line that is not blank, as `one_line`. Of a message it is the summary."""
    return _first_plain(text.splitlines())


def last_line(text: str) -> str:
    """Give the last line that is not blank, as `one_line`. Of what a program printed before it failed, it names the reason."""
    return _first_plain(reversed(text.splitlines()))


def cause_in(text: str) -> str:
    """Give the line that names the error: the last one of Python's stack traces, and of anything else the first."""
    # Others put words of their own before a trace.
    has_trace = any(line.strip().startswith(_TRACE_LINES) for line in text.splitlines())
    return last_line(text) if has_trace else first_line(text)


def _first_plain(lines: Iterable[str]) -> str:
    return next((found for line in lines if (found := one_line(line))), "")
