"""One stream of a task's output, which never makes its task fail. Standard library only, for the agent and the SDK.

The rule, for both: of a stream the first and the last part are kept (`kept_output.py`). A piece that cannot be written is
lost, and the next one is tried again. A closed file takes nothing more.
"""

import contextlib
from collections.abc import Callable
from typing import Final, Literal

from elasticjob_cloud.model.output.kept_output import KeptOutput

StreamName = Literal["stdout", "stderr"]
STREAMS: Final[tuple[StreamName, ...]] = ("stdout", "stderr")


def stream_path(base_path: str, stream: str) -> str:
    """Give the path of one stream of a task; `base_path` is that of both, without an ending."""
    return f"{base_path}.{stream}"


class OutputFile:
    """Keeps one stream. The file appears with `open`, or with the first byte. Not safe for threads.

    Attributes:
        failure: Why output was lost, for a message; empty while none was.
    """

    __slots__ = ("_is_closed", "_kept", "_note_turn", "failure")

    def __init__(self, path: str, limit_bytes: int) -> None:
        self._kept = KeptOutput(path, limit_bytes)
        self._is_closed = False
        self._note_turn: Callable[[], None] | None = None
        self.failure = ""

    @property
    def is_closed(self) -> bool:
        """Whether nothing is taken any more."""
        return self._is_closed

    def end(self) -> int:
        """Give the offset of the stream's next byte."""
        return self._kept.end()

    def note_turns(self, note: Callable[[], None]) -> None:
        """From now on, call this before each piece (`model/output/output_order.py`); it never raises."""
        self._note_turn = note

    def open(self) -> None:
        """Make the file now, or go on where an earlier writer of this stream ended.

        Raises:
            OSError: The file cannot be opened.
        """
        self._kept.open()

    def write(self, data: bytes) -> bool:
        """Keep what the limit allows; False when the file is closed. Never raises."""
        if self._is_closed:
            return False
        if data:
            if self._note_turn is not None:
                self._note_turn()
            try:
                self._kept.write(data)
            except OSError as error:
                self.failure = f"its output could not be kept: {error.strerror}"
        return True

    def share(self) -> int | None:
        """Give a descriptor for another process to write to; None when the file is closed or cannot be opened."""
        if self._is_closed:
            return None
        try:
            return self._kept.share()
        except OSError:
            return None

    def collect(self) -> None:
        """Move what other processes wrote beyond the limit to the last part. Never raises."""
        if not self._is_closed:
            with contextlib.suppress(OSError):
                self._kept.collect()

    def close(self) -> None:
        """Take nothing more. Never raises: the end of a task is worth more than its output."""
        if not self._is_closed:
            self._is_closed = True
            self._kept.close()
