"""The arguments that this process was started with: every user of the machine reads them, with `ps`."""

import contextlib
import ctypes
import sys
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

_ARGUMENTS_START, _ARGUMENTS_END = 47, 48  # fields of /proc/self/stat, counted from 0 (proc(5))
_AFTER_NAME = 2  # the first field after the name, which may hold blanks


def hide_password_of_url(url: str) -> bool:
    """Overwrite the URL's password in this process's arguments; tell whether it has one.

    It could be seen until now: a variable or a file is the better place. Where the system is not Linux it stays.
    """
    written = masked = url.encode("utf-8", "surrogateescape")
    for password in _passwords_of(url):
        content = password.encode("utf-8", "surrogateescape")
        masked = masked.replace(content, b"*" * len(content))
    if masked != written:
        _overwrite(written, masked)
    return masked != written


def _passwords_of(url: str) -> list[str]:
    """Give the passwords as they are written in the URL."""
    try:
        parts = urlsplit(url)
        # As written: `parts.password` is not decoded either.
        found = [parts.password or ""]
        for name, value in parse_qsl(parts.query):
            if name in {"password", "sslpassword"}:
                found += [value, quote(value), quote(value, safe="")]
    except ValueError:
        return []
    return [password for password in found if password]


def _overwrite(written: bytes, masked: bytes) -> None:
    """Put a text of the same length in the place of another."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start = int(fields[_ARGUMENTS_START - _AFTER_NAME])
        end = int(fields[_ARGUMENTS_END - _AFTER_NAME])
        position = ctypes.string_at(start, end - start).find(written)
        if position >= 0:
            ctypes.memmove(start + position, masked, len(masked))
