"""The output files of one task: opened on the first write, bounded, written line by line."""

import threading

from elasticjob_cloud.model.output.output_file import OutputFile, StreamName, stream_path
from elasticjob_cloud.model.output.output_order import OutputOrder
from elasticjob_cloud.model.wire import TaskMessage
from elasticjob_cloud.sdk.streams.half_lines import HalfLines
from elasticjob_cloud.sdk.streams.shared_files import shared_files

_opening = threading.Lock()


class LineFile:
    """One stream of one task. Whole lines go to the file at once, so that it can be followed; stderr does not wait.

    What is kept, and what happens where nothing can be written, `model/output/output_file.py` says.
    """

    def __init__(self, base_path: str, stream: StreamName, limit_bytes: int, order: OutputOrder) -> None:
        # Re-entrant: a signal handler of job code may print while the same thread does.
        self._lock = threading.RLock()
        self._half_lines = HalfLines()
        self._file = OutputFile(stream_path(base_path, stream), limit_bytes)
        self._file.open()
        order.follow(stream, self._file)
        self._at_once = stream == "stderr"
        self._is_shared = False

    def write(self, data: bytes) -> bool:
        with self._lock:
            if self._file.is_closed:
                return False
            return self._file.write(data if self._at_once else self._half_lines.add(data))

    def flush(self) -> None:
        with self._lock:
            if not self._file.is_closed:
                self._file.write(self._half_lines.take())

    def share(self) -> int | None:
        """Give the descriptor, for another process to write to."""
        with self._lock:
            descriptor = self._file.share()
            if descriptor is not None and not self._is_shared:
                self._is_shared = True
                shared_files.watch(self)
            return descriptor

    def renew(self) -> None:
        """Go on in a forked child."""
        self._lock = threading.RLock()
        self._half_lines.clear()

    def close(self) -> None:
        """Write what is left, and take nothing more. Never raises."""
        with self._lock:
            self._file.write(self._half_lines.take_all())
            self._file.close()

    def hold_limit(self) -> bool:
        """Move what other processes wrote beyond the limit to the last part; False at the end of the shard."""
        with self._lock:
            self._file.collect()
            return not self._file.is_closed


class TaskOutput:
    """`<path>.stdout` and `<path>.stderr` of one task (wire, `TaskMessage.output`)."""

    __slots__ = ("_closed", "_files", "_order", "_path", "limit_bytes")

    def __init__(self, path: str, limit_bytes: int) -> None:
        self._path = path
        self._order = OutputOrder(path)
        self.limit_bytes = limit_bytes
        self._files: dict[StreamName, LineFile] | None = None
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

    def _find(self, stream: StreamName) -> LineFile | None:
        file = self._files.get(stream) if self._files else None
        return self._open(stream) if file is None else file

    def _open(self, stream: StreamName) -> LineFile | None:
        with _opening:
            if self._closed:
                return None
            files = self._files if self._files is not None else {}
            try:
                if stream not in files:
                    files[stream] = LineFile(self._path, stream, self.limit_bytes, self._order)
            except OSError:
                return None  # without its folder the output goes to the executor's own
            self._adopt(files)
            return files[stream]

    def _adopt(self, files: dict[StreamName, LineFile]) -> None:
        self._files = files
        if self._closed:  # meanwhile, by `close`, which saw no files
            self._close_files()

    def _close_files(self) -> None:
        for file in (self._files or {}).values():
            file.close()


def output_of(task: TaskMessage, limit_bytes: int) -> TaskOutput:
    """Return the output of a task, as its agent asked for it."""
    return TaskOutput(task["output"], limit_bytes)
