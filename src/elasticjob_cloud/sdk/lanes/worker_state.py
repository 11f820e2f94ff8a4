"""What a shard may change of its worker process, and what is put back before the next one begins.

A program that runs once leaves all this to the end of its process. A worker process runs the next shard: an alarm that was
left would end it, a changed folder would break its relative paths.
"""

import contextlib
import os
import resource
import signal
import sys
from typing import Any

from elasticjob_cloud.sdk.descriptors import identify

_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_LIMITS = tuple({value for name, value in vars(resource).items() if name.startswith("RLIMIT_")})


class WorkerState:
    """The state of this process as the bootstrap script made it."""

    def __init__(self) -> None:
        self._handlers = _find_handlers()
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._folder = _find_folder()
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._environment = dict(os.environ)
        self._tracers = sys.gettrace(), sys.getprofile()
        self._switch_seconds = sys.getswitchinterval()
        # It has a low number: gone when a shard has closed what it never opened, maybe what the next one needs.
        self._sentinel = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._identity = identify(self._sentinel)
        self._lasting = _find_lasting()

    def restore(self) -> bool:
        """Put everything back; False if that cannot be done, so that a fresh process is due."""
        try:
            return self._restore()
        except Exception:  # noqa: BLE001 - whatever it was, this process is not as it was
            return False

    def _restore(self) -> bool:
        for timer in _TIMERS:
            signal.setitimer(timer, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        for number, handler in self._handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        os.umask(self._umask)
        if os.environ != self._environment:
            self._restore_environment()
        if (sys.gettrace(), sys.getprofile()) != self._tracers:
            sys.settrace(self._tracers[0])
            sys.setprofile(self._tracers[1])
        sys.setswitchinterval(self._switch_seconds)
        is_whole = identify(self._sentinel) == self._identity and _find_lasting() == self._lasting
        return self._restore_folder() and is_whole

    def _restore_environment(self) -> None:
        for name in [name for name in os.environ if name not in self._environment]:
            del os.environ[name]
        os.environ.update(self._environment)

    def _restore_folder(self) -> bool:
        if _find_folder() == self._folder:
            return True
        with contextlib.suppress(OSError):
            os.chdir(self._folder)
        return _find_folder() == self._folder


def _find_handlers() -> dict[int, Any]:
    # Those that no Python code set, which are None, can be left by nobody either.
    handlers = {int(number): signal.getsignal(number) for number in signal.valid_signals()}
    return {
        number: handler
        for number, handler in handlers.items()
        if handler is not None and number not in {signal.SIGKILL, signal.SIGSTOP}
    }


def _find_folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - the text is all that is needed
    except OSError:
        return ""  # it was removed


def _find_lasting() -> tuple[object, ...]:
    """Return what a process may give up and never get back."""
    limits = tuple(resource.getrlimit(limit) for limit in _LIMITS)
    ids = os.getuid(), os.geteuid(), os.getgid(), os.getegid()
    return ids, os.getpriority(os.PRIO_PROCESS, 0), limits
