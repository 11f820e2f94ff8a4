"""Keeps what tasks and executors print: bounded each, and bounded in all (promise 12)."""

import contextlib
import hashlib
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import NoReturn

import structlog

from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.messages import LogChunk
from elasticjob_cloud.model.output.kept_output import TAIL_SUFFIXES, KeptPart, read_kept
from elasticjob_cloud.model.output.output_file import STREAMS, OutputFile, stream_path
from elasticjob_cloud.model.output.output_order import ORDER_SUFFIXES, OutputOrder
from elasticjob_cloud.model.wire import OUTPUT_TRUNCATED

_log = structlog.get_logger(__name__)

_NAME_LIMIT_BYTES = 200
_TAIL_BYTES = 4000
_DEFAULT_LIMIT_BYTES = 10 << 20


class ProcessOutput(OutputFile):
    """One stream of a process. Its last lines are at hand, on a full disk too, and the log tells when its output is lost."""

    __slots__ = ("_path", "_tail")

    def __init__(self, path: str, limit_bytes: int) -> None:
        super().__init__(path, limit_bytes)
        self._path = path
        self._tail = b""

    def write(self, data: bytes) -> bool:
        """Keep what the limit allows; False when the file is closed. Never raises."""
        if not self.add_note(data):
            return False
        self._tail = (self._tail + data)[-_TAIL_BYTES:] if len(data) < _TAIL_BYTES else data[-_TAIL_BYTES:]
        return True

    def add_note(self, line: bytes) -> bool:
        """Keep a line that the process did not print: it is none of its last ones. Else as `write`."""
        had_failed = bool(self.failure)
        if not super().write(line):
            return False
        if self.failure and not had_failed:
            _log.warning("The output of a process is lost.", path=self._path, fault=self.failure)
        return True

    def tail(self) -> str:
        """Give the last lines that were printed."""
        return _text_of(self._tail, is_cut=len(self._tail) == _TAIL_BYTES)


class OutputStore:
    """The directory of all output files of an agent, its predecessors' included."""

    def __init__(self, directory: Path, limit_bytes: int = _DEFAULT_LIMIT_BYTES) -> None:
        self._directory = directory
        self._limit_bytes = limit_bytes
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def base_path(self, name: str) -> str:
        """Give the path of a task's or executor's output, without `.stdout` and `.stderr`."""
        plain = "/" not in name and "\0" not in name and len(os.fsencode(name)) <= _NAME_LIMIT_BYTES
        file_name = name if plain else hashlib.sha256(name.encode(errors="replace")).hexdigest()
        return f"{self._directory}/{file_name}"

    def streams_of(self, name: str) -> tuple[ProcessOutput, ProcessOutput]:
        """Give stdout and stderr of a task or executor, to be written."""
        base, limit = self.base_path(name), self._limit_bytes
        stdout = ProcessOutput(stream_path(base, "stdout"), limit)
        stderr = ProcessOutput(stream_path(base, "stderr"), limit)
        order = OutputOrder(base)
        order.follow("stdout", stdout)
        order.follow("stderr", stderr)
        return stdout, stderr

    def add_note(self, name: str, line: str) -> None:
        """Add a line of ours to what a task prints to stderr; without room on the disk it goes without."""
        base = self.base_path(name)
        file = OutputFile(stream_path(base, "stderr"), self._limit_bytes)
        OutputOrder(base).follow("stderr", file)
        file.write(line.encode())
        if file.failure:
            _log.warning("A note in the output of a task is lost.", task=name, fault=file.failure)
        file.close()

    def read(self, name: str, stream: str, offset: int, limit: int, *, known: bool, ended: bool) -> LogChunk:
        """Read a part of a stream. `known`: no file only means that nothing was printed so far.

        Raises:
            NotFoundError: there is no such stream, or its output is not kept (any more).
        """
        if stream not in STREAMS:
            raise NotFoundError(f"There is no stream '{stream[:40]}'; there are stdout and stderr.")
        path = stream_path(self.base_path(name), stream)
        try:
            part = read_kept(path, max(0, offset), max(0, limit))
            truncated = part.truncated or self._ends_with_mark(path, part)
            missing = part.offset - max(0, offset) if part.content else 0
            return LogChunk(part.offset, part.content, part.size, ended, truncated, missing, part.cut)
        except FileNotFoundError:
            if known:
                return LogChunk(offset, b"", 0, ended)
            self.refuse(name)

    def refuse(self, name: str) -> NoReturn:
        """Say that there is no output; raise `NotFoundError`."""
        raise NotFoundError(
            f"No output of {name[:300]} is kept: it printed nothing, or its output is past the retention."
        ) from None

    def end_of(self, name: str, stream: str) -> str:
        """Give the last lines that are kept of a stream; empty where there are none."""
        path, tail = stream_path(self.base_path(name), stream), b""
        try:
            size = read_kept(path, 0, 0).size
            offset = max(0, size - _TAIL_BYTES)
            # A part ends where a file does; what comes before missing bytes is not the end.
            while (part := read_kept(path, offset, size - offset)).content:
                tail = tail + part.content if part.offset == offset else part.content
                offset = part.offset + len(part.content)
        except OSError:
            return ""
        return _text_of(tail, is_cut=size > len(tail))

    def _ends_with_mark(self, path: str, part: KeptPart) -> bool:
        """Whether an executor that keeps no last part ended the file with the protocol's mark.

        Only such a file is longer than the first part of a stream may be: job code that prints the mark proves nothing.
        """
        if part.size <= self._limit_bytes // 2:
            return False
        end = read_kept(path, max(0, part.size - len(OUTPUT_TRUNCATED)), len(OUTPUT_TRUNCATED))
        return end.content == OUTPUT_TRUNCATED

    def enforce_retention(
        self, retention_seconds: float, total_bytes: int, file_count: int, live: frozenset[str]
    ) -> None:
        """Remove what is too old, then the oldest until the rest is within its limits. `live` base paths stay.

        The files of a task go together: a stream without its first part would look as if it had begun late.
        """
        files: dict[str, list[tuple[float, int, str]]] = defaultdict(list)
        for entry in os.scandir(self._directory):
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                files[_base(entry.path)].append((status.st_mtime, status.st_size, entry.path))
        groups = sorted((max(group)[0], base, group) for base, group in files.items())
        count = sum(len(group) for group in files.values())
        total = sum(size for group in files.values() for _, size, _ in group)
        horizon = time.time() - retention_seconds
        for modified, base, group in groups:
            if modified >= horizon and count <= file_count and total <= total_bytes:
                break
            if base in live:
                continue
            for _, size, path in group:
                with contextlib.suppress(OSError):
                    os.unlink(path)  # noqa: PTH108 - a str path from scandir
                    count, total = count - 1, total - size


def _text_of(tail: bytes, *, is_cut: bool) -> str:
    """Give the end of a stream as a text. Where the stream has begun earlier, its first line is not whole, and left out."""
    if is_cut:
        line_end = tail.find(b"\n", 0, -1)
        tail = b"... " + (tail[line_end + 1 :] if line_end >= 0 else tail)
    return tail.decode(errors="replace").strip()


def _base(path: str) -> str:
    for suffix in (*TAIL_SUFFIXES, *ORDER_SUFFIXES, ".1"):
        if path.endswith(suffix):
            path = path.removesuffix(suffix)
            break
    return path.removesuffix(".stdout").removesuffix(".stderr")
