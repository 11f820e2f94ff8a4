"""The agent itself: takes commands, runs tasks, tells what became of them. Knows nothing of how it is reached."""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import structlog

from elasticjob_cloud.agent.apps.port import AppSource
from elasticjob_cloud.agent.executors.executors import Executors
from elasticjob_cloud.agent.executors.process import executor_output_name
from elasticjob_cloud.agent.machine.capacity import describe_agent
from elasticjob_cloud.agent.process.child import ProcessRuntime
from elasticjob_cloud.agent.process.journal import ProcessJournal, end_predecessors_processes
from elasticjob_cloud.agent.process.memory import MemoryWatch
from elasticjob_cloud.agent.process.orphans import OrphanReaper
from elasticjob_cloud.agent.process.start.environment import base_environment
from elasticjob_cloud.agent.process.start.inherited_state import keep_exit_codes
from elasticjob_cloud.agent.process.start.spawn import keep_descriptors
from elasticjob_cloud.agent.process.trees import ProcessTrees, become_subreaper
from elasticjob_cloud.agent.process.watch import Watch
from elasticjob_cloud.agent.reporting.ending import agent_stopped, killed, own_fault
from elasticjob_cloud.agent.reporting.ledger import Ledger
from elasticjob_cloud.agent.reporting.logs.answers import LogAnswers
from elasticjob_cloud.agent.reporting.output import OutputStore
from elasticjob_cloud.agent.reporting.spool import StatusSpool
from elasticjob_cloud.agent.runtime import TaskRuntime
from elasticjob_cloud.agent.scripts.script_tasks import ScriptTasks
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.disks import Disk, measure_disks
from elasticjob_cloud.model.messages import (
    AgentEvents,
    Command,
    Inventory,
    Kill,
    Launch,
    LogChunk,
    RemoveApp,
    Sandbox,
    StopExecutor,
)
from elasticjob_cloud.model.queries.logs import LogQuestion, LogRead, LogReply
from elasticjob_cloud.model.task import TaskState

_log = structlog.get_logger(__name__)
_CLOSE_EXTRA_SECONDS = 10.0
_KILL_AGAIN_SECONDS = 0.5
_MEASURE_DISKS_SECONDS = 30.0
_ENDING = "Its agent is ending."


class Agent:
    """One agent on one machine, over one directory, which no other may use at the same time.

    All methods are called on the event loop's thread; the loop is asyncio's own, whose machine is tuned for processes.
    `emit` gets each batch of events; each is kept until `acknowledge`d. `file_limit`: the soft limit of open files that
    tasks are given, where the agent has raised its own.

    While a process is started, this whole process has another working directory for half a millisecond. Other threads of it
    must never use relative paths.
    """

    def __init__(
        self,
        directory: Path,
        settings: AgentSettings,
        apps: AppSource,
        emit: Callable[[AgentEvents], None],
        socket_directory: Path,
        file_limit: int | None = None,
    ) -> None:
        self._directory = directory
        self._settings = settings
        self._apps = apps
        self._socket_directory = socket_directory
        self._file_limit = file_limit
        self.info = describe_agent(settings)
        self._ledger = Ledger(self.info.agent_id, emit)
        self._outputs = OutputStore(directory / "output", settings.output_limit_bytes)
        self._log_answers = LogAnswers(self._outputs)
        self._spool = StatusSpool(directory / "statuses.spool")
        self._background: list[asyncio.Task[None]] = []
        self._forgetting: set[asyncio.Task[None]] = set()
        self._is_ending = False

    async def start(self) -> None:
        """End what a predecessor left, take over what it had to tell, and be ready for commands."""
        loop = asyncio.get_running_loop()
        journal_path = self._directory / "processes.journal"
        left = await asyncio.to_thread(end_predecessors_processes, journal_path)
        if left:
            _log.warning("Ended processes that an earlier agent left behind.", count=left)
        is_subreaper = become_subreaper()
        if not is_subreaper:
            _log.warning(
                "This system has no subreaper: a process that leaves its group may outlive its task."
            )
        keep_descriptors()
        keep_exit_codes()
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._trees = ProcessTrees(loop)
        self._journal = ProcessJournal(journal_path, self.info.agent_id)
        self._watch = Watch(loop)
        runtime = TaskRuntime(
            self._settings,
            self._ledger,
            self._apps,
            self._outputs,
            ProcessRuntime(self._watch, self._trees, self._journal, self._null, self._file_limit),
            base_environment(
                self.info.agent_id,
                ca_file=self._settings.app_limits.ca_file,
                pass_env=self._settings.pass_env,
            ),
        )
        self._scripts = ScriptTasks(runtime, loop)
        self._executors = Executors(runtime, loop, self.info.agent_id, f"x-{secrets.token_hex(4)}.sock")
        await self._executors.listen(self._socket_directory)
        self._ledger.adopt(self._spool.load())
        self._spool.reserve()
        memory = MemoryWatch(self._trees, self._settings.memory_check_seconds, is_subreaper=is_subreaper)
        self._background = [
            loop.create_task(memory.run()),
            loop.create_task(OrphanReaper(self._trees.__contains__).run()),
            loop.create_task(self._executors.watch_idle()),
            loop.create_task(self._enforce_retention()),
            loop.create_task(self._measure_disks()),
        ]

    async def listen(self, socket_directory: Path) -> bool:
        """See to it that executors can connect in this directory; True where they could not. Raises `OSError`."""
        return await self._executors.listen(socket_directory)

    @property
    def is_idle(self) -> bool:
        """Whether no task is held that has not ended, and no process runs."""
        return not self._ledger.live_count and not len(self._trees)

    def handle(self, commands: Sequence[Command]) -> None:
        """Carry out commands in order. A command that fails is logged, and does not stop the others."""
        for command in commands:
            try:
                self._handle(command)
            except Exception as error:  # noqa: BLE001 - contained: one command's fault must not take the agent down
                _log.exception("A command failed.", command=type(command).__name__)
                self._fail(command, error)

    def refuse(self, commands: Sequence[Command]) -> None:
        """Answer launches that come while the agent ends: their tasks never start, and may start elsewhere at once."""
        launches = [command for command in commands if isinstance(command, Launch)]
        for spec in (spec for launch in launches for spec in launch.tasks):
            if self._ledger.accept(spec.task_id):
                self._ledger.report_now(spec.task_id, TaskState.DROPPED, _ENDING)

    def acknowledge(self, sequence: int) -> None:
        """Forget what the batches up to this one told: it is committed."""
        self._ledger.acknowledge(sequence)
        if self._spool.is_kept and sequence >= 1:
            # What the spool held was told in the first batch.
            self._spool.clear()

    def inventory(self) -> Inventory:
        """Give all that the agent holds."""
        return Inventory(self.info, self._ledger.statuses(), self._executors.running_apps())

    @property
    def disks(self) -> tuple[Disk, ...]:
        """The disks that hold its files, as measured last; a new tuple each time."""
        return self.info.disks

    def unacknowledged(self) -> list[AgentEvents]:
        """Give the batches to send again to one who has just come, oldest first."""
        return self._ledger.unacknowledged()

    def read_log(self, task_id: str, stream: str, offset: int, limit: int) -> LogChunk:
        """Read a part of a task's output, an earlier agent's tasks included; raise `NotFoundError`."""
        live, known = self._ledger.is_live(task_id), self._ledger.holds(task_id)
        question = LogRead(task_id, stream, offset, limit)
        return self._log_answers.read(question, known=known, ended=not live)

    async def answer_log(self, question: LogQuestion) -> LogReply:
        """Read or search a task's output in a thread.

        Raises:
            NotFoundError: it is not kept.
            InvalidRequestError: what to search for is no regular expression.
            OSError: it cannot be read.
        """
        live, known = self._ledger.is_live(question.task_id), self._ledger.holds(question.task_id)
        return await asyncio.to_thread(self._log_answers.answer, question, known=known, ended=not live)

    def sandboxes(self, app_name: str) -> list[Sandbox]:
        """List where the app's files are, in use or kept for the next task; empty: those of all apps, without tasks."""
        folders = {folder.path: folder.size_bytes for folder in self._apps.folders(app_name)}
        used = self._executors.sandboxes(app_name) + self._scripts.sandboxes(app_name, self.info.agent_id)
        paths = {sandbox.path for sandbox in used}
        sized = [msgspec.structs.replace(it, size_bytes=folders.get(it.path, 0)) for it in used]
        return sized + [
            Sandbox(self.info.agent_id, app_name, path, (), size)
            for path, size in folders.items()
            if path not in paths
        ]

    def stop_idle_executors(self) -> None:
        """Stop the executors that have no tasks."""
        self._executors.stop_idle()

    async def end_all(self, reason: str, grace_seconds: float | None = None) -> bool:
        """End all tasks and processes, tell of it, and keep on disk what nobody has acknowledged; return whether all ended.

        What still runs after the grace is killed, whatever its job's own settings say.
        """
        self._is_ending = True
        ending = agent_stopped(reason)
        self._scripts.end_all(ending)
        self._executors.end_all(ending)
        grace = self._settings.kill_grace_seconds if grace_seconds is None else grace_seconds
        killing_at = time.monotonic() + grace
        deadline = killing_at + _CLOSE_EXTRA_SECONDS
        while not self.is_idle and time.monotonic() < deadline:
            if time.monotonic() >= killing_at:
                self._trees.kill_all()
                killing_at += _KILL_AGAIN_SECONDS
            await asyncio.sleep(0.005)
        self._ledger.flush()
        self._spool.save(self._ledger.ended_statuses())
        return self.is_idle

    async def close(self, reason: str) -> None:
        """End what `end_all` has not ended yet, and release the directory."""
        if not self._is_ending:
            await self.end_all(reason)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self._executors.close()
        with contextlib.suppress(Exception):
            await self._apps.close()
        self._trees.close()
        self._watch.close()
        self._journal.close()
        os.close(self._null)

    def _handle(self, command: Command) -> None:
        match command:
            case Launch():
                self._launch(command)
            case Kill():
                self._kill(command)
            case StopExecutor(app_name):
                self._executors.stop_idle(app_name)
            case RemoveApp(app_name):
                self._executors.remove(app_name, killed("Its app was removed."))
                forgetting = asyncio.get_running_loop().create_task(self._forget(app_name))
                self._forgetting.add(forgetting)
                forgetting.add_done_callback(self._forgetting.discard)

    def _launch(self, launch: Launch) -> None:
        specs = [spec for spec in launch.tasks if self._ledger.accept(spec.task_id)]
        if not specs:
            return
        runner = self._scripts if launch.job.is_script else self._executors
        runner.launch(launch.app, launch.job, specs)

    def _kill(self, kill: Kill) -> None:
        ending = killed(kill.reason)
        for task_id in kill.task_ids:
            if not self._ledger.is_live(task_id):
                self._ledger.report_now(task_id, TaskState.KILLED, ending.message)
        self._scripts.end(kill.task_ids, ending)
        self._executors.end(kill.task_ids, ending)

    def _fail(self, command: Command, error: Exception) -> None:
        if not isinstance(command, Launch):
            return
        fault = own_fault(error)
        for spec in command.tasks:
            if self._ledger.is_live(spec.task_id):
                self._ledger.report_now(spec.task_id, fault.state, fault.message)

    async def _forget(self, app_name: str) -> None:
        try:
            await self._apps.forget(app_name)
        except Exception:  # noqa: BLE001 - contained: files that stay are a nuisance, not a failure
            _log.exception("An app could not be removed from the cache.", app=app_name)

    async def _measure_disks(self) -> None:
        """Measure until cancelled, each time in a thread: a disk that hangs must not hold up tasks."""
        directories = (self._directory, self._directory / "apps", self._directory / "output")
        while True:
            disks = await asyncio.to_thread(measure_disks, directories)
            self.info = msgspec.structs.replace(self.info, disks=disks)
            await asyncio.sleep(_MEASURE_DISKS_SECONDS)

    async def _enforce_retention(self) -> None:
        settings = self._settings
        while True:
            live = [status.task_id for status in self._ledger.statuses() if not status.state.is_terminal]
            live += map(executor_output_name, self._executors.running_apps())
            paths = frozenset(map(self._outputs.base_path, live))
            try:
                await asyncio.to_thread(
                    self._outputs.enforce_retention,
                    settings.output_retention_seconds,
                    settings.output_total_bytes,
                    settings.output_file_count,
                    paths,
                )
            except Exception as error:  # noqa: BLE001 - contained: the next time it may be possible
                _log.warning("Old output could not be removed.", error=str(error))
            await asyncio.sleep(settings.output_sweep_seconds)
