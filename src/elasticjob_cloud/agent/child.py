"""Starts one main process, keeps its output, and tells when it and all that it started are gone."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from elasticjob_cloud.agent.environment import OWNER_VARIABLE
from elasticjob_cloud.agent.journal import ProcessJournal, boot_clock
from elasticjob_cloud.agent.output import OutputFile
from elasticjob_cloud.agent.trees import ProcessTrees, Tree
from elasticjob_cloud.agent.watch import Watch

_READ_BYTES = 1 << 16
# What is read at most when the process has ended: more than a pipe holds, lest a left-over child writes for ever.
_LAST_READS = 20


@dataclass(frozen=True, slots=True)
class ProcessRoom:
    """What starting processes takes, shared by all of an agent."""

    watch: Watch
    trees: ProcessTrees
    journal: ProcessJournal
    null: int  # a descriptor of /dev/null


class ChildProcess:
    """A main process, leader of a group of its own, its two output streams, and its tree."""

    __slots__ = (
        "_exit_descriptor",
        "_on_gone",
        "_popen",
        "_pumps",
        "_room",
        "ended_ms",
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
        """
        self._room = room
        self._on_gone = on_gone
        self.outputs = outputs
        self.ended_ms = 0
        self.started_ms = time.time_ns() // 1_000_000
        self._pumps: list[_Pump] = []
        self._popen = self._start(
            arguments, directory, {**environment, OWNER_VARIABLE: mark, "PWD": directory}
        )
        self.pid: int = self._popen.pid
        self.tree: Tree = room.trees.add(self.pid, mark, self._gone)
        self._exit_descriptor = _exit_descriptor(self.pid)
        room.watch.add(self._exit_descriptor, self._exited)

    @property
    def exit_code(self) -> int:
        """Its exit code, or the negative number of the signal that ended it."""
        code = self._popen.returncode
        assert code is not None
        return code

    def _start(
        self, arguments: Sequence[str], directory: str, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        writers: list[int] = []
        earliest = boot_clock()
        try:
            for output in self.outputs:
                reader, writer = os.pipe()
                writers.append(writer)
                self._pumps.append(_Pump(self._room.watch, reader, output))
            popen = subprocess.Popen(
                arguments,
                stdin=self._room.null,
                stdout=writers[0],
                stderr=writers[1],
                cwd=directory,
                env=environment,
                # Not a session: each one costs a scheduler's autogroup, which halves the rate of short scripts.
                process_group=0,
            )
        except BaseException:
            for pump in self._pumps:
                pump.close()
            raise
        finally:
            for writer in writers:
                os.close(writer)
        self._room.journal.started(popen.pid, earliest, boot_clock())
        return popen

    def _exited(self) -> None:
        self._room.watch.remove(self._exit_descriptor)
        os.close(self._exit_descriptor)
        self.ended_ms = time.time_ns() // 1_000_000
        # The zombie still holds its number, so that this can hit none but its own group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for pump in self._pumps:
            pump.read_rest()
        self._popen.wait()
        self._room.trees.main_exited(self.tree)

    def _gone(self) -> None:
        self._room.journal.ended(self.pid)
        for output in self.outputs:
            output.close()
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


def _exit_descriptor(pid: int) -> int:
    """Give a descriptor that becomes readable when the process exits."""
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(pid)
    return _waited_descriptor(pid)


def _waited_descriptor(pid: int) -> int:
    # Systems without pidfds: a thread waits, and closes its end of a pipe.
    reader, writer = os.pipe()

    def wait() -> None:
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        os.close(writer)

    threading.Thread(target=wait, name=f"wait-{pid}", daemon=True).start()
    return reader
