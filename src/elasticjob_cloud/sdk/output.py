"""The output files of one task: opened on the first write, bounded, written line by line."""

import contextlib
import os
import threading

from elasticjob_cloud.model.wire import OUTPUT_STARTED_OVER, OUTPUT_TRUNCATED, JobMessage, TaskMessage
from elasticjob_cloud.sdk.shard import StreamName
from elasticjob_cloud.sdk.shared_files import shared_files

# A line longer than this is written in pieces, so that memory stays bounded.
_LINE_BYTES = 8192
_opening = threading.Lock()


class OutputFile:
    """One stream of one task. Whole lines go to the file at once, so that it can be followed; stderr does not wait.

    A full file is ended by a marker. With `keep_latest` it starts over instead, and the half before is kept next to it
    (`.1`), as the agent does with the output of executors: a daemon task lives for long, and its last words count.

    Other processes may write to it too: forked children of the shard, and those that it gave the file to. So how full it is
    is asked each time. And job code may close a descriptor that it never opened: then the number may be another file's.
    """

    def __init__(
        self, path: str, limit_bytes: int, *, keep_latest: bool = False, at_once: bool = False
    ) -> None:
        # Re-entrant: a signal handler of job code may print while the same thread does.
        self._lock = threading.RLock()
        self._pending = bytearray()
        self._path = path
        self._file, self._identity = _open(path)
        self._limit_bytes = limit_bytes
        self._size_limit = limit_bytes // 2 if keep_latest else max(0, limit_bytes - len(OUTPUT_TRUNCATED))
        self._keep_latest = keep_latest and self._size_limit > len(OUTPUT_STARTED_OVER)
        self._at_once = at_once
        self._is_shared = False
        self._full = False
        self._closed = False

    def write(self, data: bytes) -> bool:
        with self._lock:
            if self._closed:
                return False
            if self._full:
                return True
            self._pending += data
            if self._at_once or len(self._pending) > _LINE_BYTES:
                self._drain(len(self._pending))
            elif b"\n" in data:
                self._drain(self._pending.rfind(b"\n") + 1)
            return True

    def flush(self) -> None:
        with self._lock:
            if not self._closed:
                self._drain(len(self._pending))

    def share(self) -> int | None:
        """Give the descriptor, for another process to write to."""
        with self._lock:
            if self._closed:
                return None
            try:
                self._find_size()
            except OSError:
                return None
            if not self._is_shared:
                self._is_shared = True
                shared_files.watch(self)
            return self._file

    def renew(self) -> None:
        """Go on in a forked child."""
        self._lock = threading.RLock()
        self._pending.clear()
        if self._keep_latest:  # the parent starts over, which goes on with the same file
            self._keep_latest, self._size_limit = False, self._limit_bytes

    def close(self) -> None:
        """Write what is left, and take nothing more. Never raises: the end of a shard is worth more than its output."""
        with self._lock:
            if self._closed:
                return
            self._drain(len(self._pending))
            self._closed = True
            with contextlib.suppress(OSError):
                size = self._find_size()
                self._trim(size)
                if size == 0 and self._is_shared:
                    os.unlink(self._path)  # noqa: PTH108 - a str path
                os.close(self._file)

    def hold_limit(self) -> bool:
        """Cut off what other processes wrote beyond the limit; False at the end of the shard."""
        with self._lock:
            if not self._closed:
                with contextlib.suppress(OSError):
                    self._trim(self._find_size())
            return not self._closed

    def _trim(self, size: int) -> None:
        if size > self._size_limit and self._keep_latest:
            os.write(self._file, self._start_over(b""))
        elif size > self._limit_bytes:
            os.ftruncate(self._file, self._size_limit)
            os.write(self._file, OUTPUT_TRUNCATED)

    def _find_size(self) -> int:
        """Return the size of the file; opens it again if job code has closed it."""
        try:
            status = os.fstat(self._file)
            if (status.st_dev, status.st_ino) == self._identity:
                return status.st_size
        except OSError:
            pass  # closed, and the number is free
        self._file, self._identity = _open(self._path)
        return os.fstat(self._file).st_size

    def _drain(self, count: int) -> None:
        if self._full or not count:
            return
        data = bytes(self._pending[:count])
        del self._pending[:count]
        try:
            room = self._size_limit - self._find_size()
            if len(data) > room:
                data = self._start_over(data) if self._keep_latest else self._end(data, room)
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            # A full disk must not fail a job that merely prints. A daemon prints again when there is room again.
            self._full = not self._keep_latest

    def _end(self, data: bytes, room: int) -> bytes:
        self._full = True
        self._pending.clear()
        if room < 0:
            return (
                b""  # another process, or an earlier one, was here first: it has its marker, or will have it
            )
        return _whole_characters(data[:room]) + OUTPUT_TRUNCATED

    def _start_over(self, data: bytes) -> bytes:
        # Tried again with the next line, should one of these calls fail.
        with contextlib.suppress(FileNotFoundError):
            os.replace(self._path, f"{self._path}.1")  # noqa: PTH105 - a str path
        new = _open(self._path)
        os.close(self._file)
        self._file, self._identity = new
        latest = data[-(self._size_limit - len(OUTPUT_STARTED_OVER)) :]
        return OUTPUT_STARTED_OVER + _whole_characters(latest)


class TaskOutput:
    """`<path>.stdout` and `<path>.stderr` of one task (wire, `TaskMessage.output`)."""

    __slots__ = ("_closed", "_files", "_keep_latest", "_path", "limit_bytes")

    def __init__(self, path: str, limit_bytes: int, *, keep_latest: bool = False) -> None:
        self._path = path
        self._keep_latest = keep_latest
        self.limit_bytes = limit_bytes
        self._files: dict[StreamName, OutputFile] | None = None
        self._closed = False

    def write(self, stream: StreamName, data: bytes) -> bool:
        file = self._find(stream)
        return file is not None and file.write(data)

    def flush(self, stream: StreamName) -> None:
        if self._files and stream in self._files:
            self._files[stream].flush()

    def fileno(self, stream: StreamName) -> int | None:
        file = self._find(stream)
        return None if file is None else file.share()

    def renew(self) -> None:
        global _opening  # noqa: PLW0603 - a lock that belongs to all, so that a task costs none
        _opening = threading.Lock()
        for file in (self._files or {}).values():
            file.renew()

    def close(self) -> None:
        self._closed = True
        if self._files is None:
            return  # most shards print nothing; one that opens its file just now sees `_closed`
        with _opening:
            self._close_files()

    def _find(self, stream: StreamName) -> OutputFile | None:
        file = self._files.get(stream) if self._files else None
        return self._open(stream) if file is None else file

    def _open(self, stream: StreamName) -> OutputFile | None:
        with _opening:
            if self._closed:
                return None
            files = self._files if self._files is not None else {}
            try:
                if stream not in files:
                    files[stream] = OutputFile(
                        f"{self._path}.{stream}",
                        self.limit_bytes,
                        keep_latest=self._keep_latest,
                        at_once=stream == "stderr",
                    )
            except OSError:
                return None  # without its folder the output goes to the executor's own
            self._adopt(files)
            return files[stream]

    def _adopt(self, files: dict[StreamName, OutputFile]) -> None:
        self._files = files
        if self._closed:  # meanwhile, by `close`, which saw no files
            self._close_files()

    def _close_files(self) -> None:
        for file in (self._files or {}).values():
            file.close()


def output_of(job: JobMessage, task: TaskMessage, limit_bytes: int) -> TaskOutput:
    """Return the output of a task, as its agent asked for it."""
    return TaskOutput(task["output"], limit_bytes, keep_latest=job["jobExecutionType"] == "DAEMON")


def _open(path: str) -> tuple[int, tuple[int, int]]:
    """Open a file; give its descriptor, and what tells it from every other file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    status = os.fstat(file)
    return file, (status.st_dev, status.st_ino)


def _whole_characters(data: bytes) -> bytes:
    """Leave out a character that was cut through at either end. What is no UTF-8 stays as it is."""
    start = 0
    while start < min(3, len(data)) and data[start] & 0xC0 == 0x80:
        start += 1
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return data[start:-back] if length > back else data[start:]
    return data[start:]
