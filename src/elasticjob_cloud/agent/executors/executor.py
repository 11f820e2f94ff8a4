"""One app's executor on this agent: when it runs, and its tasks (semantics, "Transient and daemon jobs").

A task waits until the executor is READY (`phase.py`), then is sent, and from then on is the executor's. What the executor says of
tasks that are not its own is not heard.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Sequence

import structlog

from elasticjob_cloud.agent.executors.lines import (
    AgentLine,
    ExecutorConnection,
    StatusItem,
)
from elasticjob_cloud.agent.executors.phase import ExecutorPhase, new_phase
from elasticjob_cloud.agent.executors.process import ExecutorProcess
from elasticjob_cloud.agent.executors.progress import Progress
from elasticjob_cloud.agent.executors.sent_tasks import SentTask, SentTasks
from elasticjob_cloud.agent.executors.starter import ExecutorStarter
from elasticjob_cloud.agent.executors.unsent_tasks import UnsentTasks
from elasticjob_cloud.agent.reporting.ending import Ending, own_fault, timed_out
from elasticjob_cloud.agent.reporting.last_words import LastWords
from elasticjob_cloud.agent.runtime import TaskRuntime
from elasticjob_cloud.model.errors import AppUnavailableError, StartError
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.messages import (
    ExecutorStarted,
    ExecutorStopped,
    Sandbox,
    TaskSpec,
    TaskStatus,
)
from elasticjob_cloud.model.output.excerpt import excerpt, first_line
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.model.wire import PROTOCOL_VERSION

_log = structlog.get_logger(__name__)
_REPORTABLE = frozenset(
    {TaskState.RUNNING, TaskState.FINISHED, TaskState.FAILED, TaskState.ERROR, TaskState.KILLED}
)
_EXIT_SECONDS = 1.0
# Of so many tasks of a lost executor the output is quoted: reading it takes the loop a millisecond or two each.
_MOST_LAST_WORDS = 100


class AppExecutor:
    """The executor of one app. Used on the loop's thread only."""

    def __init__(
        self,
        runtime: TaskRuntime,
        loop: asyncio.AbstractEventLoop,
        app: AppConfiguration,
        address: Callable[[], str],
        tokens: dict[str, "AppExecutor"],
    ) -> None:
        self._runtime = runtime
        self._loop = loop
        self._app = app  # of the next start
        self._tokens = tokens
        self._phase = new_phase()
        self._unsent = UnsentTasks()
        self._sent = SentTasks()
        self._start: asyncio.Task[None] | None = None
        self._process: ExecutorProcess | None = None
        self._doomed: list[str] = []  # the tasks that waited for a start which we ended
        self._starter = ExecutorStarter(runtime, loop, address, self)
        self._idle_since = loop.time()
        self._progress = Progress(loop, self._tell, self._tell_more, runtime.outputs.add_note)

    @property
    def is_busy(self) -> bool:
        """Whether it has tasks, or tasks wait for it."""
        return bool(self._sent or self._unsent)

    @property
    def has_process(self) -> bool:
        """Whether a process of it runs, and holds what the app asks for."""
        return self._process is not None

    @property
    def tasks_memory_mb(self) -> float:
        """How much memory the tasks that it has may use."""
        return self._sent.memory_mb

    def launch(self, app: AppConfiguration, job: JobConfiguration, specs: Iterable[TaskSpec]) -> None:
        """Run these shards, which the ledger has accepted. A changed app counts from the next start on."""
        self._app = app
        if self._process is not None and not self.is_busy and self._process.is_folder_spent():
            # A job has broken or filled the app's folder. The next process has a fresh one.
            self.stop_if_idle()
        self._unsent.add(job, specs)
        self._advance()

    def end(self, task_ids: Iterable[str], ending: Ending) -> None:
        """End the tasks of these ids that are ours."""
        asked = []
        for task_id in task_ids:
            if self._unsent.remove(task_id):
                self._runtime.ledger.report_now(task_id, ending.state, ending.message)
            elif (sent := self._sent.get(task_id)) is not None and sent.ending is None:
                self._ask_end(task_id, sent, ending)
                asked.append(task_id)
        if asked:
            self._send({"type": "kill", "taskIds": asked})
        if not self._unsent:
            self._cancel_start()

    def stop_if_idle(self, idle_seconds: float = 0.0) -> None:
        """Stop it when it has been without tasks for so long."""
        idle = not self.is_busy and self._loop.time() - self._idle_since >= idle_seconds
        if idle and self._phase.current is ExecutorPhase.READY:
            self._send({"type": "stop"})
            self._phase.become(ExecutorPhase.STOPPING)
            assert self._process is not None
            self._loop.call_later(self._runtime.settings.kill_grace_seconds, self._process.terminate)

    def end_all(self, ending: Ending) -> None:
        """End the process and with it all tasks, which come to the state of `ending`."""
        self._cancel_start()
        for task_id in self._unsent.ids():
            self._unsent.remove(task_id)
            self._runtime.ledger.report_now(task_id, ending.state, ending.message)
        for sent in self._sent.values():
            sent.ending = sent.ending or ending
        self._end_process(ending)

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing is lost with it: no process, no task, no failure to remember."""
        return (
            self._phase.current is ExecutorPhase.STOPPED
            and not self.is_busy
            and not self._starter.backoff.has_failures
        )

    def sandbox(self, agent_id: str) -> Sandbox | None:
        """Tell where its files are."""
        if self._process is None:
            return None
        return Sandbox(agent_id, self._app.app_name, self._process.directory, tuple(self._sent))

    def registered(self, connection: ExecutorConnection, agent_id: str) -> None:
        """Its process has named itself by its token."""
        assert self._process is not None, "its token goes with its process"
        self._process.connected(connection)
        if self._phase.current is not ExecutorPhase.STARTING:
            return
        self._phase.become(ExecutorPhase.READY)
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
        if self._phase.current is ExecutorPhase.STOPPING:
            return
        if reason:
            self._end_process(Ending(TaskState.LOST, f"The executor was ended: {reason}."))
        else:
            # Most often it is about to exit, and how it exits tells more than that it went silent.
            self._phase.become(ExecutorPhase.STOPPING)
            self._loop.call_later(_EXIT_SECONDS, process.terminate)

    def _advance(self) -> None:
        if self._phase.current is ExecutorPhase.READY:
            self._send_all()
        elif self._phase.current is ExecutorPhase.STOPPED and self._unsent:
            self._phase.become(ExecutorPhase.STARTING)
            self._start = self._loop.create_task(self._start_guarded())

    def _send_all(self) -> None:
        for task_id, job in self._unsent.jobs():
            self._sent.add(task_id, job)
        for message in self._unsent.messages(self._runtime, self._app):
            self._send(message)
        self._unsent.clear()

    def _send(self, line: AgentLine) -> None:
        if self._process is not None:
            self._process.send(line)

    def _take(self, status: StatusItem, sent: SentTask) -> None:
        if not status.state.is_terminal:
            self._watch_time(status.task_id, sent)
            self._progress.take(status)
            return
        self._forget(status.task_id)
        if status.state is TaskState.KILLED and sent.ending is not None:
            self._explain(status, sent.ending)
        self._tell(status)

    def _explain(self, status: StatusItem, ending: Ending) -> None:
        """Say why a task was ended; its executor only knows that it was."""
        is_failure = ending.state is not TaskState.KILLED
        last_words = LastWords.of_task(self._runtime.outputs, status.task_id) if is_failure else LastWords()
        summary = last_words.summary(ending.message)
        status.state, status.message = ending.state, ending.message
        if status.success is None:
            status.message = last_words.detail(summary)
        else:
            status.failure_summary = summary
            status.failure_cause = last_words.detail(
                f"{ending.message}\n{excerpt(status.failure_cause)}".strip()
            )

    def _tell(self, status: StatusItem) -> None:
        now_ms, message = time.time_ns() // 1_000_000, excerpt(status.message)
        told = TaskStatus(status.task_id, status.state, now_ms, message, status.execution(), by_executor=True)
        self._runtime.ledger.report(told)

    def _tell_more(self, task_id: str, message: str) -> None:
        self._runtime.ledger.report_now(task_id, TaskState.RUNNING, message)

    def _watch_time(self, task_id: str, sent: SentTask) -> None:
        seconds = sent.job.timeout_seconds
        if seconds > 0 and sent.timer is None and not sent.job.is_daemon:
            sent.timer = self._loop.call_later(seconds, self.end, (task_id,), timed_out(seconds))

    def _forget(self, task_id: str) -> None:
        self._progress.end(task_id)
        self._sent.remove(task_id)
        if not self._sent:
            self._idle_since = self._loop.time()

    def _ask_end(self, task_id: str, sent: SentTask, ending: Ending) -> None:
        sent.ending = ending
        if sent.timer is not None:
            sent.timer.cancel()
        grace = self._runtime.settings.kill_grace_seconds
        sent.timer = self._loop.call_later(grace, self._insist, task_id, sent)

    def _insist(self, task_id: str, sent: SentTask) -> None:
        if self._sent.get(task_id) is sent:
            reason = f"The executor was ended, because it did not end task {task_id} in time."
            self._end_process(Ending(TaskState.LOST, reason))

    def _cancel_start(self) -> None:
        """Give up a start of which no process has come: nobody waits for the download any more."""
        if self._process is None and self._phase.current is ExecutorPhase.STARTING:
            assert self._start is not None, "it prepares the app"
            self._start.cancel()
            self._phase.become(ExecutorPhase.STOPPED)

    async def _start_guarded(self) -> None:
        await self._starter.wait()
        app = self._app
        try:
            process = await self._starter.start(app)
        except (AppUnavailableError, StartError) as error:
            self._fail_start(str(error))
            return
        self._process = process
        self._tokens[process.token] = self
        self._runtime.ledger.tell(ExecutorStarted(app.app_name))

    def _fail_start(self, message: str) -> None:
        self._phase.become(ExecutorPhase.STOPPED)
        self._fail_unsent(self._unsent.ids(), message)

    def _fail_unsent(self, task_ids: Iterable[str], message: str) -> None:
        for task_id in task_ids:
            if self._unsent.remove(task_id):
                self._runtime.ledger.report_now(task_id, TaskState.ERROR, message)

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
            self._doomed = [] if process.ready_since is not None else self._unsent.ids()
        self._phase.become(ExecutorPhase.STOPPING)
        process.end(ending, number)

    def process_gone(self, process: ExecutorProcess) -> None:
        """Tell what became of its tasks, and start again for those that wait."""
        try:
            self._take_end(process)
        except Exception as error:  # noqa: BLE001 - a fault of ours must end these tasks, not hang them
            _log.exception("The end of an executor could not be handled.", app=self._app.app_name)
            self._process = None
            if self._phase.current is not ExecutorPhase.STOPPED:
                self._phase.become(ExecutorPhase.STOPPED)
            fault = own_fault(error)
            for task_id in [*self._sent, *self._unsent.ids()]:
                self._progress.end(task_id)
                self._runtime.ledger.report_now(task_id, fault.state, fault.message)
            self._sent.clear()
            self._unsent.clear()

    def _take_end(self, process: ExecutorProcess) -> None:
        self._tokens.pop(process.token, None)
        self._process = None
        self._phase.become(ExecutorPhase.STOPPED)
        fault = process.fault or Ending(TaskState.LOST, process.describe_death())
        doomed, self._doomed = self._doomed if process.fault is not None else self._unsent.ids(), []
        ready_seconds = None if process.ready_since is None else self._loop.time() - process.ready_since
        self._starter.backoff.ended(ready_seconds, had_tasks=bool(self._sent))
        self._lose_sent(fault)
        self._runtime.ledger.tell(ExecutorStopped(self._app.app_name, first_line(fault.message)))
        if process.ready_since is None:
            self._fail_unsent(doomed, process.describe_failed_start())
        self._advance()

    def _lose_sent(self, fault: Ending) -> None:
        for number, (task_id, sent) in enumerate(self._sent.items()):
            self._forget(task_id)
            ending = sent.ending or fault
            is_read = number < _MOST_LAST_WORDS
            last_words = LastWords.of_task(self._runtime.outputs, task_id) if is_read else LastWords()
            message = last_words.detail(ending.message, "the task's")
            self._runtime.ledger.report_now(task_id, ending.state, message)
