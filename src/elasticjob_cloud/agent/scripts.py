"""Runs script tasks: one process each (semantics, "Transient and daemon jobs")."""

import asyncio
import signal
import time
from collections import deque
from collections.abc import Iterable

import structlog

from elasticjob_cloud.agent.apps_port import Prepared
from elasticjob_cloud.agent.child import ChildProcess
from elasticjob_cloud.agent.command import arguments_of, shell_arguments, shell_command
from elasticjob_cloud.agent.output import OutputFile
from elasticjob_cloud.agent.room import TaskRoom
from elasticjob_cloud.agent.tasks import Ending, describe_exit, over_memory, timed_out
from elasticjob_cloud.model.app import AppConfiguration
from elasticjob_cloud.model.context import ShardingContext
from elasticjob_cloud.model.errors import AppUnavailableError
from elasticjob_cloud.model.job import SCRIPT_COMMAND_LINE, JobConfiguration
from elasticjob_cloud.model.messages import Execution, Sandbox, TaskSpec, TaskStatus
from elasticjob_cloud.model.task import TaskState

_log = structlog.get_logger(__name__)
_MEBIBYTE = 1 << 20
# Starting a process blocks the loop for half a millisecond: after so many, others have their turn (promise 11).
_STARTS_PER_TURN = 4


class _Lease:
    """A prepared app, shared by tasks, and released by the last of them."""

    __slots__ = ("_prepared", "_users", "directory")

    def __init__(self, prepared: Prepared, users: int) -> None:
        self._prepared = prepared
        self._users = users
        self.directory = str(prepared.directory)

    def release(self) -> None:
        self._users -= 1
        if self._users == 0:
            self._prepared.release()


class _Script:
    """One script task from its launch to its end."""

    __slots__ = ("app", "child", "ending", "job", "lease", "spec", "timeout_timer")

    def __init__(self, app: AppConfiguration, job: JobConfiguration, spec: TaskSpec) -> None:
        self.app = app
        self.job = job
        self.spec = spec
        self.lease: _Lease | None = None
        self.child: ChildProcess | None = None
        self.ending: Ending | None = None
        self.timeout_timer: asyncio.TimerHandle | None = None


class ScriptTasks:
    """All script tasks of an agent. Used on the loop's thread only."""

    def __init__(self, room: TaskRoom, loop: asyncio.AbstractEventLoop) -> None:
        self._room = room
        self._loop = loop
        self._tasks: dict[str, _Script] = {}
        self._startable: deque[_Script] = deque()
        self._running = 0
        self._start_due = False
        self._preparing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def launch(self, app: AppConfiguration, job: JobConfiguration, specs: Iterable[TaskSpec]) -> None:
        """Run these shards, which the ledger has accepted. A cached app is asked for once for all of them."""
        scripts = [_Script(app, job, spec) for spec in specs]
        self._tasks.update((script.spec.task_id, script) for script in scripts)
        groups = [scripts] if app.app_cache_enable else [[script] for script in scripts]
        for group in groups:
            task = self._loop.create_task(self._prepare(app, group))
            self._preparing.add(task)
            task.add_done_callback(self._preparing.discard)

    def end(self, task_ids: Iterable[str], ending: Ending) -> None:
        """End the tasks of these ids that are ours, with all that they started."""
        found = [script for task_id in task_ids if (script := self._tasks.get(task_id)) is not None]
        live: list[_Script] = []
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

    async def _prepare(self, app: AppConfiguration, group: list[_Script]) -> None:
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
        lease = _Lease(prepared, len(waiting))
        for script in waiting:
            script.lease = lease
        self._startable.extend(waiting)
        self._start_soon()

    def _fail_all(self, group: Iterable[_Script], message: str) -> None:
        for script in group:
            if self._tasks.get(script.spec.task_id) is script:
                self._finish(script, TaskState.ERROR, message)

    def _start_soon(self) -> None:
        if not self._start_due and self._startable:
            self._start_due = True
            self._loop.call_soon(self._start_some)

    def _start_some(self) -> None:
        self._start_due = False
        started = 0
        while self._startable and started < _STARTS_PER_TURN and self._has_room():
            script = self._startable.popleft()
            if self._tasks.get(script.spec.task_id) is script:
                started += 1
                self._start_guarded(script)
        if self._has_room():
            self._start_soon()

    def _has_room(self) -> bool:
        return self._running < self._room.settings.processes_at_once

    def _start_guarded(self, script: _Script) -> None:
        try:
            self._start(script)
        except OSError as error:
            self._finish(script, TaskState.ERROR, f"The script could not be started: {error}")
        except Exception as error:  # noqa: BLE001 - contained, as above
            _log.exception("A script could not be started.", task=script.spec.task_id)
            self._finish(script, TaskState.ERROR, f"The script could not be started: {error}")

    def _start(self, script: _Script) -> None:
        assert script.lease is not None
        task_id, directory = script.spec.task_id, script.lease.directory
        context = _context(script)
        child = self._start_child(script, directory, context)
        script.child = child
        self._running += 1
        memory_limit = int(script.job.memory_mb * _MEBIBYTE)
        child.tree.memory_limit = lambda: memory_limit
        child.tree.on_memory_exceeded = lambda used, limit: self._end_at_once(
            script, over_memory(used, limit, "the script and its processes")
        )
        if script.job.timeout_seconds > 0 and not script.job.is_daemon:
            ending = timed_out(script.job.timeout_seconds)
            script.timeout_timer = self._loop.call_later(
                script.job.timeout_seconds, self.end, (task_id,), ending
            )
        self._room.ledger.report(TaskStatus(task_id, TaskState.RUNNING, child.started_ms))

    def _start_child(self, script: _Script, directory: str, context: ShardingContext) -> ChildProcess:
        assert script.lease is not None
        task_id = script.spec.task_id
        base = self._room.outputs.base_path(task_id)
        limit = self._room.settings.output_limit_bytes
        command = shell_command(script.job.props[SCRIPT_COMMAND_LINE], directory)
        arguments = arguments_of(command, context.to_json())
        environment = {**self._room.environment, **context.environment()}

        def start(arguments: list[str]) -> ChildProcess:
            outputs = (OutputFile(f"{base}.stdout", limit), OutputFile(f"{base}.stderr", limit))
            return ChildProcess(
                self._room.processes,
                arguments,
                directory,
                environment,
                task_id,
                outputs,
                lambda _: self._gone(script),
            )

        try:
            return start(arguments)
        except OSError:
            if arguments[0] == "/bin/sh":
                raise
            # The shell knows what to do with a script without a first line, and has the words for what is missing.
            return start(shell_arguments(command, context.to_json()))

    def _end_at_once(self, script: _Script, ending: Ending) -> None:
        if script.child is not None and script.ending is None:
            script.ending = ending
            self._room.processes.trees.signal([script.child.tree], signal.SIGKILL)

    def _terminate(self, scripts: list[_Script]) -> None:
        """SIGTERM now, SIGKILL after the grace; the end of the main process does the rest."""
        trees = [script.child.tree for script in scripts if script.child is not None]
        if trees:
            grace = self._room.settings.kill_grace_seconds
            self._room.processes.trees.terminate(trees, grace)

    def _gone(self, script: _Script) -> None:
        child = script.child
        assert child is not None
        self._running -= 1
        if self._startable:
            self._start_soon()
        code, ending = child.exit_code, script.ending
        cause = "" if code == 0 else f"The script ended with {describe_exit(code)}."
        state = TaskState.FINISHED if code == 0 else TaskState.FAILED
        if ending is not None:
            state, cause = ending.state, ending.message
        lost = " ".join(f"Note: {output.failure}." for output in child.outputs if output.failure)
        message = " ".join(part for part in (cause, lost) if part)
        execution = Execution(child.started_ms, child.ended_ms, state is TaskState.FINISHED, cause)
        self._finish(script, state, message, execution)

    def _finish(
        self, script: _Script, state: TaskState, message: str, execution: Execution | None = None
    ) -> None:
        if script.timeout_timer is not None:
            script.timeout_timer.cancel()
        del self._tasks[script.spec.task_id]
        if script.lease is not None:
            script.lease.release()
        now_ms = execution.complete_ms if execution is not None else time.time_ns() // 1_000_000
        self._room.ledger.report(TaskStatus(script.spec.task_id, state, now_ms, message, execution))


def _context(script: _Script) -> ShardingContext:
    return ShardingContext(
        task_id=script.spec.task_id,
        job_name=script.job.job_name,
        sharding_total_count=script.job.sharding_total_count,
        sharding_item=script.spec.item,
        sharding_parameter=script.spec.parameter,
        job_parameter=script.job.job_parameter,
    )
