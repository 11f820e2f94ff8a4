"""The order in which a task's two streams were written, as far as it is known. Standard library only, for agent and SDK.

    <base path>.order    pairs of offsets, 8 bytes each: so far stdout, and so far stderr, had come when the other one went on

A pair is written when the streams take turns, before the bytes that follow it. So most tasks have no such file.
"""

import contextlib
import os
import struct
from functools import partial
from typing import NamedTuple

from elasticjob_cloud.model.output.kept_output import kept_end
from elasticjob_cloud.model.output.output_file import OutputFile, StreamName, stream_path

ORDER_SUFFIXES = (".order", ".order.new")
_PAIR = struct.Struct(">QQ")
_LIMIT_BYTES = 256 * 1024


class Turn(NamedTuple):
    """So many bytes of each stream were there before all that follow."""

    stdout: int
    stderr: int


class OutputOrder:
    """Notes the turns of one task's streams. What cannot be noted is order that is not known, and nothing worse."""

    __slots__ = ("_base_path", "_files", "_last")

    def __init__(self, base_path: str) -> None:
        self._base_path = base_path
        self._last: StreamName | None = None
        self._files: dict[StreamName, OutputFile] = {}

    def follow(self, stream: StreamName, file: OutputFile) -> None:
        """Note from now on when this writer's stream goes on."""
        self._files[stream] = file
        file.note_turns(partial(self.note, stream))

    def note(self, stream: StreamName) -> None:
        """This stream goes on now. Never raises."""
        if self._last == stream:
            return
        self._last = stream
        with contextlib.suppress(OSError):
            if self._end("stderr" if stream == "stdout" else "stdout"):
                _append(f"{self._base_path}.order", Turn(self._end("stdout"), self._end("stderr")))

    def _end(self, stream: StreamName) -> int:
        file = self._files.get(stream)
        if file is not None:
            return file.end()
        # Most tasks write to one stream alone. One look for the other's file costs less than three opens that fail.
        path = stream_path(self._base_path, stream)
        return kept_end(path) if os.path.exists(path) else 0  # noqa: PTH110 - a str path


def read_order(base_path: str) -> list[Turn]:
    """Read the turns, the earliest first; none where the order is not known."""
    try:
        with open(f"{base_path}.order", "rb", buffering=0) as file:  # noqa: PTH123 - a str path
            content = file.read(2 * _LIMIT_BYTES) or b""
    except OSError:
        return []
    turns: list[Turn] = []
    last = Turn(0, 0)
    for stdout, stderr in _PAIR.iter_unpack(content[: len(content) // _PAIR.size * _PAIR.size]):
        # Processes that share the streams may note their turns late.
        last = Turn(max(stdout, last.stdout), max(stderr, last.stderr))
        turns.append(last)
    return turns


def _append(path: str, turn: Turn) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, _PAIR.pack(*turn))
        size = os.fstat(descriptor).st_size
        if size > _LIMIT_BYTES:
            _keep_newest(path, os.pread(descriptor, _LIMIT_BYTES // 2, size - _LIMIT_BYTES // 2))
    finally:
        os.close(descriptor)


def _keep_newest(path: str, pairs: bytes) -> None:
    new = f"{path}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, pairs)
    finally:
        os.close(descriptor)
    os.replace(new, path)  # noqa: PTH105 - str paths
