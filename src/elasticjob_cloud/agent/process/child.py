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

from elasticjob_cloud.agent.process.journal import ProcessJournal, boot_clock
from elasticjob_cloud.agent.process.signals import is_group, signal_group
from elasticjob_cloud.agent.process.start.environment import OWNER_VARIABLE
from elasticjob_cloud.agent.process.start.inherited_state import SETTABLE_SIGNALS, bytes_of
from elasticjob_cloud.agent.process.table import ProcessRow, read_process
from elasticjob_cloud.agent.process.trees import ProcessTrees, Tree
from elasticjob_cloud.agent.process.watch import Watch
from elasticjob_cloud.agent.reporting.output import OutputFile
from elasticjob_cloud.model.errors import ElasticJobError

_log = structlog.get_logger(__name__)
_READ_BYTES = 1 << 16
_UNKNOWN_EXIT_CODE = 255
# What is read at most when the process has ended: more than a pipe holds, lest a left-over child writes for ever.
_LAST_READS = 20
# So long processes that a main process has left are given to pass on its last output, and so long they may be silent.
_LAST_WORDS_SECONDS = 2.0
_SILENCE_SECONDS = 0.1
_SHOWN_LEFT = 5
_EXIT_LOOK_SECONDS = 0.01
# What kernels before 5.3 and sandboxes that know no pidfds say.
_NO_PIDFDS = frozenset({errno.ENOSYS, errno.EPERM})


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
            self._exit_descriptor = self._watch_exit()
        except OSError as error:
            self._give_up()
            raise UnwatchableError(f"no descriptor is left to watch it by: {error}") from error

    def _watch_exit(self) -> int:
        descriptor = _exit_descriptor(self.pid)
        try:
            self._room.watch.add(descriptor, self._exited)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

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
        try:
            self._end_or_linger()
        except Exception:  # noqa: BLE001 - a fault of ours must not hang the task
            _log.exception("What a process left could not be waited for.", pid=self.pid)
            self._end()

    def _end_or_linger(self) -> None:
        trees, tree = self._room.trees, self.tree
        for pump in self._pumps:
            pump.read_much()
        if tree.grace_ends is not None:
            # SIGTERM has ended a shell, say, at once: what it had started has the same grace all the same.
            trees.linger(tree, tree.grace_ends, lambda rows: not rows, self._end)
        elif any(pump.is_open for pump in self._pumps):
            # `exec > >(tee log)`: what holds the pipe may still have to pass on what the main process said last.
            trees.linger(tree, time.monotonic() + _LAST_WORDS_SECONDS, self._have_spoken, self._end)
        else:
            self._end()

    def _have_spoken(self, rows: Sequence[ProcessRow]) -> bool:
        """Whether these processes have no more to say that belongs to the main process's output."""
        for pump in self._pumps:
            pump.read_much()
        last = max(pump.last_read for pump in self._pumps)
        is_silent = time.monotonic() - last > _SILENCE_SECONDS and not any(row.is_busy for row in rows)
        return not rows or is_silent or not any(pump.is_open for pump in self._pumps)

    def _end(self) -> None:
        """Reap the main process, and end what is left of its group."""
        if self.ended_ms:
            return
        self.ended_ms = time.time_ns() // 1_000_000
        self.exit_code = reap_exit_code(self.pid)
        try:
            if is_group(self.pid):
                # Whoever is in the group keeps its number.
                self._room.trees.note_left(self.tree)
                signal_group(self.pid, signal.SIGKILL)
            for pump in self._pumps:
                pump.read_rest()
        except Exception:  # noqa: BLE001 - a fault of ours must not hang the task
            _log.exception("The output of a process could not be read to its end.", pid=self.pid)
        finally:
            self._room.trees.main_exited(self.tree)

    def _gone(self) -> None:
        try:
            self._room.journal.ended(self.pid)
            if self.tree.left:
                _, stderr = self.outputs
                stderr.write(_left_note(list(self.tree.left.items()), after_line=self._pumps[1].ends_line))
            for output in self.outputs:
                output.close()
        finally:
            self._on_gone(self)


class _Pump:
    """Reads one stream as it comes: one piece a turn, so that a chatty process takes no more than its share."""

    __slots__ = ("_descriptor", "_output", "_watch", "ends_line", "last_read")

    def __init__(self, watch: Watch, descriptor: int, output: OutputFile) -> None:
        self.last_read = 0.0  # by the monotonic clock
        self.ends_line = True
        self._watch = watch
        self._descriptor = descriptor
        self._output = output
        try:
            os.set_blocking(descriptor, False)
            watch.add(descriptor, self.read)
        except OSError:
            os.close(descriptor)
            raise

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
        self.last_read = time.monotonic()
        self.ends_line = data.endswith(b"\n")
        return True

    @property
    def is_open(self) -> bool:
        """Whether somebody may still write to the pipe, as far as it was read."""
        return self._descriptor >= 0

    def read_much(self) -> None:
        """Keep what is in the pipe now."""
        for _ in range(_LAST_READS):
            if self._descriptor < 0 or not self.read():
                break

    def read_rest(self) -> None:
        """Keep what an ended process left in its pipe, and close it."""
        self.read_much()
        self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            self._watch.remove(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


def _left_note(left: Sequence[tuple[int, str]], *, after_line: bool) -> bytes:
    shown = ", ".join(f"{command or 'a process'} (pid {pid})" for pid, command in left[:_SHOWN_LEFT])
    more = f" and {len(left) - _SHOWN_LEFT} more" if len(left) > _SHOWN_LEFT else ""
    start = "" if after_line else "\n"
    return f"{start}[elasticjob: ended what was left running: {shown}{more}]\n".encode(errors="replace")


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
        os.chdir(bytes_of(directory))
        return os.posix_spawn(
            bytes_of(arguments[0]),
            [bytes_of(argument) for argument in arguments],
            {bytes_of(name): bytes_of(value) for name, value in environment.items()},
            file_actions=[(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)],
            setpgroup=0,
            # Python ignores some, and whoever started the agent may have ignored or blocked others.
            setsigmask=(),
            setsigdef=SETTABLE_SIGNALS,
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
