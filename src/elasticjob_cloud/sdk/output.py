"""The output files of one task: opened on the first write, bounded, written line by line."""

import contextlib
import os
import threading

from elasticjob_cloud.model.wire import OUTPUT_STARTED_OVER, OUTPUT_TRUNCATED, JobMessage, TaskMessage
from elasticjob_cloud.sdk.shard import StreamName

# A line longer than this is written in pieces, so that memory stays bounded.
_LINE_BYTES = 8192
_opening = threading.Lock()


class OutputFile:
    """One stream of one task. Whole lines go to the file at once, so that it can be followed.

    A full file is ended by a marker. With `keep_latest` it starts over instead, and the half before is kept beside it
    (`.1`), as the agent does with the output of executors: a daemon task lives for long, and its last words count.
    """

    def __init__(self, path: str, limit_bytes: int, *, keep_latest: bool = False) -> None:
        self._lock = threading.Lock()
        self._pending = bytearray()
        self._path = path
        self._file = _open(path)
        self._size_limit = limit_bytes // 2 if keep_latest else max(0, limit_bytes - len(OUTPUT_TRUNCATED))
        self._keep_latest = keep_latest and self._size_limit > len(OUTPUT_STARTED_OVER)
        present = os.fstat(self._file).st_size
        # A file that an earlier process filled has its marker already.
        self._full = present > self._size_limit and not self._keep_latest
        self._room = self._size_limit - present
        self._closed = False

    def write(self, data: bytes) -> bool:
        with self._lock:
            if self._closed:
                return False
            if self._full:
                return True
            self._pending += data
            if b"\n" in data:
                self._drain(self._pending.rfind(b"\n") + 1)
            elif len(self._pending) > _LINE_BYTES:
                self._drain(len(self._pending))
            return True

    def flush(self) -> None:
        with self._lock:
            if not self._closed:
                self._drain(len(self._pending))

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._drain(len(self._pending))
            self._closed = True
            os.close(self._file)

    def _drain(self, count: int) -> None:
        if self._full or not count:
            return
        data = bytes(self._pending[:count])
        del self._pending[:count]
        try:
            if len(data) > self._room:
                data = self._start_over(data) if self._keep_latest else self._end(data)
            self._room -= len(data)
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            # A full disk must not fail a job that merely prints. A daemon prints again when there is room again.
            self._full = not self._keep_latest

    def _end(self, data: bytes) -> bytes:
        self._full = True
        self._pending.clear()
        return _whole_characters(data[: max(0, self._room)]) + OUTPUT_TRUNCATED

    def _start_over(self, data: bytes) -> bytes:
        # Tried again with the next line, should one of these calls fail.
        self._room = 0
        with contextlib.suppress(FileNotFoundError):
            os.replace(self._path, f"{self._path}.1")  # noqa: PTH105 - a str path
        new = _open(self._path)
        os.close(self._file)
        self._file = new
        self._room = self._size_limit
        latest = data[len(OUTPUT_STARTED_OVER) - self._size_limit :]
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

    def write(self, stream: StreamName, text: str) -> bool:
        file = self._files.get(stream) if self._files else None
        if file is None:
            file = self._open(stream)
        return file is not None and file.write(text.encode("utf-8", "backslashreplace"))

    def flush(self, stream: StreamName) -> None:
        if self._files and stream in self._files:
            self._files[stream].flush()

    def close(self) -> None:
        self._closed = True
        if self._files is None:
            return  # most shards print nothing; one that opens its file just now sees `_closed`
        with _opening:
            self._close_files()

    def _open(self, stream: StreamName) -> OutputFile | None:
        with _opening:
            if self._closed:
                return None
            files = self._files if self._files is not None else {}
            try:
                if stream not in files:
                    path = f"{self._path}.{stream}"
                    files[stream] = OutputFile(path, self.limit_bytes, keep_latest=self._keep_latest)
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


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def _whole_characters(data: bytes) -> bytes:
    """Leave out a character that was cut through at either end."""
    return data.decode("utf-8", "ignore").encode()
