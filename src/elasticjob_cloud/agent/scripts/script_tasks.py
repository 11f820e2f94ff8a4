"""Runs script tasks: a process each, or one for each fire (semantics, "Transient and daemon jobs")."""

import asyncio
import signal
import time
from collections.abc import Iterable

import structlog

from elasticjob_cloud.agent.process.child import ChildProcess
from elasticjob_cloud.agent.process.start.explanations import explain_refusal
from elasticjob_cloud.agent.reporting.ending import Ending, over_memory, own_fault, timed_out
from elasticjob_cloud.agent.runtime import TaskRuntime
from elasticjob_cloud.agent.scripts.executions import execution_of, failed_start, with_notes
from elasticjob_cloud.agent.scripts.paced_starts import PacedStarts
from elasticjob_cloud.agent.scripts.preparations import Preparations
from elasticjob_cloud.agent.scripts.repeated_scripts import RepeatedScripts
from elasticjob_cloud.agent.scripts.script_task import Lease, ScriptTask
from elasticjob_cloud.model.errors import AppUnavailableError, StartError
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.messages import Execution, Sandbox, TaskSpec, TaskStatus
from elasticjob_cloud.model.task import TaskState

_log = structlog.get_logger(__name__)
_MEBIBYTE = 1 << 20


class ScriptTasks:
    """All script tasks of an agent. Used on the loop's thread only."""

    def __init__(self, runtime: TaskRuntime, loop: asyncio.AbstractEventLoop) -> None:
        self._runtime = runtime
        self._loop = loop
        self._tasks: dict[str, ScriptTask] = {}
        self._starts = PacedStarts(loop, runtime.settings, self._start_guarded)
        self._preparations = Preparations(loop)
        self._repeated = RepeatedScripts(runtime.ledger, loop, self._enqueue_again)

    def __len__(self) -> int:
        return len(self._tasks)

    def launch(self, app: AppConfiguration, job: JobConfiguration, specs: Iterable[TaskSpec]) -> None:
        """Run these shards, which the ledger has accepted. A cached app is asked for once for all of them."""
        scripts = [ScriptTask(app, job, spec) for spec in specs]
        self._tasks.update((script.spec.task_id, script) for script in scripts)
        groups = [scripts] if app.app_cache_enable else [[script] for script in scripts]
        for group in groups:
            self._preparations.begin(self._prepare(app, group), group)

    def end(self, task_ids: Iterable[str], ending: Ending) -> None:
        """End the tasks of these ids that are ours, with all that they started."""
        found = [script for task_id in task_ids if (script := self._tasks.get(task_id)) is not None]
        live: list[ScriptTask] = []
        for script in found:
            if script.child is None:
                self._finish(script, ending)
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

    def _is_live(self, script: ScriptTask) -> bool:
        return self._tasks.get(script.spec.task_id) is script

    async def _prepare(self, app: AppConfiguration, group: list[ScriptTask]) -> None:
        try:
            await self._prepare_and_begin(app, group)
        except Exception as error:  # noqa: BLE001 - a fault of ours must end these tasks, not hang them
            _log.exception("Scripts could not be begun.", app=app.app_name)
            for script in filter(self._is_live, group):
                self._give_up(script, error)

    async def _prepare_and_begin(self, app: AppConfiguration, group: list[ScriptTask]) -> None:
        try:
            prepared = await self._runtime.prepare(app)
        except AppUnavailableError as error:
            for script in filter(self._is_live, group):
                script.preparation = None
                self._finish(script, Ending(TaskState.ERROR, str(error)))
            return
        # A task that was killed meanwhile has finished already.
        present = list(filter(self._is_live, group))
        if not present:
            prepared.release()
            return
        lease = Lease(prepared, len(present))
        for script in present:
            script.lease, script.preparation = lease, None
        self._begin(present)

    def _begin(self, scripts: list[ScriptTask]) -> None:
        """Start what runs once, and let what repeats wait for its fires."""
        self._starts.add([script for script in scripts if not script.repeats])
        for script in scripts:
            if script.repeats:
                try:
                    self._repeated.begin(script)
                except StartError as error:
                    self._finish(script, Ending(TaskState.ERROR, str(error)))

    def _enqueue_again(self, script: ScriptTask) -> None:
        """Enqueue a script for its next execution, with a fresh app if an earlier one has changed it."""
        if script.lease is None or not script.lease.is_changed():
            self._starts.add([script])
        else:
            self._preparations.begin(self._renew(script), [script])

    async def _renew(self, script: ScriptTask) -> None:
        try:
            prepared = await self._runtime.prepare(script.app)
        except AppUnavailableError as error:
            if self._is_live(script):
                script.preparation = None
                self._could_not_start(script, str(error))
            return
        if not self._is_live(script):
            prepared.release()
            return
        former, script.lease, script.preparation = script.lease, Lease(prepared, 1), None
        if former is not None:
            former.release()
        self._starts.add([script])

    def _start_guarded(self, script: ScriptTask) -> bool:
        """Start it; False when it has ended while it waited."""
        if not self._is_live(script):
            return False
        try:
            self._start(script)
        except Exception as error:  # noqa: BLE001 - contained, as above
            if not isinstance(error, OSError):
                _log.exception("A script could not be started.", task=script.spec.task_id)
            self._take_failed_start(script, error)
        return True

    def _take_failed_start(self, script: ScriptTask, error: Exception) -> None:
        if script.child is not None:
            self._give_up(script, error)  # it runs, and ends with the fault
            return
        self._starts.ended(script)
        try:
            self._could_not_start(script, f"The script could not be started: {_why(error, script)}.")
        except Exception as fault:  # noqa: BLE001 - as above
            _log.exception("A failed start could not be handled.", task=script.spec.task_id)
            self._give_up(script, fault)

    def _could_not_start(self, script: ScriptTask, message: str) -> None:
        if script.repetition is None:
            self._finish(script, Ending(TaskState.ERROR, message))
            return
        now_ms = time.time_ns() // 1_000_000
        self._repeated.ended(script, failed_start(message, now_ms))

    def _start(self, script: ScriptTask) -> None:
        if script.repetition is not None:
            script.repetition.count_execution()
        runtime = self._runtime
        outputs = runtime.outputs.streams_of(script.spec.task_id)
        program = script.program(runtime.environment)
        child = program.start(runtime.processes, outputs, lambda _: self._gone_guarded(script))
        script.child = child
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
        self._runtime.ledger.report(TaskStatus(script.spec.task_id, TaskState.RUNNING, child.started_ms))

    def _end_at_once(self, script: ScriptTask, fault: Ending) -> None:
        if script.child is not None and script.ending is None and script.fault is None:
            script.fault = fault
            self._runtime.processes.trees.signal([script.child.tree], signal.SIGKILL)

    def _end_execution(self, script: ScriptTask, seconds: int) -> None:
        """End an execution that takes too long, and not its daemon task."""
        if script.child is not None and script.ending is None and script.fault is None:
            script.fault = timed_out(seconds)
            self._terminate([script])

    def _terminate(self, scripts: list[ScriptTask]) -> None:
        """SIGTERM now, SIGKILL after the grace; the end of the main process does the rest."""
        trees = [script.child.tree for script in scripts if script.child is not None]
        if trees:
            grace = self._runtime.settings.kill_grace_seconds
            self._runtime.processes.trees.terminate(trees, grace)

    def _gone_guarded(self, script: ScriptTask) -> None:
        try:
            self._gone(script)
        except Exception as error:  # noqa: BLE001 - as above
            _log.exception("The end of a script could not be handled.", task=script.spec.task_id)
            script.child = None
            self._starts.ended(script)
            self._give_up(script, error)

    def _give_up(self, script: ScriptTask, error: Exception) -> None:
        """End a task that our own code failed for. Nothing else that may fail comes before its end is told."""
        fault = own_fault(error)
        if script.child is not None:
            script.ending = script.ending or fault
            self._terminate([script])
            return
        self._tasks.pop(script.spec.task_id, None)
        self._runtime.ledger.report_now(script.spec.task_id, fault.state, fault.message)
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
        self._starts.ended(script)
        ending = self._ending_of(script, child, fault)
        execution = execution_of(child, ending)
        if script.repetition is not None and script.ending is None:
            self._repeated.ended(script, execution)
        else:
            self._finish(script, Ending(ending.state, with_notes(ending.message, child)), execution)

    def _ending_of(self, script: ScriptTask, child: ChildProcess, fault: Ending | None) -> Ending:
        # Of two reasons the first one ended a process; a daemon task is ended by a kill alone.
        ending = fault or script.ending if script.repetition is None else script.ending or fault
        if ending is not None:
            return ending
        if child.exit_code == 0:
            return Ending(TaskState.FINISHED, "")
        words = script.program(self._runtime.environment).describe_exit(child.exit_code)
        return Ending(TaskState.FAILED, f"The script ended with {words}.", words)

    def _finish(self, script: ScriptTask, ending: Ending, execution: Execution | None = None) -> None:
        if script.timer is not None:
            script.timer.cancel()
        del self._tasks[script.spec.task_id]
        lease, script.lease = script.lease, None
        if lease is not None:
            lease.release()
        self._preparations.leave(script)
        now_ms = execution.complete_ms if execution is not None else time.time_ns() // 1_000_000
        status = TaskStatus(script.spec.task_id, ending.state, now_ms, ending.message, execution)
        self._runtime.ledger.report(status)


def _why(error: Exception, script: ScriptTask) -> str:
    assert script.lease is not None
    if isinstance(error, OSError):
        return explain_refusal(error, script.context(), script.lease.directory)
    return str(error).rstrip(".")
