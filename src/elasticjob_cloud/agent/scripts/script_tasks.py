"""Runs script tasks: a process each, or one for each fire (semantics, "Transient and daemon jobs")."""

import asyncio
import signal
import time
from collections.abc import Iterable

import structlog

from elasticjob_cloud.agent.apps import folder_hint
from elasticjob_cloud.agent.process.child import ChildProcess
from elasticjob_cloud.agent.process.start.command import shell_command
from elasticjob_cloud.agent.process.start.explanations import TELLING_CODES, explain_exit, explain_refusal
from elasticjob_cloud.agent.reporting.ending import Ending, describe_exit, over_memory, own_fault, timed_out
from elasticjob_cloud.agent.runtime import TaskRoom
from elasticjob_cloud.agent.scripts.repeated_scripts import RepeatedScripts
from elasticjob_cloud.agent.scripts.script_task import Lease, ScriptTask, start_process
from elasticjob_cloud.agent.scripts.start_queue import StartQueue
from elasticjob_cloud.model.app import AppConfiguration
from elasticjob_cloud.model.errors import AppUnavailableError, StartError
from elasticjob_cloud.model.job import SCRIPT_COMMAND_LINE, JobConfiguration
from elasticjob_cloud.model.messages import Execution, Sandbox, TaskSpec, TaskStatus
from elasticjob_cloud.model.task import TaskState

_log = structlog.get_logger(__name__)
_MEBIBYTE = 1 << 20
# Starting a process blocks the loop for half a millisecond: after so many, others have their turn (promise 11).
_STARTS_PER_TURN = 4


class ScriptTasks:
    """All script tasks of an agent. Used on the loop's thread only."""

    def __init__(self, room: TaskRoom, loop: asyncio.AbstractEventLoop) -> None:
        self._room = room
        self._loop = loop
        self._tasks: dict[str, ScriptTask] = {}
        settings = room.settings
        self._queue: StartQueue[ScriptTask] = StartQueue(
            settings.fresh_limit(), settings.fresh_process_seconds, settings.processes_at_once
        )
        self._start_due: asyncio.Handle | None = None
        self._start_later: asyncio.TimerHandle | None = None
        # Those who prepare an app, with the number of tasks that wait for it.
        self._preparations: dict[asyncio.Task[None], int] = {}
        self._repeated = RepeatedScripts(room.ledger, loop, self._enqueue_again)

    def __len__(self) -> int:
        return len(self._tasks)

    def launch(self, app: AppConfiguration, job: JobConfiguration, specs: Iterable[TaskSpec]) -> None:
        """Run these shards, which the ledger has accepted. A cached app is asked for once for all of them."""
        scripts = [ScriptTask(app, job, spec) for spec in specs]
        self._tasks.update((script.spec.task_id, script) for script in scripts)
        groups = [scripts] if app.app_cache_enable else [[script] for script in scripts]
        for group in groups:
            task = self._loop.create_task(self._prepare(app, group))
            self._preparations[task] = len(group)
            task.add_done_callback(self._preparations.pop)
            for script in group:
                script.preparation = task

    def end(self, task_ids: Iterable[str], ending: Ending) -> None:
        """End the tasks of these ids that are ours, with all that they started."""
        found = [script for task_id in task_ids if (script := self._tasks.get(task_id)) is not None]
        live: list[ScriptTask] = []
        for script in found:
            if script.child is None:
                self._finish(script, ending.state, ending.message)
            elif script.ending is None:
                script.ending = ending
                live.append(script)
        self._terminate(live)

    def end_all(self, ending: Ending) -> None:
        """End every script task."""
        self.end(list(self._tasks), ending)

    def sandboxes(self, app_name: str, agent_id: str) -> list[Sandbox]:
        """List the directories that script tasks of the app run in."""
        by_path: dict[str, list[str]] = {}
        for task_id, script in self._tasks.items():
            if script.app.app_name == app_name and script.lease is not None:
                by_path.setdefault(script.lease.directory, []).append(task_id)
        return [Sandbox(agent_id, app_name, path, tuple(ids)) for path, ids in by_path.items()]

    async def _prepare(self, app: AppConfiguration, group: list[ScriptTask]) -> None:
        try:
            await self._prepare_and_begin(app, group)
        except Exception as error:  # noqa: BLE001 - a fault of ours must end these tasks, not hang them
            _log.exception("Scripts could not be begun.", app=app.app_name)
            for script in group:
                if self._tasks.get(script.spec.task_id) is script:
                    self._give_up(script, error)

    async def _prepare_and_begin(self, app: AppConfiguration, group: list[ScriptTask]) -> None:
        try:
            prepared = await self._room.apps.prepare(app.app_name, app.app_url, cache=app.app_cache_enable)
        except AppUnavailableError as error:
            self._fail_all(group, str(error))
            return
        except Exception as error:  # noqa: BLE001 - contained: an unforeseen fault of one download must not stop the others
            _log.exception("An app could not be prepared.", app=app.app_name)
            self._fail_all(group, f"The app could not be prepared: {error}")
            return
        # A task that was killed meanwhile has finished already.
        waiting = [script for script in group if self._tasks.get(script.spec.task_id) is script]
        if not waiting:
            prepared.release()
            return
        lease = Lease(prepared, len(waiting))
        for script in waiting:
            script.lease, script.preparation = lease, None
        self._begin(waiting)

    def _begin(self, scripts: list[ScriptTask]) -> None:
        """Start what runs once, and let what repeats wait for its fires."""
        self._enqueue([script for script in scripts if not script.repeats])
        for script in scripts:
            if script.repeats:
                try:
                    self._repeated.begin(script)
                except StartError as error:
                    self._finish(script, TaskState.ERROR, str(error))

    def _fail_all(self, group: Iterable[ScriptTask], message: str) -> None:
        for script in group:
            if self._tasks.get(script.spec.task_id) is script:
                script.preparation = None
                self._finish(script, TaskState.ERROR, message)

    def _enqueue(self, scripts: list[ScriptTask]) -> None:
        self._queue.add(scripts)
        self._start_soon()

    def _enqueue_again(self, script: ScriptTask) -> None:
        """Enqueue a script for its next execution, with a fresh app if an earlier one has changed it."""
        if script.lease is None or not script.lease.is_changed():
            self._enqueue([script])
            return
        task = self._loop.create_task(self._renew(script))
        self._preparations[task] = 1
        task.add_done_callback(self._preparations.pop)
        script.preparation = task

    async def _renew(self, script: ScriptTask) -> None:
        app = script.app
        try:
            prepared = await self._room.apps.prepare(app.app_name, app.app_url, cache=app.app_cache_enable)
        except AppUnavailableError as error:
            if self._tasks.get(script.spec.task_id) is script:
                script.preparation = None
                self._could_not_start(script, str(error))
            return
        if self._tasks.get(script.spec.task_id) is not script:
            prepared.release()
            return
        former, script.lease, script.preparation = script.lease, Lease(prepared, 1), None
        if former is not None:
            former.release()
        self._enqueue([script])

    def _start_soon(self) -> None:
        """Start what there is room for in the next turn of the loop, or when there is room."""
        if self._start_due is not None:
            return
        if self._start_later is not None:
            self._start_later.cancel()
            self._start_later = None
        seconds = self._queue.retry_seconds(self._loop.time())
        if seconds == 0:
            self._start_due = self._loop.call_soon(self._start_some)
        elif seconds is not None:
            self._start_later = self._loop.call_later(seconds, self._start_some)

    def _start_some(self) -> None:
        self._start_due = None
        started = 0
        while started < _STARTS_PER_TURN and (script := self._queue.next(self._loop.time())) is not None:
            if self._tasks.get(script.spec.task_id) is script:
                started += 1
                self._start_guarded(script)
            else:
                self._queue.ended(script)
        self._start_soon()

    def _start_guarded(self, script: ScriptTask) -> None:
        try:
            self._start(script)
        except Exception as error:  # noqa: BLE001 - contained, as above
            if not isinstance(error, OSError):
                _log.exception("A script could not be started.", task=script.spec.task_id)
            if script.child is not None:
                self._give_up(script, error)  # it runs, and ends with the fault
                return
            self._queue.ended(script)
            try:
                self._could_not_start(script, f"The script could not be started: {_why(error, script)}.")
            except Exception as fault:  # noqa: BLE001 - as above
                _log.exception("A failed start could not be handled.", task=script.spec.task_id)
                self._give_up(script, fault)

    def _could_not_start(self, script: ScriptTask, message: str) -> None:
        if script.repetition is None:
            self._finish(script, TaskState.ERROR, message)
            return
        now_ms = time.time_ns() // 1_000_000
        self._repeated.ended(script, Execution(now_ms, now_ms, success=False, failure_cause=message))

    def _start(self, script: ScriptTask) -> None:
        if script.repetition is not None:
            script.repetition.count_execution()
        child = script.child = start_process(self._room, script, lambda _: self._gone_guarded(script))
        memory_limit = int(script.job.memory_mb * _MEBIBYTE)
        child.tree.memory_limit = lambda: memory_limit
        child.tree.on_memory_exceeded = lambda used, limit: self._end_at_once(
            script, over_memory(used, limit, "the script and its processes")
        )
        seconds = script.job.timeout_seconds
        if script.repetition is not None:
            if seconds > 0:
                script.time_limit = self._loop.call_later(seconds, self._end_execution, script, seconds)
            self._repeated.started(script, child.started_ms)
            return
        if seconds > 0 and not script.job.is_daemon:
            script.timer = self._loop.call_later(
                seconds, self.end, (script.spec.task_id,), timed_out(seconds)
            )
        self._room.ledger.report(TaskStatus(script.spec.task_id, TaskState.RUNNING, child.started_ms))

    def _end_at_once(self, script: ScriptTask, fault: Ending) -> None:
        if script.child is not None and script.ending is None and script.fault is None:
            script.fault = fault
            self._room.processes.trees.signal([script.child.tree], signal.SIGKILL)

    def _end_execution(self, script: ScriptTask, seconds: int) -> None:
        """End an execution that takes too long, and not its daemon task."""
        if script.child is not None and script.ending is None and script.fault is None:
            script.fault = timed_out(seconds)
            self._terminate([script])

    def _terminate(self, scripts: list[ScriptTask]) -> None:
        """SIGTERM now, SIGKILL after the grace; the end of the main process does the rest."""
        trees = [script.child.tree for script in scripts if script.child is not None]
        if trees:
            grace = self._room.settings.kill_grace_seconds
            self._room.processes.trees.terminate(trees, grace)

    def _gone_guarded(self, script: ScriptTask) -> None:
        try:
            self._gone(script)
        except Exception as error:  # noqa: BLE001 - as above
            _log.exception("The end of a script could not be handled.", task=script.spec.task_id)
            script.child = None
            self._queue.ended(script)
            self._give_up(script, error)

    def _give_up(self, script: ScriptTask, error: Exception) -> None:
        """End a task that our own code failed for. Nothing else that may fail comes before its end is told."""
        fault = own_fault(error)
        if script.child is not None:
            script.ending = script.ending or fault
            self._terminate([script])
            return
        self._tasks.pop(script.spec.task_id, None)
        now_ms = time.time_ns() // 1_000_000
        self._room.ledger.report(TaskStatus(script.spec.task_id, fault.state, now_ms, fault.message))
        if script.timer is not None:
            script.timer.cancel()
        if script.lease is not None:
            script.lease.release()

    def _gone(self, script: ScriptTask) -> None:
        child, fault = script.child, script.fault
        assert child is not None
        script.child = script.fault = None
        if script.time_limit is not None:
            script.time_limit.cancel()
            script.time_limit = None
        self._queue.ended(script)
        if self._queue:
            self._start_soon()
        code = child.exit_code
        cause = "" if code == 0 else f"The script ended with {self._exit_words(script, code)}{_hint(script)}."
        state = TaskState.FINISHED if code == 0 else TaskState.FAILED
        # Of two reasons the first one ended a process; a daemon task is ended by a kill alone.
        ending = fault or script.ending if script.repetition is None else script.ending or fault
        if ending is not None:
            state, cause = ending.state, ending.message
        execution = Execution(child.started_ms, child.ended_ms, state is TaskState.FINISHED, cause)
        if script.repetition is not None and script.ending is None:
            self._repeated.ended(script, execution)
        else:
            self._finish(script, state, _with_notes(cause, child), execution)

    def _exit_words(self, script: ScriptTask, code: int) -> str:
        assert script.lease is not None
        directory = script.lease.directory
        if code not in TELLING_CODES:
            return describe_exit(code)
        command = shell_command(script.job.props[SCRIPT_COMMAND_LINE], directory)
        found = explain_exit(code, command, directory, self._room.environment.get("PATH", ""))
        return f"exit code {code} ({found})" if found else describe_exit(code)

    def _finish(
        self, script: ScriptTask, state: TaskState, message: str, execution: Execution | None = None
    ) -> None:
        if script.timer is not None:
            script.timer.cancel()
        del self._tasks[script.spec.task_id]
        lease, script.lease = script.lease, None
        if lease is not None:
            lease.release()
        self._wait_no_more(script)
        now_ms = execution.complete_ms if execution is not None else time.time_ns() // 1_000_000
        self._room.ledger.report(TaskStatus(script.spec.task_id, state, now_ms, message, execution))

    def _wait_no_more(self, script: ScriptTask) -> None:
        preparation, script.preparation = script.preparation, None
        if preparation in self._preparations and preparation is not None:
            self._preparations[preparation] -= 1
            if not self._preparations[preparation]:
                # Nobody wants the download any more.
                preparation.cancel()


def _why(error: Exception, script: ScriptTask) -> str:
    assert script.lease is not None
    if isinstance(error, OSError):
        return explain_refusal(error, script.context(), script.lease.directory)
    return str(error).rstrip(".")


def _hint(script: ScriptTask) -> str:
    assert script.lease is not None, "it has run"
    return folder_hint(script.lease.directory, script.job.props[SCRIPT_COMMAND_LINE])


def _with_notes(cause: str, child: ChildProcess) -> str:
    notes = [f"Note: {output.failure}." for output in child.outputs if output.failure]
    return " ".join(part for part in (cause, *notes) if part)
