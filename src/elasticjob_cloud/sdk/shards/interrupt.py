"""TaskKilledError in a thread, at a moment when it leaves no lock held.

Python raises it where the thread stands: right after `lock.acquire()`, say, before `try` begins. A handler of `logging` would
then stay locked for all other shards. So the thread's place is looked at first, and the killer comes back a little later.
"""

import ctypes
import dis
import sys
import threading
import time
from contextlib import suppress
from threading import get_ident
from types import FrameType

from elasticjob_cloud.sdk.shards.shard import TaskKilledError

_set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
_TAKES_LOCK = ("acquire", "__enter__", "_acquire_restore")
_LOADS = ("LOAD_METHOD", "LOAD_ATTR", "LOAD_GLOBAL", "LOAD_NAME", "LOAD_FAST", "LOAD_DEREF")
# After this time a thread in code that takes locks with a time limit, again and again, is interrupted all the same.
_PATIENCE_SECONDS = 0.1
# Longer than nothing, so that another thread has the interpreter meanwhile: from then on ours keeps it undisturbed for a
# switch interval, long enough to look and to act upon it.
_YIELD_SECONDS = 0.0001


class ThreadInterrupt:
    """Raises TaskKilledError in one thread, between two of its bytecodes, and takes that back."""

    def __init__(self) -> None:
        self._identity = get_ident()
        self._thread = ctypes.c_ulong(self._identity)
        self._refused_at: float | None = None
        self._is_sent = False

    def __call__(self) -> bool:
        """Interrupt. False if the thread is taking a lock: then call again, a little later."""
        if self._identity != get_ident():
            time.sleep(_YIELD_SECONDS)
            frame = sys._current_frames().get(self._identity)  # noqa: SLF001 - the documented way to see it
            if frame is not None and not self._is_due(frame):
                return False
        self._refused_at = None
        self._is_sent = True
        _set_exception(self._thread, ctypes.py_object(TaskKilledError))
        return True

    def disarm(self) -> None:
        """Take back an interrupt that is on its way. Called in the thread itself.

        It is raised here, or raised once more, and caught. Python 3.11 and 3.12 would look for a cleared one for ever:
        slow for all threads, and with a debugger, or with coverage, 3.11 never comes to the next call.
        """
        self._refused_at = None
        if not self._is_sent:
            return
        self._is_sent = False
        with suppress(TaskKilledError):
            _set_exception(self._thread, ctypes.py_object(TaskKilledError))

    def _is_due(self, frame: FrameType) -> bool:
        if _is_waiting(frame):
            return True
        called, arguments = _call_at(frame)
        if called and arguments == 0:
            return False  # no interrupt reaches it before it has the lock
        if not called and not _is_within_lock(frame):
            return True
        now = time.monotonic()
        if self._refused_at is None:
            self._refused_at = now
        return now - self._refused_at > _PATIENCE_SECONDS


def _is_waiting(frame: FrameType) -> bool:
    """Whether it waits for a condition, an event or a queue: an interrupt there is undone properly."""
    return frame.f_code.co_filename == threading.__file__ and frame.f_code.co_name == "wait"


def _is_within_lock(frame: FrameType) -> bool:
    """Whether it is within the code of one of Python's locks."""
    looked: FrameType | None = frame
    for _ in range(3):
        if looked is None:
            return False
        if looked.f_code.co_filename == threading.__file__ and looked.f_code.co_name in _TAKES_LOCK:
            return True
        looked = looked.f_back
    return False


def _call_at(frame: FrameType) -> tuple[str, int]:
    """Return which lock method a frame is calling just now, if any, and with how many arguments."""
    name = ""
    for instruction in dis.get_instructions(frame.f_code):
        is_call = instruction.opname.startswith("CALL")
        if instruction.offset >= frame.f_lasti:
            return (name, instruction.arg or 0) if is_call else ("", 0)
        if is_call:
            name = ""
        elif instruction.opname in _LOADS and instruction.argval in _TAKES_LOCK:
            name = str(instruction.argval)
    return "", 0
