"""One life of an app's executor: its process, its connection, and why it was ended. Knows nothing of tasks."""

import asyncio
import secrets
import signal
from typing import Protocol

import structlog

from elasticjob_cloud.agent.apps import folder_hint
from elasticjob_cloud.agent.apps.port import Prepared
from elasticjob_cloud.agent.executors.lines import AgentLine, ExecutorConnection
from elasticjob_cloud.agent.process.child import ChildProcess
from elasticjob_cloud.agent.process.start.command import (
    LEFT_TO_THE_SHELL,
    arguments_of,
    shell_arguments,
    shell_command,
)
from elasticjob_cloud.agent.process.start.explanations import explain_exit
from elasticjob_cloud.agent.reporting.ending import Ending, describe_exit, over_memory, own_fault
from elasticjob_cloud.agent.reporting.output import open_outputs
from elasticjob_cloud.agent.runtime import TaskRoom
from elasticjob_cloud.model.app import AppConfiguration
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.model.wire import ADDRESS_VARIABLE, APP_NAME_VARIABLE, TOKEN_VARIABLE

_log = structlog.get_logger(__name__)
_MEBIBYTE = 1 << 20


class ProcessOwner(Protocol):
    """Who has the process started."""

    @property
    def tasks_memory_mb(self) -> float:
        """How much memory the tasks that it has may use."""

    def process_failed(self, ending: Ending, number: signal.Signals) -> None:
        """It must be ended by this signal."""

    def process_gone(self, process: "ExecutorProcess") -> None:
        """It and all that it started are gone."""


class ExecutorProcess:
    """A process that runs the app's `bootstrapScript`. Used on the loop's thread only."""

    def __init__(
        self,
        room: TaskRoom,
        loop: asyncio.AbstractEventLoop,
        app: AppConfiguration,
        prepared: Prepared,
        address: str,
        owner: ProcessOwner,
    ) -> None:
        """Start it; it keeps `prepared` until it is gone.

        Raises:
            OSError: it could not be started; nothing is left of it.
            UnwatchableError: it began, and was ended at once.
        """
        self._room = room
        self._loop = loop
        self._owner = owner
        self._prepared = prepared
        self.directory = str(prepared.directory)
        self.token = secrets.token_urlsafe(32)
        self.fault: Ending | None = None  # why we ended it
        self.ready_since: float | None = None  # by the loop's clock
        self._connection: ExecutorConnection | None = None
        self._unsent: list[AgentLine] = []
        self._is_gone = False
        self._exit_words = ""
        self._bootstrap_script = app.bootstrap_script
        self._child = self._spawn(app, address)
        tree = self._child.tree
        tree.memory_limit = lambda: int((app.memory_mb + owner.tasks_memory_mb) * _MEBIBYTE)
        tree.on_memory_exceeded = self._memory_exceeded
        seconds = room.settings.executor_connect_seconds
        self._connect_timer = loop.call_later(seconds, self._connect_overdue)

    @property
    def exit_words(self) -> str:
        """How it ended; of meaning once it is gone."""
        return self._exit_words

    def is_folder_spent(self) -> bool:
        """Whether its jobs have deleted files of its app, or filled its folder."""
        return self._prepared.is_spent()

    def last_output(self) -> str:
        """Give the end of what it said on stderr, or else on stdout."""
        stdout, stderr = (output.tail() for output in self._child.outputs)
        return stderr or stdout

    def connected(self, connection: ExecutorConnection) -> None:
        """It has named itself by its token."""
        self._connection = connection
        self._connect_timer.cancel()

    def disconnected(self, connection: ExecutorConnection) -> bool:
        """Take the end of a connection; False when it was not this process's."""
        if connection is not self._connection:
            return False
        self._connection = None
        return True

    def send(self, line: AgentLine) -> None:
        """Send a message with the others of this turn of the loop; without a connection it is lost."""
        # One write for all: a thousand jobs due in the same second are one system call.
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(line)

    def end(self, ending: Ending, number: signal.Signals = signal.SIGTERM) -> None:
        """End it; of several reasons the first one counts."""
        self._connect_timer.cancel()
        self.fault = self.fault or ending
        if number is signal.SIGKILL:
            self._room.processes.trees.signal([self._child.tree], number)
        else:
            self.terminate()

    def terminate(self) -> None:
        """Send SIGTERM, and SIGKILL after the grace, unless it is gone."""
        if not self._is_gone:
            self._room.processes.trees.terminate([self._child.tree], self._room.settings.kill_grace_seconds)

    def _flush(self) -> None:
        lines, self._unsent = self._unsent, []
        if self._connection is None:
            return
        try:
            self._connection.send(lines)
        except Exception as error:  # noqa: BLE001 - a fault of ours must end these tasks, not hang them
            _log.exception("Messages could not be sent to an executor.", directory=self.directory)
            self._owner.process_failed(own_fault(error), signal.SIGTERM)

    def _spawn(self, app: AppConfiguration, address: str) -> ChildProcess:
        environment = {
            **self._room.environment,
            ADDRESS_VARIABLE: address,
            TOKEN_VARIABLE: self.token,
            APP_NAME_VARIABLE: app.app_name,
        }
        base = self._room.outputs.base_path(executor_output_name(app.app_name))
        limit = self._room.settings.output_limit_bytes
        command = shell_command(app.bootstrap_script, self.directory)
        # Of this life alone, lest what an earlier one left counts as a part of it.
        mark = f"executor-{secrets.token_hex(4)}-{app.app_name}"

        def start(arguments: list[str]) -> ChildProcess:
            outputs = open_outputs(base, limit)
            return ChildProcess(
                self._room.processes, arguments, self.directory, environment, mark, outputs, self._gone
            )

        try:
            return start(arguments_of(command, None))
        except OSError as error:
            if error.errno not in LEFT_TO_THE_SHELL:
                raise
            return start(shell_arguments(command, None))

    def _connect_overdue(self) -> None:
        seconds = self._room.settings.executor_connect_seconds
        ending = Ending(TaskState.ERROR, f"The executor did not register within {seconds:g} s.")
        self._owner.process_failed(ending, signal.SIGTERM)

    def _describe_exit(self, code: int) -> str:
        path = self._room.environment.get("PATH", "")
        command = shell_command(self._bootstrap_script, self.directory)
        found = explain_exit(code, command, self.directory, path)
        words = f"exit code {code} ({found})" if found else describe_exit(code)
        return words + folder_hint(self.directory, self._bootstrap_script) if code else words

    def _memory_exceeded(self, used: int, limit: int) -> None:
        ending = over_memory(used, limit, "the executor with its tasks")
        self._owner.process_failed(ending, signal.SIGKILL)

    def _gone(self, _child: ChildProcess) -> None:
        self._is_gone = True
        try:
            self._end_life()
        except Exception as error:  # noqa: BLE001 - a fault of ours must end the tasks, not hang them
            _log.exception("The end of an executor could not be handled.", directory=self.directory)
            self.fault = self.fault or own_fault(error)
        self._owner.process_gone(self)

    def _end_life(self) -> None:
        # While its files are there.
        self._exit_words = self._describe_exit(self._child.exit_code)
        self._connect_timer.cancel()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()
        self._prepared.release()


def executor_output_name(app_name: str) -> str:
    """Give the name that the output of an app's executor is kept under."""
    return f"executor-{app_name}"
