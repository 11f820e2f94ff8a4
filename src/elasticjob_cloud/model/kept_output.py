"""One stream of output on disk: its first part and its last part. Standard library only, for the agent and the SDK.

    <path>          the first bytes, up to half of the limit
    <path>.tail.1   older bytes of the last part, if there are that many
    <path>.tail     the newest bytes

A tail file begins with a line of fixed length: the offset of its first byte. Offsets count every byte that was printed,
kept or not. So they only rise, and a reader finds what is missing by comparing them.
"""

import contextlib
import os
from typing import NamedTuple

HEADER = b"[from byte %020d]\n"
HEADER_BYTES = len(HEADER % 0)
TAIL_SUFFIXES = (".tail", ".tail.1", ".tail.new")
_LEAST_TAIL_BYTES = 64
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class KeptOutput:
    """Writes one stream. The file appears with `open`, or with the first byte."""

    __slots__ = (
        "_descriptor",
        "_end",
        "_head_limit",
        "_identity",
        "_in_tail",
        "_path",
        "_room",
        "_tail_limit",
    )

    def __init__(self, path: str, limit_bytes: int) -> None:
        self._path = path
        self._head_limit = limit_bytes // 2
        self._tail_limit = max(limit_bytes // 4 - HEADER_BYTES, _LEAST_TAIL_BYTES)
        self._descriptor = -1
        self._identity = (0, 0)
        self._end: int | None = None  # the offset of the next byte; None: nothing was opened so far
        self._room = 0  # in the present file
        self._in_tail = False

    def open(self) -> None:
        """Go on where an earlier writer of this stream ended.

        Raises:
            OSError: the file cannot be opened.
        """
        try:
            self._adopt(os.open(self._path, _APPEND | os.O_EXCL, 0o600))
            self._end, self._room, self._in_tail = 0, self._head_limit, False
        except FileExistsError:
            self._open_present()

    def write(self, data: bytes) -> None:
        """Keep what the limit allows.

        Raises:
            OSError: this piece is lost, in whole or in part. Later pieces may be kept: what is lost counts as missing.
        """
        if self._end is None:
            self.open()
        assert self._end is not None
        start, self._end = self._end, self._end + len(data)
        try:
            self._append(data, start)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; a later write opens another one. Never raises: the end of a task must not fail by it."""
        # Job code may have closed this descriptor, and its number may be another file's by now.
        if self._is_ours():
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
        self._descriptor = -1

    def _append(self, data: bytes, start: int) -> None:
        if self._descriptor >= 0 and not self._is_ours():
            self._open_again(start)
        if self._descriptor < 0:
            self._begin_tail(data, start)
        elif len(data) <= self._room:
            self._room -= len(data)
            _write_all(self._descriptor, data)
        elif self._in_tail:
            self._begin_tail(data, start)
        else:
            room = max(0, self._room)
            _write_all(self._descriptor, data[:room])
            self._begin_tail(data[room:], start + room)

    def _is_ours(self) -> bool:
        try:
            status = os.fstat(self._descriptor)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def _adopt(self, descriptor: int) -> int:
        """Write to this file from now on; give its size."""
        status = os.fstat(descriptor)
        self._descriptor, self._identity = descriptor, (status.st_dev, status.st_ino)
        return status.st_size

    def _open_again(self, start: int) -> None:
        self._descriptor = -1
        self.open()
        found, self._end = self._end, start
        if found != start:
            self.close()  # some bytes were lost before: what follows needs a file with its own offset

    def _open_present(self) -> None:
        """Open the newest file of the stream; what it holds counts, or restarts would add up beyond the limit."""
        tail = f"{self._path}.tail"
        try:
            start = _read_start(tail)
            size = self._adopt(os.open(tail, _APPEND, 0o600)) - HEADER_BYTES
            self._end, self._room, self._in_tail = start + size, self._tail_limit - size, True
        except (FileNotFoundError, ValueError):
            size = self._adopt(os.open(self._path, _APPEND, 0o600))
            self._end, self._room, self._in_tail = size, self._head_limit - size, False

    def _begin_tail(self, data: bytes, start: int) -> None:
        """Begin a new tail file. A reader always finds the one before it, under one name or the other."""
        kept = data[-self._tail_limit :]
        start += len(data) - len(kept)
        tail, new = f"{self._path}.tail", f"{self._path}.tail.new"
        descriptor = os.open(new, _APPEND | os.O_TRUNC, 0o600)
        try:
            _write_all(descriptor, HEADER % start + kept)
            with contextlib.suppress(FileNotFoundError):
                os.replace(tail, f"{tail}.1")  # noqa: PTH105 - str paths
            os.replace(new, tail)  # noqa: PTH105 - str paths
        except OSError:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                os.unlink(new)  # noqa: PTH108 - a str path
            raise
        self.close()
        self._adopt(descriptor)
        self._room, self._in_tail = self._tail_limit - len(kept), True


class KeptPart(NamedTuple):
    """A part of a stream: `content` begins at `offset`, which is later than asked for where bytes are missing.

    `size`: the offset after the last byte kept; `truncated`: bytes of the stream are missing; `cut`: the bytes that
    follow this part are missing.
    """

    offset: int
    content: bytes
    size: int
    truncated: bool
    cut: bool


class _Segment(NamedTuple):
    start: int
    end: int
    descriptor: int
    header_bytes: int


def read_kept(path: str, offset: int, limit: int) -> KeptPart:
    """Read up to `limit` bytes of a stream from `offset`. A part never goes beyond bytes that are missing.

    Raises:
        FileNotFoundError: there is no such stream.
    """
    with contextlib.ExitStack() as stack:
        segments = _open_segments(path, stack)
        if not segments:
            raise FileNotFoundError(path)
        starts = [segment.start for segment in segments]
        ends = [0, *(segment.end for segment in segments)]
        truncated = any(start > end for start, end in zip(starts, ends, strict=False))
        for segment, following in zip(segments, [*starts[1:], None], strict=True):
            if offset < segment.end:
                begin = max(offset, segment.start)
                place = begin - segment.start + segment.header_bytes
                content = os.pread(segment.descriptor, min(limit, segment.end - begin), place)
                is_last_of_it = begin + len(content) == segment.end
                cut = is_last_of_it and following is not None and following > segment.end
                return KeptPart(begin, content, ends[-1], truncated, cut)
        return KeptPart(offset, b"", ends[-1], truncated, cut=False)


def _open_segments(path: str, stack: contextlib.ExitStack) -> list[_Segment]:
    """Open the files of a stream. The newest first: one that is renamed meanwhile is then found twice, and not missed."""
    segments: list[_Segment] = []
    for name in (f"{path}.tail", f"{path}.tail.1", path):
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        stack.callback(os.close, descriptor)
        size = os.fstat(descriptor).st_size
        start, header_bytes = 0, 0
        if name != path:
            try:
                start, header_bytes = _parse_start(os.pread(descriptor, HEADER_BYTES, 0)), HEADER_BYTES
            except ValueError:
                continue
        if not segments or start < segments[0].start:
            segments.insert(0, _Segment(start, start + size - header_bytes, descriptor, header_bytes))
    return segments


def _read_start(path: str) -> int:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a str path
        return _parse_start(file.read(HEADER_BYTES))


def _parse_start(line: bytes) -> int:
    digits = line[len(b"[from byte ") : -2]
    if len(line) != HEADER_BYTES or not digits.isdigit() or HEADER % int(digits) != line:
        raise ValueError("This is not the first line of a tail file.")
    return int(digits)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
