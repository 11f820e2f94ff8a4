"""The output files of one task: opened on the first write, bounded, written line by line."""

import contextlib
import threading

from elasticjob_cloud.model.kept_output import KeptOutput
from elasticjob_cloud.model.wire import TaskMessage
from elasticjob_cloud.sdk.shard import StreamName

# A line longer than this is written in pieces, so that memory stays bounded.
_LINE_BYTES = 8192
_opening = threading.Lock()


class OutputFile:
    """One stream of one task. Whole lines go to the file at once, so that it can be followed.

    Of a long stream the first part and the last part are kept (`model/kept_output.py`).
    """

    def __init__(self, path: str, limit_bytes: int) -> None:
        self._lock = threading.Lock()
        self._pending = bytearray()
        self._kept = KeptOutput(path, limit_bytes)
        self._kept.open()
        self._closed = False

    def write(self, data: bytes) -> bool:
        with self._lock:
            if self._closed:
                return False
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
            self._kept.close()

    def _drain(self, count: int) -> None:
        if not count:
            return
        data = bytes(self._pending[:count])
        del self._pending[:count]
        # A full disk must not fail a job that merely prints. The next line is tried again.
        with contextlib.suppress(OSError):
            self._kept.write(data)


class TaskOutput:
    """`<path>.stdout` and `<path>.stderr` of one task (wire, `TaskMessage.output`)."""

    __slots__ = ("_closed", "_files", "_path", "limit_bytes")

    def __init__(self, path: str, limit_bytes: int) -> None:
        self._path = path
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
                    files[stream] = OutputFile(f"{self._path}.{stream}", self.limit_bytes)
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


def output_of(task: TaskMessage, limit_bytes: int) -> TaskOutput:
    """Return the output of a task, as its agent asked for it."""
    return TaskOutput(task["output"], limit_bytes)
