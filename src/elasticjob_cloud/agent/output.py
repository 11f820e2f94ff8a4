"""Keeps what tasks and executors print: bounded each, and bounded in all (promise 12)."""

import contextlib
import hashlib
import os
import time
from pathlib import Path

import structlog

from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.messages import LogChunk

_log = structlog.get_logger(__name__)

STREAMS = ("stdout", "stderr")
# Also how a reader tells, a later agent's included, that more was printed than was kept.
TRUNCATED = b"\n[output truncated: the limit of this stream was reached]\n"
_NAME_LIMIT_BYTES = 200
_TAIL_BYTES = 2000


class OutputFile:
    """One stream: the first bytes up to a limit, then a marker. The file appears with its first byte.

    With `keep_latest` the file starts over at half of the limit and the half before is kept beside it (`.1`): for the
    output of executors, which live for long and whose last words count.
    """

    def __init__(self, path: str, limit_bytes: int, *, keep_latest: bool = False) -> None:
        self._path = path
        self._limit = limit_bytes // 2 if keep_latest else limit_bytes
        self._keep_latest = keep_latest
        self._size = 0
        self._descriptor = -1
        self._closed = False
        self._tail = b""
        self.failure = ""

    def write(self, data: bytes) -> None:
        """Keep what the limit allows. A disk that cannot be written loses output, never the agent (`failure` says so)."""
        if self._keep_latest:
            self._tail = (self._tail + data)[-_TAIL_BYTES:]
        if self._closed:
            return
        try:
            self._keep(data)
        except OSError as error:
            if not self.failure:
                _log.warning("The output of a process is lost.", path=self._path, error=str(error))
            self.failure = f"its output could not be kept: {error.strerror}"
            # What prints for weeks is tried again at its next piece: the disk may have room by then.
            self._let_go()
            self._closed = not self._keep_latest

    def tail(self) -> str:
        """Give the last lines that were printed (only with `keep_latest`)."""
        return self._tail.decode(errors="replace").strip()

    def close(self) -> None:
        """Write no more."""
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

    def _keep(self, data: bytes) -> None:
        if self._descriptor < 0:
            self._open()
        room = max(0, self._limit - self._size)
        if len(data) <= room:
            self._size += len(data)
            _write_all(self._descriptor, data)
        elif self._keep_latest:
            self._start_over(data)
        else:
            _write_all(self._descriptor, data[:room] + TRUNCATED)
            self.close()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        # What an earlier process of the same name left counts, or restarts would add up beyond the limit.
        self._size = os.fstat(self._descriptor).st_size

    def _start_over(self, data: bytes) -> None:
        os.close(self._descriptor)
        self._descriptor = -1
        Path(self._path).replace(f"{self._path}.1")
        self._open()
        kept = data[-self._limit :]
        self._size = len(kept)
        _write_all(self._descriptor, kept)


class OutputStore:
    """The directory of all output files of an agent, its predecessors' included."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def base_path(self, name: str) -> str:
        """Give the path of a task's or executor's output, without `.stdout` and `.stderr`."""
        plain = "/" not in name and "\0" not in name and len(os.fsencode(name)) <= _NAME_LIMIT_BYTES
        file_name = name if plain else hashlib.sha256(name.encode(errors="replace")).hexdigest()
        return f"{self._directory}/{file_name}"

    def read(self, name: str, stream: str, offset: int, limit: int, *, known: bool, ended: bool) -> LogChunk:
        """Read a part of a stream. `known`: no file only means that nothing was printed so far.

        Raises:
            NotFoundError: there is no such stream, or its output is not kept (any more).
        """
        if stream not in STREAMS:
            raise NotFoundError(f"There is no stream '{stream[:40]}'; there are stdout and stderr.")
        try:
            with open(f"{self.base_path(name)}.{stream}", "rb") as file:  # noqa: PTH123 - a str path, hot
                return _read_chunk(file.fileno(), offset, limit, ended=ended)
        except FileNotFoundError:
            if known:
                return LogChunk(offset, b"", 0, ended)
            raise NotFoundError(
                f"No output of {name[:300]} is kept: it printed nothing, or its output is past the retention."
            ) from None

    def enforce_retention(
        self, retention_seconds: float, total_bytes: int, file_count: int, live: frozenset[str]
    ) -> None:
        """Remove what is too old, then the oldest until the rest is within its limits. `live` base paths stay."""
        files = []
        for entry in os.scandir(self._directory):
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                files.append((status.st_mtime, status.st_size, entry.path))
        files.sort()
        count, total = len(files), sum(size for _, size, _ in files)
        horizon = time.time() - retention_seconds
        for modified, size, path in files:
            if modified >= horizon and count <= file_count and total <= total_bytes:
                break
            if _base(path) in live:
                continue
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - a str path from scandir
                count, total = count - 1, total - size


def _base(path: str) -> str:
    return path.removesuffix(".1").removesuffix(".stdout").removesuffix(".stderr")


def _read_chunk(descriptor: int, offset: int, limit: int, *, ended: bool) -> LogChunk:
    size = os.fstat(descriptor).st_size
    content = os.pread(descriptor, max(0, limit), max(0, offset))
    end = os.pread(descriptor, len(TRUNCATED), max(0, size - len(TRUNCATED)))
    return LogChunk(max(0, offset), content, size, ended, truncated=end == TRUNCATED)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
