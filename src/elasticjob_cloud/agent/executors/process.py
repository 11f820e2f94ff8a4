"""One life of an app's executor: its process, its connection, and why it was ended. Knows nothing of tasks."""

import asyncio
import secrets
import signal
from typing import Protocol

import structlog

from elasticjob_cloud.agent.apps.port import Prepared
from elasticjob_cloud.agent.executors.lines import AgentLine, ExecutorConnection
from elasticjob_cloud.agent.process.child import ChildProcess
from elasticjob_cloud.agent.process.program import Program
from elasticjob_cloud.agent.reporting.ending import Ending, over_memory, own_fault
from elasticjob_cloud.agent.reporting.last_words import LastWords
from elasticjob_cloud.agent.runtime import TaskRuntime
from elasticjob_cloud.model.jobs.app import AppConfiguration
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
        runtime: TaskRuntime,
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
        self._runtime = runtime
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
        self._program = self._program_of(app, address)
        outputs = runtime.outputs.streams_of(executor_output_name(app.app_name))
        self._child = self._program.start(runtime.processes, outputs, self._gone)
        tree = self._child.tree
        tree.memory_limit = lambda: int((app.memory_mb + owner.tasks_memory_mb) * _MEBIBYTE)
        tree.on_memory_exceeded = self._memory_exceeded
        seconds = runtime.settings.executor_connect_seconds
        self._connect_timer = loop.call_later(seconds, self._connect_overdue)

    def is_folder_spent(self) -> bool:
        """Whether its jobs have deleted files of its app, or filled its folder."""
        return self._prepared.is_spent()

    def describe_failed_start(self) -> str:
        """Say why it never registered. Of meaning once it is gone."""
        message = f"The bootstrapScript ended with {self._exit_words} before its executor registered."
        return self._with_last_words(self.fault.message if self.fault is not None else message)

    def describe_death(self) -> str:
        """Say how it ended by itself, though it had registered. Of meaning once it is gone."""
        return self._with_last_words(f"The executor ended with {self._exit_words}.")

    def _with_last_words(self, message: str) -> str:
        """Give a message whose first line is its summary, and after it the end of the output."""
        last_words = LastWords.of_process(self._child.outputs)
        return last_words.detail(last_words.summary(message))

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
            self._runtime.processes.trees.signal([self._child.tree], number)
        else:
            self.terminate()

    def terminate(self) -> None:
        """Send SIGTERM, and SIGKILL after the grace, unless it is gone."""
        if not self._is_gone:
            self._runtime.processes.trees.terminate(
                [self._child.tree], self._runtime.settings.kill_grace_seconds
            )

    def _flush(self) -> None:
        lines, self._unsent = self._unsent, []
        if self._connection is None:
            return
        try:
            self._connection.send(lines)
        except Exception as error:  # noqa: BLE001 - a fault of ours must end these tasks, not hang them
            _log.exception("Messages could not be sent to an executor.", directory=self.directory)
            self._owner.process_failed(own_fault(error), signal.SIGTERM)

    def _program_of(self, app: AppConfiguration, address: str) -> Program:
        environment = {
            **self._runtime.environment,
            ADDRESS_VARIABLE: address,
            TOKEN_VARIABLE: self.token,
            APP_NAME_VARIABLE: app.app_name,
        }
        # Of this life alone, lest what an earlier one left counts as a part of it.
        mark = f"executor-{secrets.token_hex(4)}-{app.app_name}"
        return Program(app.bootstrap_script, self.directory, environment, mark)

    def _connect_overdue(self) -> None:
        seconds = self._runtime.settings.executor_connect_seconds
        ending = Ending(TaskState.ERROR, f"The executor did not register within {seconds:g} s.")
        self._owner.process_failed(ending, signal.SIGTERM)

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
        self._exit_words = self._program.describe_exit(self._child.exit_code)
        self._connect_timer.cancel()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()
        self._prepared.release()


def executor_output_name(app_name: str) -> str:
    """Give the name that the output of an app's executor is kept under."""
    return f"executor-{app_name}"
