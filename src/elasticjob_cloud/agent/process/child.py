"""Starts one main process, keeps its output, and tells when it and all that it started are gone."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from elasticjob_cloud.agent.process.exits import exit_descriptor, reap_exit_code
from elasticjob_cloud.agent.process.journal import ProcessJournal, boot_clock
from elasticjob_cloud.agent.process.pump import OutputPump
from elasticjob_cloud.agent.process.signals import is_group, signal_group
from elasticjob_cloud.agent.process.start.environment import OWNER_VARIABLE
from elasticjob_cloud.agent.process.start.spawn import limit_files, spawn
from elasticjob_cloud.agent.process.table import ProcessRow
from elasticjob_cloud.agent.process.trees import ProcessTrees, Tree
from elasticjob_cloud.agent.process.watch import Watch
from elasticjob_cloud.agent.reporting.output import ProcessOutput
from elasticjob_cloud.model.errors import ElasticJobError

_log = structlog.get_logger(__name__)
# So long processes that a main process has left are given to pass on its last output, and so long they may be silent.
_LAST_WORDS_SECONDS = 2.0
_SILENCE_SECONDS = 0.1
_SHOWN_LEFT = 5


class UnwatchableError(ElasticJobError):
    """A process was started, could not be watched, and was ended for that."""


@dataclass(frozen=True, slots=True)
class ProcessRuntime:
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
        "_runtime",
        "ended_ms",
        "exit_code",
        "outputs",
        "pid",
        "started_ms",
        "tree",
    )

    def __init__(
        self,
        runtime: ProcessRuntime,
        arguments: Sequence[str],
        directory: str,
        environment: Mapping[str, str],
        mark: str,
        outputs: tuple[ProcessOutput, ProcessOutput],
        on_gone: Callable[["ChildProcess"], None],
    ) -> None:
        """Start it.

        Raises:
            OSError: it could not be started; nothing is left of it.
            UnwatchableError: it began, and was ended at once.
        """
        self._runtime = runtime
        self._on_gone = on_gone
        self.outputs = outputs
        self.ended_ms = 0
        self.started_ms = time.time_ns() // 1_000_000
        self._pumps: list[OutputPump] = []
        # Its exit code, or the negative number of the signal that ended it; of meaning once it is gone.
        self.exit_code = 0
        marked = {**environment, OWNER_VARIABLE: mark, "PWD": directory}
        self.pid = self._start(arguments, directory, marked)
        self.tree: Tree = runtime.trees.add(self.pid, mark, self._gone)
        try:
            self._exit_descriptor = self._watch_exit()
        except OSError as error:
            self._give_up()
            raise UnwatchableError(f"no descriptor is left to watch it by: {error}") from error

    def _watch_exit(self) -> int:
        descriptor = exit_descriptor(self.pid)
        try:
            self._runtime.watch.add(descriptor, self._exited)
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
                self._pumps.append(OutputPump(self._runtime.watch, reader, output))
            pid = spawn(arguments, directory, environment, (self._runtime.null, *writers))
        except BaseException:
            for pump in self._pumps:
                pump.close()
            raise
        finally:
            for writer in writers:
                os.close(writer)
        self._runtime.journal.started(pid, earliest, boot_clock())
        if self._runtime.file_limit is not None:
            limit_files(pid, self._runtime.file_limit)
        return pid

    def _give_up(self) -> None:
        """End a process that cannot be watched. It has begun, so it must not be started a second time."""
        for pump in self._pumps:
            pump.close()
        os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._runtime.trees.drop(self.tree)
        self._runtime.journal.ended(self.pid)

    def _exited(self) -> None:
        self._runtime.watch.remove(self._exit_descriptor)
        os.close(self._exit_descriptor)
        try:
            self._end_or_linger()
        except Exception:  # noqa: BLE001 - a fault of ours must not hang the task
            _log.exception("What a process left could not be waited for.", pid=self.pid)
            self._end()

    def _end_or_linger(self) -> None:
        trees, tree = self._runtime.trees, self.tree
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
                # A process in the group keeps the number from being reused.
                self._runtime.trees.note_left(self.tree)
                signal_group(self.pid, signal.SIGKILL)
            for pump in self._pumps:
                pump.read_rest()
        except Exception:  # noqa: BLE001 - a fault of ours must not hang the task
            _log.exception("The output of a process could not be read to its end.", pid=self.pid)
        finally:
            self._runtime.trees.main_exited(self.tree)

    def _gone(self) -> None:
        try:
            self._runtime.journal.ended(self.pid)
            if self.tree.left:
                _, stderr = self.outputs
                stderr.add_note(_left_note(list(self.tree.left.items()), after_line=self._pumps[1].ends_line))
            for output in self.outputs:
                output.close()
        finally:
            self._on_gone(self)


def _left_note(left: Sequence[tuple[int, str]], *, after_line: bool) -> bytes:
    shown = ", ".join(f"{command or 'a process'} (pid {pid})" for pid, command in left[:_SHOWN_LEFT])
    more = f" and {len(left) - _SHOWN_LEFT} more" if len(left) > _SHOWN_LEFT else ""
    start = "" if after_line else "\n"
    return f"{start}[elasticjob: ended what was left running: {shown}{more}]\n".encode(errors="replace")
