"""One app's executor on this agent: its process, its connection, its tasks (semantics, "Transient and daemon jobs").

    STOPPED -> STARTING -> READY -> STOPPING -> STOPPED

A task waits until the executor is READY, then is sent, and from then on is the executor's. What the executor says of
tasks that are not its own is not heard.
"""

import asyncio
import secrets
import signal
import time
from collections.abc import Iterable, Sequence
from enum import Enum, auto

import structlog

from elasticjob_cloud.agent.apps_port import Prepared
from elasticjob_cloud.agent.child import ChildProcess
from elasticjob_cloud.agent.command import LEFT_TO_THE_SHELL, arguments_of, shell_arguments, shell_command
from elasticjob_cloud.agent.executor_lines import AgentLine, ExecutorConnection, StatusItem
from elasticjob_cloud.agent.output import OutputFile
from elasticjob_cloud.agent.room import TaskRoom
from elasticjob_cloud.agent.tasks import Ending, describe_exit, over_memory, timed_out
from elasticjob_cloud.model.app import AppConfiguration
from elasticjob_cloud.model.errors import AppUnavailableError
from elasticjob_cloud.model.job import JobConfiguration
from elasticjob_cloud.model.messages import (
    Execution,
    ExecutorStarted,
    ExecutorStopped,
    Sandbox,
    TaskSpec,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.model.wire import (
    ADDRESS_VARIABLE,
    APP_NAME_VARIABLE,
    PROTOCOL_VERSION,
    TOKEN_VARIABLE,
    JobMessage,
    Run,
    TaskMessage,
)

_log = structlog.get_logger(__name__)
_MEBIBYTE = 1 << 20
_REPORTABLE = frozenset(
    {TaskState.RUNNING, TaskState.FINISHED, TaskState.FAILED, TaskState.ERROR, TaskState.KILLED}
)
_DOUBLINGS = 16
_EXIT_SECONDS = 1.0


class ExecutorPhase(Enum):
    """What an executor is about."""

    STOPPED = auto()  # no process
    STARTING = auto()  # the app is prepared, or its process has not registered yet
    READY = auto()  # it takes tasks
    STOPPING = auto()  # its process is on its way out


class _Sent:
    """A task that the executor has."""

    __slots__ = ("ending", "job", "timer")

    def __init__(self, job: JobConfiguration) -> None:
        self.job = job
        self.ending: Ending | None = None
        self.timer: asyncio.TimerHandle | None = None


class AppExecutor:
    """The executor of one app. Used on the loop's thread only."""

    def __init__(
        self,
        room: TaskRoom,
        loop: asyncio.AbstractEventLoop,
        app: AppConfiguration,
        address: str,
        tokens: dict[str, "AppExecutor"],
    ) -> None:
        self._room = room
        self._loop = loop
        self._app = app  # of the next start
        self._address = address
        self._tokens = tokens
        self.phase = ExecutorPhase.STOPPED
        self._waiting: dict[str, tuple[JobConfiguration, TaskSpec]] = {}
        self._sent: dict[str, _Sent] = {}
        self._sent_memory_mb = 0.0
        self._unsent: list[AgentLine] = []
        self._start: asyncio.Task[None] | None = None
        self._prepared: Prepared | None = None
        self._child: ChildProcess | None = None
        self._connection: ExecutorConnection | None = None
        self._connect_timer: asyncio.TimerHandle | None = None
        self._token = ""
        self._fault: Ending | None = None  # why we ended it
        self._doomed: list[str] = []  # the tasks that waited for a start which we ended
        self._failures = 0  # in a row: starts that came to nothing, or to an early death
        self._ready_since: float | None = None
        self._idle_since = loop.time()
        self._starts = 0

    @property
    def is_busy(self) -> bool:
        """Whether it has tasks, or tasks wait for it."""
        return bool(self._sent or self._waiting)

    @property
    def has_process(self) -> bool:
        """Whether a process of it runs, and holds the app's room."""
        return self._child is not None

    def launch(self, app: AppConfiguration, job: JobConfiguration, specs: Iterable[TaskSpec]) -> None:
        """Run these shards, which the ledger has accepted. A changed app counts from the next start on."""
        self._app = app
        self._waiting.update((spec.task_id, (job, spec)) for spec in specs)
        self._advance()

    def end(self, task_ids: Iterable[str], ending: Ending) -> None:
        """End the tasks of these ids that are ours."""
        asked = []
        for task_id in task_ids:
            if self._waiting.pop(task_id, None) is not None:
                self._report(task_id, ending.state, ending.message)
            elif (sent := self._sent.get(task_id)) is not None and sent.ending is None:
                self._ask_end(task_id, sent, ending)
                asked.append(task_id)
        if asked:
            self._send({"type": "kill", "taskIds": asked})
        if not self._waiting:
            self._cancel_start()

    def stop_if_idle(self, idle_seconds: float = 0.0) -> None:
        """Stop it when it has been without tasks for so long."""
        idle = not self.is_busy and self._loop.time() - self._idle_since >= idle_seconds
        if idle and self.phase is ExecutorPhase.READY:
            self._send({"type": "stop"})
            self.phase = ExecutorPhase.STOPPING
            self._loop.call_later(self._room.settings.kill_grace_seconds, self._terminate, self._child)

    def end_all(self, ending: Ending) -> None:
        """End the process and with it all tasks, which come to the state of `ending`."""
        self._cancel_start()
        for task_id in list(self._waiting):
            del self._waiting[task_id]
            self._report(task_id, ending.state, ending.message)
        for sent in self._sent.values():
            sent.ending = sent.ending or ending
        if self._child is not None:
            self._end_process(ending)

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing is lost with it: no process, no task, no failure to remember."""
        return self.phase is ExecutorPhase.STOPPED and not self.is_busy and not self._failures

    def sandbox(self, agent_id: str) -> Sandbox | None:
        """Tell where its files are."""
        if self._prepared is None:
            return None
        return Sandbox(agent_id, self._app.app_name, str(self._prepared.directory), tuple(self._sent))

    def registered(self, connection: ExecutorConnection, agent_id: str) -> None:
        """Its process has named itself by its token."""
        self._connection = connection
        self._cancel_connect_timer()
        if self.phase is not ExecutorPhase.STARTING:
            return
        self.phase = ExecutorPhase.READY
        self._ready_since = self._idle_since = self._loop.time()
        self._send(
            {
                "type": "registered",
                "protocol": PROTOCOL_VERSION,
                "appName": self._app.app_name,
                "agentId": agent_id,
            }
        )
        self._advance()

    def statuses_received(self, statuses: Sequence[StatusItem]) -> None:
        """Take what became of tasks; of tasks that it does not have, nothing is heard."""
        for status in statuses:
            sent = self._sent.get(status.task_id)
            if sent is not None and status.state in _REPORTABLE:
                self._take(status, sent)

    def connection_lost(self, connection: ExecutorConnection, reason: str) -> None:
        """Without a connection it is of no use: its process is ended. No reason: it closed the connection itself."""
        if connection is not self._connection:
            return  # that of a process which is gone; the present one is another's, or still to come
        self._connection = None
        if self.phase is ExecutorPhase.STOPPING:
            return
        if reason:
            self._end_process(Ending(TaskState.LOST, f"The executor was ended: {reason}."))
        else:
            # Most often it is about to exit, and how it exits tells more than that it went silent.
            self.phase = ExecutorPhase.STOPPING
            self._loop.call_later(_EXIT_SECONDS, self._terminate, self._child)

    def _advance(self) -> None:
        if self.phase is ExecutorPhase.READY:
            self._send_waiting()
        elif self.phase is ExecutorPhase.STOPPED and self._waiting:
            self.phase = ExecutorPhase.STARTING
            self._fault = None
            self._start = self._loop.create_task(self._start_guarded())

    def _send_waiting(self) -> None:
        tasks_by_job: dict[int, tuple[JobConfiguration, list[TaskMessage]]] = {}
        for task_id, (job, spec) in self._waiting.items():
            _, tasks = tasks_by_job.setdefault(id(job), (job, []))
            output = self._room.outputs.base_path(task_id)
            tasks.append(
                {"taskId": task_id, "item": spec.item, "parameter": spec.parameter, "output": output}
            )
            self._sent[task_id] = _Sent(job)
            self._sent_memory_mb += job.memory_mb
        self._waiting.clear()
        for job, tasks in tasks_by_job.values():
            self._send(self._run_message(job, tasks))

    def _run_message(self, job: JobConfiguration, tasks: list[TaskMessage]) -> Run:
        message: JobMessage = {
            "jobName": job.job_name,
            "jobExecutionType": job.job_execution_type.value,
            "shardingTotalCount": job.sharding_total_count,
            "jobParameter": job.job_parameter,
            "jobExecutorServiceHandlerType": job.job_executor_service_handler_type.value,
            "jobErrorHandlerType": job.job_error_handler_type.value,
            "props": job.props,
            "cron": job.cron,
            "timeZone": job.time_zone,
            "eventTraceSamplingCount": self._app.event_trace_sampling_count,
        }
        limit = self._room.settings.output_limit_bytes
        return {"type": "run", "job": message, "tasks": tasks, "outputLimitBytes": limit}

    def _send(self, line: AgentLine) -> None:
        # Lines of one turn of the loop leave with one write: a thousand jobs due in the same second are one system call.
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(line)

    def _flush(self) -> None:
        lines, self._unsent = self._unsent, []
        if self._connection is not None and lines:
            self._connection.send(lines)

    def _take(self, status: StatusItem, sent: _Sent) -> None:
        task_id, state, message = status.task_id, status.state, status.message
        execution = _execution(status)
        if not state.is_terminal:
            self._watch_time(task_id, sent)
        else:
            if state is TaskState.KILLED and sent.ending is not None:
                state, message = sent.ending.state, sent.ending.message
            self._forget(task_id, sent)
        now_ms = time.time_ns() // 1_000_000
        self._room.ledger.report(TaskStatus(task_id, state, now_ms, message, execution, by_executor=True))

    def _watch_time(self, task_id: str, sent: _Sent) -> None:
        seconds = sent.job.timeout_seconds
        if seconds > 0 and sent.timer is None and not sent.job.is_daemon:
            sent.timer = self._loop.call_later(seconds, self.end, (task_id,), timed_out(seconds))

    def _forget(self, task_id: str, sent: _Sent) -> None:
        if sent.timer is not None:
            sent.timer.cancel()
        del self._sent[task_id]
        self._sent_memory_mb -= sent.job.memory_mb
        if not self._sent:
            self._sent_memory_mb = 0.0
            self._idle_since = self._loop.time()

    def _ask_end(self, task_id: str, sent: _Sent, ending: Ending) -> None:
        sent.ending = ending
        if sent.timer is not None:
            sent.timer.cancel()
        grace = self._room.settings.kill_grace_seconds
        sent.timer = self._loop.call_later(grace, self._insist, task_id, sent)

    def _insist(self, task_id: str, sent: _Sent) -> None:
        if self._sent.get(task_id) is sent:
            reason = f"The executor was ended, because it did not end task {task_id} in time."
            self._end_process(Ending(TaskState.LOST, reason))

    def _cancel_start(self) -> None:
        """Give up a start of which no process has come: nobody waits for the download any more."""
        if self._child is None and self._start is not None and not self._start.done():
            self._start.cancel()
            self.phase = ExecutorPhase.STOPPED

    async def _start_guarded(self) -> None:
        if self._failures:
            settings = self._room.settings
            delay = settings.executor_restart_seconds * 2 ** min(self._failures - 1, _DOUBLINGS)
            await asyncio.sleep(min(delay, settings.executor_restart_maximum_seconds))
        app = self._app
        try:
            prepared = await self._room.apps.prepare(app.app_name, app.app_url, cache=app.app_cache_enable)
        except AppUnavailableError as error:
            self._fail_start(str(error))
            return
        except Exception as error:  # noqa: BLE001 - contained: an unforeseen fault of one download must not stop the others
            _log.exception("An app could not be prepared.", app=app.app_name)
            self._fail_start(f"The app could not be prepared: {error}")
            return
        self._start_process(app, prepared)

    def _start_process(self, app: AppConfiguration, prepared: Prepared) -> None:
        try:
            child = self._spawn(app, str(prepared.directory))
        except Exception as error:  # noqa: BLE001 - contained: the tasks that wait must hear of it, whatever it was
            if not isinstance(error, OSError):
                _log.exception("An executor could not be started.", app=app.app_name)
            prepared.release()
            self._tokens.pop(self._token, None)
            self._failures += 1
            self._fail_start(f"The bootstrapScript could not be started: {error}")
            return
        self._prepared, self._child = prepared, child
        child.tree.memory_limit = lambda: int((app.memory_mb + self._sent_memory_mb) * _MEBIBYTE)
        child.tree.on_memory_exceeded = self._memory_exceeded
        self._room.ledger.tell(ExecutorStarted(app.app_name))
        seconds = self._room.settings.executor_connect_seconds
        self._connect_timer = self._loop.call_later(seconds, self._connect_overdue)

    def _spawn(self, app: AppConfiguration, directory: str) -> ChildProcess:
        self._starts += 1
        self._ready_since = None
        self._token = secrets.token_urlsafe(32)
        self._tokens[self._token] = self
        environment = {
            **self._room.environment,
            ADDRESS_VARIABLE: self._address,
            TOKEN_VARIABLE: self._token,
            APP_NAME_VARIABLE: app.app_name,
        }
        base = self._room.outputs.base_path(executor_output_name(app.app_name))
        limit = self._room.settings.output_limit_bytes
        command = shell_command(app.bootstrap_script, directory)
        mark = f"executor-{self._starts}-{app.app_name}"

        def start(arguments: list[str]) -> ChildProcess:
            stdout = OutputFile(f"{base}.stdout", limit, keep_latest=True)
            stderr = OutputFile(f"{base}.stderr", limit, keep_latest=True)
            return ChildProcess(
                self._room.processes, arguments, directory, environment, mark, (stdout, stderr), self._gone
            )

        try:
            return start(arguments_of(command, None))
        except OSError as error:
            if error.errno not in LEFT_TO_THE_SHELL:
                raise
            return start(shell_arguments(command, None))

    def _fail_start(self, message: str) -> None:
        self.phase = ExecutorPhase.STOPPED
        self._fail_waiting(list(self._waiting), message)

    def _fail_waiting(self, task_ids: Iterable[str], message: str) -> None:
        for task_id in task_ids:
            if self._waiting.pop(task_id, None) is not None:
                self._report(task_id, TaskState.ERROR, message)

    def _connect_overdue(self) -> None:
        seconds = self._room.settings.executor_connect_seconds
        self._end_process(Ending(TaskState.ERROR, f"The executor did not register within {seconds:g} s."))

    def _memory_exceeded(self, used: int, limit: int) -> None:
        whose = "the executor with its tasks"
        self._end_process(over_memory(used, limit, whose), signal.SIGKILL)

    def _end_process(self, ending: Ending, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process; what becomes of its tasks when it is gone, `ending` says."""
        self._cancel_connect_timer()
        if self._child is None:
            return
        if self._fault is None:
            self._fault = ending
            # Tasks that come while it is on its way out wait for the next start.
            self._doomed = [] if self._ready_since is not None else list(self._waiting)
        self.phase = ExecutorPhase.STOPPING
        if number is signal.SIGKILL:
            self._room.processes.trees.signal([self._child.tree], number)
        else:
            self._terminate(self._child)

    def _terminate(self, child: ChildProcess | None) -> None:
        if child is not None and child is self._child:
            self._room.processes.trees.terminate([child.tree], self._room.settings.kill_grace_seconds)

    def _gone(self, child: ChildProcess) -> None:
        """The process and all that it started are gone."""
        self._cancel_connect_timer()
        self._tokens.pop(self._token, None)
        exit_words = describe_exit(child.exit_code)
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()
        if self._prepared is not None:
            self._prepared.release()
        self._prepared = self._child = None
        self._unsent.clear()
        self.phase = ExecutorPhase.STOPPED
        fault, self._fault = self._fault, None
        message = fault.message if fault is not None else f"The executor ended with {exit_words}."
        doomed, self._doomed = self._doomed if fault is not None else list(self._waiting), []
        self._count_failure(had_tasks=bool(self._sent))
        self._lose_sent(fault.state if fault is not None else TaskState.LOST, message)
        self._room.ledger.tell(ExecutorStopped(self._app.app_name, message))
        if self._ready_since is None:
            self._fail_waiting(doomed, _with_output(_start_message(fault, exit_words), child))
        self._advance()

    def _count_failure(self, *, had_tasks: bool) -> None:
        # One that dies of its tasks time and again is started ever more seldom, like one that cannot start.
        lived = -1.0 if self._ready_since is None else self._loop.time() - self._ready_since
        early = lived < self._room.settings.executor_settled_seconds
        self._failures = self._failures + 1 if early and (lived < 0 or had_tasks) else 0

    def _lose_sent(self, state: TaskState, message: str) -> None:
        for task_id, sent in list(self._sent.items()):
            self._forget(task_id, sent)
            ending = sent.ending or Ending(state, message)
            self._report(task_id, ending.state, ending.message)

    def _cancel_connect_timer(self) -> None:
        if self._connect_timer is not None:
            self._connect_timer.cancel()
            self._connect_timer = None

    def _report(self, task_id: str, state: TaskState, message: str) -> None:
        self._room.ledger.report(TaskStatus(task_id, state, time.time_ns() // 1_000_000, message))


def executor_output_name(app_name: str) -> str:
    """Give the name that the output of an app's executor is kept under."""
    return f"executor-{app_name}"


def _execution(status: StatusItem) -> Execution | None:
    if status.success is None:
        return None
    return Execution(status.start_time, status.complete_time, status.success, status.failure_cause)


def _start_message(fault: Ending | None, exit_words: str) -> str:
    if fault is not None:
        return fault.message
    return f"The bootstrapScript ended with {exit_words} before its executor registered."


def _with_output(message: str, child: ChildProcess) -> str:
    stdout, stderr = (output.tail() for output in child.outputs)
    output = stderr or stdout
    return f"{message} Its last output:\n{output}" if output else message
