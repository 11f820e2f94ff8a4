"""Starts the process of an app's executor, each time as late as the failures before it demand."""

import asyncio
from collections.abc import Callable

import structlog

from elasticjob_cloud.agent.executors.backoff import StartBackoff
from elasticjob_cloud.agent.executors.process import ExecutorProcess, ProcessOwner
from elasticjob_cloud.agent.runtime import TaskRuntime
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.jobs.app import AppConfiguration

_log = structlog.get_logger(__name__)


class ExecutorStarter:
    """Prepares the app and starts its `bootstrapScript`. `address`: where the process registers."""

    def __init__(
        self,
        runtime: TaskRuntime,
        loop: asyncio.AbstractEventLoop,
        address: Callable[[], str],
        owner: ProcessOwner,
    ) -> None:
        self._runtime = runtime
        self._loop = loop
        self._address = address
        self._owner = owner
        self.backoff = StartBackoff(runtime.settings)

    async def wait(self) -> None:
        """Wait for as long as earlier failures demand."""
        delay = self.backoff.delay_seconds()
        if delay:
            await asyncio.sleep(delay)

    async def start(self, app: AppConfiguration) -> ExecutorProcess:
        """Start it. Nothing else happens on the loop between the process's start and the return.

        Raises:
            AppUnavailableError: the app cannot be had.
            StartError: its `bootstrapScript` cannot be started.
        """
        prepared = await self._runtime.prepare(app)
        try:
            return ExecutorProcess(self._runtime, self._loop, app, prepared, self._address(), self._owner)
        except Exception as error:
            # Contained: the tasks that wait must hear of it, whatever it was.
            if not isinstance(error, OSError):
                _log.exception("An executor could not be started.", app=app.app_name)
            prepared.release()
            self.backoff.failed()
            raise StartError(f"The bootstrapScript could not be started: {error}") from error
