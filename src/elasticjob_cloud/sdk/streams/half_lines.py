"""Lines that threads of one shard have begun and not ended.

`print("text")` writes the text and the line feed apart. In plain Python no other thread comes between the two, since nothing of
theirs is written in Python; here it is. So what a thread wrote waits while it is still in that call, and others go ahead.
"""

import sys
import threading
from types import FrameType
from typing import NamedTuple

# A line longer than this is written in pieces, so that memory stays bounded.
_LINE_BYTES = 8192
_OUR_MODULES = frozenset(
    f"{__package__}.{module}" for module in ("half_lines", "output_files", "routed", "shard_streams")
)


class _Call(NamedTuple):
    """Where a thread wrote: a frame outside these modules, by its id, and the instruction that it was at."""

    frame: int
    instruction: int


class _HalfLine:
    __slots__ = ("call", "text")

    def __init__(self) -> None:
        self.text = bytearray()
        self.call: _Call | None = None


class HalfLines:
    """The half lines of one stream. Its user holds a lock."""

    def __init__(self) -> None:
        self._by_thread: dict[int, _HalfLine] = {}

    def add(self, data: bytes) -> bytes:
        """Take what the current thread writes, and return what can be written now: whole lines, and what got too long.

        The order in which threads wrote is kept, except that a thread which is still in one call, such as a `print`, holds no
        other up.
        """
        if not self._by_thread and data.endswith(b"\n"):
            return data
        thread = threading.get_ident()
        ready = self._take_left(thread)
        line = self._by_thread.pop(thread, None) or _HalfLine()
        line.text += data
        end = len(line.text) if len(line.text) > _LINE_BYTES else line.text.rfind(b"\n", -len(data)) + 1
        ready += line.text[:end]
        del line.text[:end]
        if line.text:
            line.call = _present_call()
            self._by_thread[thread] = line
        return ready

    def take(self) -> bytes:
        """Return everything but what other threads are about to end."""
        thread = threading.get_ident()
        line = self._by_thread.pop(thread, None)
        return self._take_left(thread) + (line.text if line is not None else b"")

    def take_all(self) -> bytes:
        """Return everything, in the order in which the lines were begun."""
        lines = list(self._by_thread.values())
        self._by_thread.clear()
        return b"".join(bytes(line.text) for line in lines)

    def clear(self) -> None:
        self._by_thread.clear()

    def _take_left(self, present: int) -> bytes:
        """Return what other threads left as it is, and went on."""
        if not self._by_thread:  # nearly always
            return b""
        left = [
            thread
            for thread, line in self._by_thread.items()
            if thread != present and not (line.call is not None and _goes_on(line.call, thread))
        ]
        return b"".join(bytes(self._by_thread.pop(thread).text) for thread in left)


def _present_call() -> _Call | None:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - there is no other way to learn it
    while frame is not None and frame.f_globals.get("__name__") in _OUR_MODULES:
        frame = frame.f_back
    return None if frame is None else _Call(id(frame), frame.f_lasti)


def _goes_on(call: _Call, thread: int) -> bool:
    """Tell whether a thread is still in the call that it wrote from."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - as above
    while frame is not None:
        if id(frame) == call.frame:
            return frame.f_lasti == call.instruction
        frame = frame.f_back
    return False
