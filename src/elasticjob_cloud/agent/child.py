"""Starts one main process, keeps its output, and tells when it and all that it started are gone."""

import contextlib
import errno
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from elasticjob_cloud.agent.environment import OWNER_VARIABLE
from elasticjob_cloud.agent.journal import ProcessJournal, boot_clock
from elasticjob_cloud.agent.output import OutputFile
from elasticjob_cloud.agent.trees import ProcessTrees, Tree
from elasticjob_cloud.agent.watch import Watch
from elasticjob_cloud.model.errors import ElasticJobError

_log = structlog.get_logger(__name__)
_READ_BYTES = 1 << 16
_UNKNOWN_EXIT_CODE = 255
# What is read at most when the process has ended: more than a pipe holds, lest a left-over child writes for ever.
_LAST_READS = 20
# What kernels before 5.3 and sandboxes that know no pidfds say.
_NO_PIDFDS = frozenset({errno.ENOSYS, errno.EPERM})
# Python ignores these, and programs do not expect them to be.
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)


class UnwatchableError(ElasticJobError):
    """A process was started, could not be watched, and was ended for that."""


@dataclass(frozen=True, slots=True)
class ProcessRoom:
    """What starting processes takes, shared by all of an agent."""

    watch: Watch
    trees: ProcessTrees
    journal: ProcessJournal
    null: int  # a descriptor of /dev/null
    file_limit: int | None = (
        None  # the soft limit of open files of what is started; None: that of this process
    )


class ChildProcess:
    """A main process, leader of a group of its own, its two output streams, and its tree."""

    __slots__ = (
        "_exit_descriptor",
        "_on_gone",
        "_pumps",
        "_room",
        "ended_ms",
        "exit_code",
        "outputs",
        "pid",
        "started_ms",
        "tree",
    )

    def __init__(
        self,
        room: ProcessRoom,
        arguments: Sequence[str],
        directory: str,
        environment: Mapping[str, str],
        mark: str,
        outputs: tuple[OutputFile, OutputFile],
        on_gone: Callable[["ChildProcess"], None],
    ) -> None:
        """Start it.

        Raises:
            OSError: it could not be started; nothing is left of it.
            UnwatchableError: it began, and was ended at once.
        """
        self._room = room
        self._on_gone = on_gone
        self.outputs = outputs
        self.ended_ms = 0
        self.started_ms = time.time_ns() // 1_000_000
        self._pumps: list[_Pump] = []
        # Its exit code, or the negative number of the signal that ended it; of meaning once it is gone.
        self.exit_code = 0
        marked = {**environment, OWNER_VARIABLE: mark, "PWD": directory}
        self.pid = self._start(arguments, directory, marked)
        self.tree: Tree = room.trees.add(self.pid, mark, self._gone)
        try:
            self._exit_descriptor = _exit_descriptor(self.pid)
        except OSError as error:
            self._give_up()
            raise UnwatchableError(f"no descriptor is left to watch it by: {error}") from error
        room.watch.add(self._exit_descriptor, self._exited)

    def _start(self, arguments: Sequence[str], directory: str, environment: Mapping[str, str]) -> int:
        writers: list[int] = []
        earliest = boot_clock()
        try:
            for output in self.outputs:
                reader, writer = os.pipe()
                writers.append(writer)
                self._pumps.append(_Pump(self._room.watch, reader, output))
            pid = _spawn(arguments, directory, environment, (self._room.null, *writers))
        except BaseException:
            for pump in self._pumps:
                pump.close()
            raise
        finally:
            for writer in writers:
                os.close(writer)
        self._room.journal.started(pid, earliest, boot_clock())
        if self._room.file_limit is not None:
            _limit_files(pid, self._room.file_limit)
        return pid

    def _give_up(self) -> None:
        """End a process that cannot be watched. It has begun: whoever asked for it must not ask again."""
        for pump in self._pumps:
            pump.close()
        os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._room.trees.drop(self.tree)
        self._room.journal.ended(self.pid)

    def _exited(self) -> None:
        self._room.watch.remove(self._exit_descriptor)
        os.close(self._exit_descriptor)
        self.ended_ms = time.time_ns() // 1_000_000
        # The zombie still holds its number, so that this can hit none but its own group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for pump in self._pumps:
            pump.read_rest()
        self.exit_code = reap_exit_code(self.pid)
        self._room.trees.main_exited(self.tree)

    def _gone(self) -> None:
        try:
            self._room.journal.ended(self.pid)
            for output in self.outputs:
                output.close()
        finally:
            self._on_gone(self)


class _Pump:
    """Reads one stream as it comes: one piece a turn, so that a chatty process takes no more than its share."""

    __slots__ = ("_descriptor", "_output", "_watch")

    def __init__(self, watch: Watch, descriptor: int, output: OutputFile) -> None:
        self._watch = watch
        self._descriptor = descriptor
        self._output = output
        os.set_blocking(descriptor, False)
        watch.add(descriptor, self.read)

    def read(self) -> bool:
        """Keep one piece; False when there is none now, or never again."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        self._output.write(data)
        return True

    def read_rest(self) -> None:
        """Keep what an ended process left in its pipe, and close it."""
        for _ in range(_LAST_READS):
            if self._descriptor < 0 or not self.read():
                break
        self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            self._watch.remove(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


def _spawn(
    arguments: Sequence[str], directory: str, environment: Mapping[str, str], streams: Sequence[int]
) -> int:
    """Start a process that leads a group of its own; give its pid.

    A group, not a session: each session costs the kernel a scheduling group, which halves the rate of short scripts.
    `posix_spawn`, which takes half the processor time of `subprocess.Popen`, knows no working directory: the agent's own
    is changed for that moment. (Nothing in the agent goes by relative paths.)
    """
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(directory)
        return os.posix_spawn(
            arguments[0],
            list(arguments),
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)],
            setpgroup=0,
            setsigdef=_DEFAULT_SIGNALS,
        )
    finally:
        os.fchdir(here)
        os.close(here)


def _limit_files(pid: int, soft: int) -> None:
    """Give a process just started the usual limit, instead of the agent's raised one.

    Programs of the `select` era break with more, and some close all descriptors up to the limit one by one.
    """
    if sys.platform == "linux":
        # One that has ended already needs none.
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(soft, hard), hard))


def reap_exit_code(pid: int) -> int:
    """Reap a process that has ended; give its exit code, negative for a signal, 255 when somebody else has reaped it."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        # A library of the process that the agent lives in may wait for any child: the task must come to its end all the same.
        _log.warning("The exit code of a process was taken by somebody else; it counts as 255.", pid=pid)
        return _UNKNOWN_EXIT_CODE


def keep_descriptors() -> None:
    """Let no process that is started inherit a descriptor that a library opened without close-on-exec."""
    directory = Path("/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd")
    for entry in list(directory.iterdir()):
        if int(entry.name) > 2:
            with contextlib.suppress(OSError):
                os.set_inheritable(int(entry.name), False)  # noqa: FBT003 - its only form


def _exit_descriptor(pid: int) -> int:
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
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        os.close(writer)

    threading.Thread(target=wait, name=f"wait-{pid}", daemon=True).start()
    return reader
