"""Tells when a main process has exited, and with which code."""

import contextlib
import errno
import os
import threading
import time

import structlog

from elasticjob_cloud.agent.process.table import read_process

_log = structlog.get_logger(__name__)
_UNKNOWN_EXIT_CODE = 255
_EXIT_LOOK_SECONDS = 0.01
# What kernels before 5.3 and sandboxes that know no pidfds say.
_NO_PIDFDS = frozenset({errno.ENOSYS, errno.EPERM})


def exit_descriptor(pid: int) -> int:
    """Give a descriptor that becomes readable when the process exits."""
    if hasattr(os, "pidfd_open"):
        try:
            return os.pidfd_open(pid)
        except OSError as error:
            if error.errno not in _NO_PIDFDS:
                raise
    return _waited_descriptor(pid)


def _waited_descriptor(pid: int) -> int:
    # Without pidfds: a thread waits, and closes its end of a pipe.
    reader, writer = os.pipe()

    def wait() -> None:
        _wait_for_exit(pid)
        os.close(writer)

    try:
        threading.Thread(target=wait, name=f"wait-{pid}", daemon=True).start()
    except RuntimeError as error:
        os.close(reader)
        os.close(writer)
        raise OSError(errno.EAGAIN, str(error)) from error
    return reader


def _wait_for_exit(pid: int) -> None:
    """Wait until a child has exited, and leave it to be reaped."""
    if hasattr(os, "waitid"):
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return
    # macOS before Python 3.13.
    while (row := read_process(pid)) is not None and not row.zombie:
        time.sleep(_EXIT_LOOK_SECONDS)


def reap_exit_code(pid: int) -> int:
    """Reap a process that has ended; give its exit code, negative for a signal, 255 when somebody else has reaped it."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        # A library of the process that the agent lives in may wait for any child: the task must come to its end all the same.
        _log.warning("The exit code of a process was taken by somebody else; it counts as 255.", pid=pid)
        return _UNKNOWN_EXIT_CODE
