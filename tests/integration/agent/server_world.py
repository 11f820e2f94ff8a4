"""An agent's server in this process, for tests that speak to it in its own frames."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.scheduler_link.frames import (
    FrameProtocol,
)
from elasticjob_cloud.agent.scheduler_link.server import AgentServer
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.messages import AgentEvents
from tests.waiting import run_in_selector_loop


class World:
    """A server in this process, and the place that it has."""

    def __init__(self, directory: Path, settings: AgentSettings) -> None:
        self.place = AgentDirectory(directory / "agent")
        self.place.ensure_socket_directory()
        self._server = AgentServer(self.place, settings)
        self.running = asyncio.get_running_loop().create_task(self._server.run())

    @property
    def has_scheduler(self) -> bool:
        return self.scheduler is not None

    @property
    def scheduler(self) -> FrameProtocol | None:
        """The agent's end of its connection to its scheduler."""
        return self._server._conversation._scheduler

    def tell(self, batch: AgentEvents) -> None:
        self._server.emit(batch)

    async def stop(self) -> None:
        self._server.stop("the test is over")
        await self.running


def play(
    directory: Path, settings: AgentSettings, scenario: Callable[[World], Coroutine[None, None, None]]
) -> None:
    async def run() -> None:
        world = World(directory, settings)
        try:
            await scenario(world)
        finally:
            await world.stop()

    run_in_selector_loop(run())
