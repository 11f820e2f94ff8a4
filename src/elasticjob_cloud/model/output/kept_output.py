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
_NO_FILE = (0, 0)
_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class KeptOutput:
    """Writes one stream. The file appears with `open`, or with the first byte.

    Other processes may write to its files: forked children, and those that `share` gave the file to. So how full a file is
    is asked each time. And job code may close a descriptor that it never opened: then the number may be another file's.
    """

    __slots__ = (
        "_descriptor",
        "_end",
        "_file_limit",
        "_head_limit",
        "_identity",
        "_is_head",
        "_lost_until",
        "_path",
        "_shared",
        "_start",
        "_tail_limit",
    )

    def __init__(self, path: str, limit_bytes: int) -> None:
        self._path = path
        self._head_limit = limit_bytes // 2
        self._tail_limit = max(limit_bytes // 4 - HEADER_BYTES, _LEAST_TAIL_BYTES)
        # Of the present file.
        self._descriptor = -1
        self._identity = _NO_FILE
        self._is_head = True
        self._start = 0  # the offset of its first byte
        self._file_limit = self._head_limit
        # Of the stream.
        self._end = 0  # the offset of the next byte, as far as is known
        self._lost_until: int | None = None  # the offset after bytes that could not be written
        self._shared: _SharedFile | None = None

    def open(self) -> None:
        """Go on where an earlier writer of this stream ended.

        Raises:
            OSError: the file cannot be opened.
        """
        try:
            self._adopt(os.open(self._path, _APPEND | os.O_EXCL, 0o600), 0, is_head=True)
        except FileExistsError:
            self._open_present()

    def write(self, data: bytes) -> None:
        """Keep what the limit allows.

        Raises:
            OSError: this piece is lost, in whole or in part. Later pieces may be kept: what is lost counts as missing.
        """
        try:
            self._append(data)
        except OSError:
            if self._identity != _NO_FILE:
                self._lost_until = self._end + len(data)
                self._close_present()
            raise

    def end(self) -> int:
        """Give the offset of the stream's next byte, what others wrote to the present file included."""
        size = _size_of(self._descriptor, self._identity)
        if size is None:
            return kept_end(self._path)
        return self._start + size - (0 if self._is_head else HEADER_BYTES)

    def share(self) -> int:
        """Give a descriptor for others to write to, who know of no limit; it stays the same until `close`.

        Raises:
            OSError: there is none.
        """
        if self._shared is None or self._shared.size() is None:
            if _size_of(self._descriptor, self._identity) is None:
                self.open()
            self._shared = _SharedFile(self._descriptor, self._identity, self._file_limit)
        return self._shared.descriptor

    def collect(self) -> None:
        """Move what others wrote beyond the limit of the shared file to the last part.

        Raises:
            OSError: as `write`.
        """
        size = None if self._shared is None else self._shared.size()
        if self._shared is None or size is None or size <= self._shared.limit:
            return
        first = max(self._shared.limit, size - self._tail_limit)
        content = os.pread(self._shared.descriptor, size - first, first)
        os.ftruncate(self._shared.descriptor, self._shared.limit)
        self._look()
        if first > self._shared.limit:
            self._begin_tail(content, self._end + first - self._shared.limit)
        else:
            self.write(content)

    def close(self) -> None:
        """Close the files; a later write opens another one. Never raises: the end of a task must not fail by it."""
        with contextlib.suppress(OSError):
            self.collect()
        shared, self._shared = self._shared, None
        if shared is not None and shared.identity != self._identity:
            _close(shared.descriptor, shared.identity)
        elif shared is not None and self._is_head and shared.size() == 0:
            with contextlib.suppress(OSError):
                os.unlink(self._path)  # noqa: PTH108 - a str path
        self._close_present()

    def _append(self, data: bytes) -> None:
        if self._lost_until is not None:
            self._begin_tail(data, self._lost_until)
            return
        size = self._look()
        if size + len(data) <= self._file_limit:
            _write_all(self._descriptor, data)
            self._end += len(data)
        elif self._find_newer():
            self._append(data)
        else:
            left = max(0, self._file_limit - size) if self._is_head else 0
            _write_all(self._descriptor, data[:left])
            self._begin_tail(data[left:], self._end + left)

    def _look(self) -> int:
        """Give the size of the present file, and reckon where the stream ends; open the file where it is not open."""
        size = _size_of(self._descriptor, self._identity)
        if size is None:
            self.open()
            size = os.fstat(self._descriptor).st_size
        self._end = self._start + size - (0 if self._is_head else HEADER_BYTES)
        return size

    def _find_newer(self) -> bool:
        """Go on with the file that another process has begun, if one has."""
        try:
            status = os.stat(f"{self._path}.tail")  # noqa: PTH116 - a str path
        except FileNotFoundError:
            return False
        if (status.st_dev, status.st_ino) == self._identity:
            return False
        former = self._identity
        self._open_present()
        return self._identity != former

    def _open_present(self) -> None:
        """Open the newest file of the stream; what it holds counts, or restarts would add up beyond the limit."""
        tail = f"{self._path}.tail"
        try:
            start = _read_start(tail)
            self._adopt(os.open(tail, _APPEND, 0o600), start, is_head=False)
        except (FileNotFoundError, ValueError):
            self._adopt(os.open(self._path, _APPEND, 0o600), 0, is_head=True)

    def _adopt(self, descriptor: int, start: int, *, is_head: bool) -> None:
        # Job code may have closed the former one, so that the new one has its number.
        if descriptor != self._descriptor:
            self._close_present()
        status = os.fstat(descriptor)
        self._descriptor, self._identity = descriptor, (status.st_dev, status.st_ino)
        self._start, self._is_head = start, is_head
        self._file_limit = self._head_limit if is_head else self._tail_limit + HEADER_BYTES

    def _close_present(self) -> None:
        if self._shared is None or self._shared.identity != self._identity:
            _close(self._descriptor, self._identity)
        self._descriptor = -1

    def _begin_tail(self, data: bytes, start: int) -> None:
        """Begin a new tail file. A reader always finds the one before it, under one name or the other."""
        kept = data[-self._tail_limit :]
        first = start + len(data) - len(kept)
        tail, new = f"{self._path}.tail", f"{self._path}.tail.new"
        descriptor = os.open(new, _APPEND | os.O_TRUNC, 0o600)
        try:
            _write_all(descriptor, HEADER % first + kept)
            with contextlib.suppress(FileNotFoundError):
                os.replace(tail, f"{tail}.1")  # noqa: PTH105 - str paths
            os.replace(new, tail)  # noqa: PTH105 - str paths
        except OSError:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                os.unlink(new)  # noqa: PTH108 - a str path
            raise
        self._adopt(descriptor, first, is_head=False)
        self._end, self._lost_until = start + len(data), None


class _SharedFile(NamedTuple):
    """A file whose descriptor others have."""

    descriptor: int
    identity: tuple[int, int]
    limit: int

    def size(self) -> int | None:
        return _size_of(self.descriptor, self.identity)


def _size_of(descriptor: int, identity: tuple[int, int]) -> int | None:
    """Give the size of this open file; None where the descriptor is closed, or another file's by now."""
    if descriptor < 0:
        return None
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_size if (status.st_dev, status.st_ino) == identity else None


def _close(descriptor: int, identity: tuple[int, int]) -> None:
    if _size_of(descriptor, identity) is not None:
        with contextlib.suppress(OSError):
            os.close(descriptor)


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
        # What others wrote to a file beyond its limit is moved to the end of the stream soon.
        ends = [0, *map(min, (segment.end for segment in segments), [*starts[1:], segments[-1].end])]
        truncated = any(start > end for start, end in zip(starts, ends, strict=False))
        for segment, end, following in zip(segments, ends[1:], [*starts[1:], ends[-1]], strict=True):
            if offset < end:
                begin = max(offset, segment.start)
                position = begin - segment.start + segment.header_bytes
                content = os.pread(segment.descriptor, min(limit, end - begin), position)
                cut = begin + len(content) == end and following > end
                return KeptPart(begin, content, ends[-1], truncated, cut)
        return KeptPart(offset, b"", ends[-1], truncated, cut=False)


def kept_end(path: str) -> int:
    """Give the offset after the last byte that is kept of a stream; 0 where there is none."""
    try:
        return read_kept(path, 0, 0).size
    except OSError:
        return 0


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
