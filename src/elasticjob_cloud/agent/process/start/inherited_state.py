"""What a process inherits from its starter and must not go by: signals, closed descriptors, a locale without UTF-8.

`nohup`, `trap '' CHLD`, `LC_ALL=zh_CN.GBK`, a supervisor that closes everything: none of it may change what becomes of a task.
The umask, the limits and the niceness are kept: an operator chose them.
"""

import os
import signal
import sys
import threading
from collections.abc import Mapping

# All but the two that no process can set.
SETTABLE_SIGNALS = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


def take_known_state() -> None:
    """Bring this process into a known state, at its beginning. May start the program over, with the same number."""
    if sys.getfilesystemencoding().lower() != "utf-8" and not sys.flags.utf8_mode:
        # Names, arguments and the environment are bytes of UTF-8, whatever the locale says.
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - no shell wanted
    _open_standard_descriptors()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    keep_exit_codes()


def keep_exit_codes() -> None:
    """Have the kernel keep the exit codes of children: it does not where SIGCHLD is ignored."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def bytes_of(text: str) -> bytes:
    """Give what a process is to be told, in UTF-8; bytes that were none come out as they came in."""
    return text.encode("utf-8", "surrogateescape")


def own_environment() -> Mapping[str, str]:
    """Give this process's environment, read as UTF-8."""
    if sys.getfilesystemencoding().lower() == "utf-8":
        return os.environ
    return {
        name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for name, value in os.environb.items()
    }


def _open_standard_descriptors() -> None:
    # Where one is closed, a pipe or a socket of ours would get its number, and be taken for it.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - its only form
    os.close(descriptor)
