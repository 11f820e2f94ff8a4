"""Whether a zstandard file is whole: the library takes one that was cut off for one that has ended (RFC 8878)."""

import os
from pathlib import Path
from typing import BinaryIO

_FRAME = 0xFD2FB528
_SKIPPABLE_LEAST, _SKIPPABLE_MOST = 0x184D2A50, 0x184D2A5F
_WORD_BYTES = 4
_BLOCK_HEADER_BYTES = 3
_REPEATED = 1  # a block of one byte, said how often
_CHECKSUM_BIT, _SINGLE_SEGMENT_BIT = 0x04, 0x20
_DICTIONARY_BYTES = (0, 1, 2, 4)
_SIZE_BYTES = (0, 2, 4, 8)


def require_whole_frames(path: Path) -> None:
    """Go from frame to frame, by their lengths. Raises `EOFError` when the file ends within one."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while file.tell() < size:
            _skip_frame(file, size)


def _skip_frame(file: BinaryIO, size: int) -> None:
    magic = _read_number(file, _WORD_BYTES)
    if _SKIPPABLE_LEAST <= magic <= _SKIPPABLE_MOST:
        _skip(file, size, _read_number(file, _WORD_BYTES))
        return
    if magic != _FRAME:
        raise ValueError("there is something else than zstandard data in it")
    descriptor = _read_number(file, 1)
    is_single = bool(descriptor & _SINGLE_SEGMENT_BIT)
    size_bytes = _SIZE_BYTES[descriptor >> 6] or int(is_single)
    _skip(file, size, int(not is_single) + _DICTIONARY_BYTES[descriptor & 3] + size_bytes)
    is_last = False
    while not is_last:
        header = _read_number(file, _BLOCK_HEADER_BYTES)
        is_last = bool(header & 1)
        _skip(file, size, 1 if (header >> 1) & 3 == _REPEATED else header >> 3)
    if descriptor & _CHECKSUM_BIT:
        _skip(file, size, _WORD_BYTES)


def _read_number(file: BinaryIO, length: int) -> int:
    data = file.read(length)
    if len(data) < length:
        raise EOFError("the compressed data ends too early")
    return int.from_bytes(data, "little")


def _skip(file: BinaryIO, size: int, length: int) -> None:
    if file.tell() + length > size:
        raise EOFError("the compressed data ends too early")
    file.seek(length, os.SEEK_CUR)
