"""One app's executor on this agent: when it runs, and its tasks (semantics, "Transient and daemon jobs").

    STOPPED -> STARTING -> READY -> STOPPING -> STOPPED

A task waits until the executor is READY, then is sent, and from then on is the executor's. What the executor says of
tasks that are not its own is not heard.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto

import structlog

from elasticjob_cloud.agent.apps.port import Prepared
from elasticjob_cloud.agent.executors.lines import (
    AgentLine,
    ExecutorConnection,
    StatusItem,
    run_message,
)
from elasticjob_cloud.agent.executors.process import ExecutorProcess
from elasticjob_cloud.agent.executors.progress import Progress
from elasticjob_cloud.agent.reporting.ending import Ending, own_fault, timed_out
from elasticjob_cloud.agent.runtime import TaskRoom
from elasticjob_cloud.model.app import AppConfiguration
from elasticjob_cloud.model.errors import AppUnavailableError
from elasticjob_cloud.model.excerpt import excerpt
from elasticjob_cloud.model.job import JobConfiguration
from elasticjob_cloud.model.messages import (
    ExecutorStarted,
    ExecutorStopped,
    Sandbox,
    TaskSpec,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.model.wire import PROTOCOL_VERSION, TaskMessage

_log = structlog.get_logger(__name__)
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
        address: Callable[[], str],
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
        self._start: asyncio.Task[None] | None = None
        self._process: ExecutorProcess | None = None
        self._doomed: list[str] = []  # the tasks that waited for a start which we ended
        self._failures = 0  # in a row: starts that came to nothing, or to an early death
        self._idle_since = loop.time()
        self._progress = Progress(loop, self._tell, self._tell_more, room.outputs.add_note)

    @property
    def is_busy(self) -> bool:
        """Whether it has tasks, or tasks wait for it."""
        return bool(self._sent or self._waiting)

    @property
    def has_process(self) -> bool:
        """Whether a process of it runs, and holds the app's room."""
        return self._process is not None

    @property
    def tasks_memory_mb(self) -> float:
        """How much memory the tasks that it has may use."""
        return self._sent_memory_mb

    def launch(self, app: AppConfiguration, job: JobConfiguration, specs: Iterable[TaskSpec]) -> None:
        """Run these shards, which the ledger has accepted. A changed app counts from the next start on."""
        self._app = app
        if self._process is not None and not self.is_busy and self._process.is_folder_spent():
            # A job has broken or filled the app's folder. The next process has a fresh one.
            self.stop_if_idle()
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
            assert self._process is not None
            self._loop.call_later(self._room.settings.kill_grace_seconds, self._process.terminate)

    def end_all(self, ending: Ending) -> None:
        """End the process and with it all tasks, which come to the state of `ending`."""
        self._cancel_start()
        for task_id in list(self._waiting):
            del self._waiting[task_id]
            self._report(task_id, ending.state, ending.message)
        for sent in self._sent.values():
            sent.ending = sent.ending or ending
        self._end_process(ending)

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing is lost with it: no process, no task, no failure to remember."""
        return self.phase is ExecutorPhase.STOPPED and not self.is_busy and not self._failures

    def sandbox(self, agent_id: str) -> Sandbox | None:
        """Tell where its files are."""
        if self._process is None:
            return None
        return Sandbox(agent_id, self._app.app_name, self._process.directory, tuple(self._sent))

    def registered(self, connection: ExecutorConnection, agent_id: str) -> None:
        """Its process has named itself by its token."""
        assert self._process is not None, "its token goes with its process"
        self._process.connected(connection)
        if self.phase is not ExecutorPhase.STARTING:
            return
        self.phase = ExecutorPhase.READY
        self._process.ready_since = self._idle_since = self._loop.time()
        self._send(
            {
                "type": "registered",
                "protocol": PROTOCOL_VERSION,
                "appName": self._app.app_name,
                "agentId": agent_id,
            }
        )
        self._advance()

    def statuses_received(self, statuses: Sequence[StatusItem]) -> float:
        """Take what became of tasks; of tasks that it does not have, nothing is heard. Gives for how long to read no more."""
        for status in statuses:
            sent = self._sent.get(status.task_id)
            if sent is not None and status.state in _REPORTABLE:
                self._take(status, sent)
        return self._progress.pause_seconds()

    def connection_lost(self, connection: ExecutorConnection, reason: str) -> None:
        """Without a connection it is of no use: its process is ended. No reason: it closed the connection itself."""
        process = self._process
        if process is None or not process.disconnected(connection):
            return  # that of a process which is gone; the present one is another's, or still to come
        if self.phase is ExecutorPhase.STOPPING:
            return
        if reason:
            self._end_process(Ending(TaskState.LOST, f"The executor was ended: {reason}."))
        else:
            # Most often it is about to exit, and how it exits tells more than that it went silent.
            self.phase = ExecutorPhase.STOPPING
            self._loop.call_later(_EXIT_SECONDS, process.terminate)

    def _advance(self) -> None:
        if self.phase is ExecutorPhase.READY:
            self._send_waiting()
        elif self.phase is ExecutorPhase.STOPPED and self._waiting:
            self.phase = ExecutorPhase.STARTING
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
            sampling_count = self._app.event_trace_sampling_count
            limit = self._room.settings.output_limit_bytes
            self._send(run_message(job, tasks, sampling_count, limit))

    def _send(self, line: AgentLine) -> None:
        if self._process is not None:
            self._process.send(line)

    def _take(self, status: StatusItem, sent: _Sent) -> None:
        if not status.state.is_terminal:
            self._watch_time(status.task_id, sent)
            self._progress.take(status)
            return
        self._forget(status.task_id, sent)
        if status.state is TaskState.KILLED and sent.ending is not None:
            status.state, status.message = sent.ending.state, sent.ending.message
        self._tell(status)

    def _tell(self, status: StatusItem) -> None:
        now_ms, message = time.time_ns() // 1_000_000, excerpt(status.message)
        told = TaskStatus(status.task_id, status.state, now_ms, message, status.execution(), by_executor=True)
        self._room.ledger.report(told)

    def _tell_more(self, task_id: str, message: str) -> None:
        self._report(task_id, TaskState.RUNNING, message)

    def _watch_time(self, task_id: str, sent: _Sent) -> None:
        seconds = sent.job.timeout_seconds
        if seconds > 0 and sent.timer is None and not sent.job.is_daemon:
            sent.timer = self._loop.call_later(seconds, self.end, (task_id,), timed_out(seconds))

    def _forget(self, task_id: str, sent: _Sent) -> None:
        if sent.timer is not None:
            sent.timer.cancel()
        self._progress.end(task_id)
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
        if self._process is None and self._start is not None and not self._start.done():
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
            process = ExecutorProcess(self._room, self._loop, app, prepared, self._address(), self)
        except Exception as error:  # noqa: BLE001 - contained: the tasks that wait must hear of it, whatever it was
            if not isinstance(error, OSError):
                _log.exception("An executor could not be started.", app=app.app_name)
            prepared.release()
            self._failures += 1
            self._fail_start(f"The bootstrapScript could not be started: {error}")
            return
        self._process = process
        self._tokens[process.token] = self
        self._room.ledger.tell(ExecutorStarted(app.app_name))

    def _fail_start(self, message: str) -> None:
        self.phase = ExecutorPhase.STOPPED
        self._fail_waiting(list(self._waiting), message)

    def _fail_waiting(self, task_ids: Iterable[str], message: str) -> None:
        for task_id in task_ids:
            if self._waiting.pop(task_id, None) is not None:
                self._report(task_id, TaskState.ERROR, message)

    def process_failed(self, ending: Ending, number: signal.Signals) -> None:
        """Its process did not register in time, or uses too much memory."""
        self._end_process(ending, number)

    def _end_process(self, ending: Ending, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process; what becomes of its tasks when it is gone, `ending` says."""
        process = self._process
        if process is None:
            return
        if process.fault is None:
            # Tasks that come while it is on its way out wait for the next start.
            self._doomed = [] if process.ready_since is not None else list(self._waiting)
        self.phase = ExecutorPhase.STOPPING
        process.end(ending, number)

    def process_gone(self, process: ExecutorProcess) -> None:
        """Tell what became of its tasks, and start again for those that wait."""
        try:
            self._take_end(process)
        except Exception as error:  # noqa: BLE001 - a fault of ours must end these tasks, not hang them
            _log.exception("The end of an executor could not be handled.", app=self._app.app_name)
            self._process, self.phase = None, ExecutorPhase.STOPPED
            fault = own_fault(error)
            for task_id in [*self._sent, *self._waiting]:
                self._progress.end(task_id)
                self._report(task_id, fault.state, fault.message)
            self._sent.clear()
            self._waiting.clear()

    def _take_end(self, process: ExecutorProcess) -> None:
        self._tokens.pop(process.token, None)
        self._process = None
        self.phase = ExecutorPhase.STOPPED
        fault = process.fault or Ending(TaskState.LOST, f"The executor ended with {process.exit_words}.")
        doomed, self._doomed = self._doomed if process.fault is not None else list(self._waiting), []
        self._count_failure(process, had_tasks=bool(self._sent))
        self._lose_sent(fault)
        self._room.ledger.tell(ExecutorStopped(self._app.app_name, fault.message))
        if process.ready_since is None:
            self._fail_waiting(doomed, _start_message(process))
        self._advance()

    def _count_failure(self, process: ExecutorProcess, *, had_tasks: bool) -> None:
        # One that dies of its tasks time and again is started ever more seldom, like one that cannot start.
        lived = -1.0 if process.ready_since is None else self._loop.time() - process.ready_since
        early = lived < self._room.settings.executor_settled_seconds
        self._failures = self._failures + 1 if early and (lived < 0 or had_tasks) else 0

    def _lose_sent(self, fault: Ending) -> None:
        for task_id, sent in list(self._sent.items()):
            self._forget(task_id, sent)
            ending = sent.ending or fault
            self._report(task_id, ending.state, ending.message)

    def _report(self, task_id: str, state: TaskState, message: str) -> None:
        self._room.ledger.report(TaskStatus(task_id, state, time.time_ns() // 1_000_000, message))


def _start_message(process: ExecutorProcess) -> str:
    message = f"The bootstrapScript ended with {process.exit_words} before its executor registered."
    if process.fault is not None:
        message = process.fault.message
    output = process.last_output()
    return f"{message} Its last output:\n{output}" if output else message
