"""Whether a stream is still the one that a reader has begun with: its files may have been removed or emptied meanwhile."""

import os
import zlib

_BEGINNING_BYTES = 256


def generation_of(path: str, known: str) -> str:
    """Give the generation of a stream: `known`, which a reader has of it, where that is still right; empty: no stream.

    It is made of the first file's number and of the stream's first bytes, which no rotation takes away.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        number = os.fstat(descriptor).st_ino
        beginning = os.pread(descriptor, _BEGINNING_BYTES, 0)
    finally:
        os.close(descriptor)
    length = _length_in(known)
    if length is not None and known == _made_of(number, beginning[:length], length):
        return known
    return _made_of(number, beginning, len(beginning))


def _made_of(number: int, beginning: bytes, length: int) -> str:
    return f"{number:x}.{length}.{zlib.crc32(beginning):08x}"


def _length_in(generation: str) -> int | None:
    parts = generation.split(".")
    return int(parts[1]) if len(parts) == 3 and parts[1].isascii() and parts[1].isdigit() else None
