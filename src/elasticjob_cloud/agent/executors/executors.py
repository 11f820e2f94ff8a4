"""All app executors of an agent, and the socket that they register at."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import structlog

from elasticjob_cloud.agent.executors.executor import AppExecutor
from elasticjob_cloud.agent.executors.lines import ExecutorConnection, LineHandler, RegisterLine
from elasticjob_cloud.agent.machine.kept_socket import KeptSocket
from elasticjob_cloud.agent.reporting.ending import Ending
from elasticjob_cloud.agent.runtime import TaskRuntime
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.messages import Sandbox, TaskSpec

_log = structlog.get_logger(__name__)
_LONGEST_IDLE_CHECK_SECONDS = 5.0


class Executors:
    """One executor for each app that has run SDK tasks here."""

    def __init__(
        self, runtime: TaskRuntime, loop: asyncio.AbstractEventLoop, agent_id: str, socket_name: str
    ) -> None:
        self._runtime = runtime
        self._loop = loop
        self._agent_id = agent_id
        self._socket_name = socket_name
        self._executors: dict[str, AppExecutor] = {}
        self._tokens: dict[str, AppExecutor] = {}
        limit = runtime.settings.executor_line_limit_bytes
        self._socket = KeptSocket(lambda: ExecutorConnection(self, loop, limit), backlog=128)

    @property
    def has_processes(self) -> bool:
        """Whether an executor's process runs."""
        return any(executor.has_process for executor in self._executors.values())

    @property
    def is_busy(self) -> bool:
        """Whether an executor has tasks."""
        return any(executor.is_busy for executor in self._executors.values())

    def running_apps(self) -> tuple[str, ...]:
        """Give the apps whose executor's process runs."""
        return tuple(name for name, executor in self._executors.items() if executor.has_process)

    async def listen(self, directory: Path) -> bool:
        """Listen for executors in this directory; True where they could not connect before. Raises `OSError`."""
        return await self._socket.keep(directory / self._socket_name)

    def close(self) -> None:
        """Listen no more. Executors have been ended before."""
        self._socket.close()

    def launch(self, app: AppConfiguration, job: JobConfiguration, specs: Iterable[TaskSpec]) -> None:
        """Run these shards, which the ledger has accepted."""
        executor = self._executors.get(app.app_name)
        if executor is None:
            executor = AppExecutor(
                self._runtime, self._loop, app, lambda: f"unix:{self._socket.path}", self._tokens
            )
            self._executors[app.app_name] = executor
        executor.launch(app, job, specs)

    def end(self, task_ids: Iterable[str], ending: Ending) -> None:
        """End the tasks of these ids that executors have."""
        ids = list(task_ids)
        for executor in self._executors.values():
            if executor.is_busy:
                executor.end(ids, ending)

    def end_all(self, ending: Ending) -> None:
        """End all executors with their tasks."""
        for executor in self._executors.values():
            executor.end_all(ending)

    def stop_idle(self, app_name: str | None = None) -> None:
        """Stop the executors without tasks, or that of one app."""
        for name, executor in self._executors.items():
            if app_name is None or name == app_name:
                executor.stop_if_idle()

    def remove(self, app_name: str, ending: Ending) -> None:
        """End the executor of an app that is no more."""
        executor = self._executors.get(app_name)
        if executor is not None:
            executor.end_all(ending)
            if not executor.has_process:
                del self._executors[app_name]

    def sandboxes(self, app_name: str) -> list[Sandbox]:
        """List where the app's executor has its files."""
        executor = self._executors.get(app_name)
        sandbox = executor.sandbox(self._agent_id) if executor is not None else None
        return [] if sandbox is None else [sandbox]

    def register(self, line: RegisterLine, connection: ExecutorConnection) -> LineHandler | None:
        """Give the executor that a token was made for; each token counts once."""
        executor = self._tokens.pop(line.token, None)
        if executor is not None:
            executor.registered(connection, self._agent_id)
        return executor

    async def watch_idle(self) -> None:
        """Stop executors that have been without tasks for long, until cancelled."""
        idle = self._runtime.settings.executor_idle_seconds
        while True:
            await asyncio.sleep(min(_LONGEST_IDLE_CHECK_SECONDS, idle / 2 + 0.05))
            for name, executor in list(self._executors.items()):
                try:
                    executor.stop_if_idle(idle)
                except Exception:  # noqa: BLE001 - contained: the others are to be stopped all the same
                    _log.exception("An idle executor could not be stopped.", app=name)
                if executor.is_forgettable:
                    del self._executors[name]
