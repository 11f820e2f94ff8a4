"""A server's life: scheduler up, API up, until a signal; then API down, scheduler down."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator

from fastapi import FastAPI

from elasticjob_cloud.agent.process.orphans import OrphanReaper
from elasticjob_cloud.agent.process.own_memory import hide_from_jobs
from elasticjob_cloud.agent.process.start.inherited_state import keep_exit_codes
from elasticjob_cloud.server.http.server import HttpServer
from elasticjob_cloud.server.memory import calm_garbage_collector
from elasticjob_cloud.service.scheduler import Scheduler

AppBuilder = Callable[[contextlib.AsyncExitStack], Awaitable[FastAPI]]


class Server:
    """A scheduler and its API on one listening socket."""

    def __init__(
        self,
        scheduler: Scheduler,
        build_app: AppBuilder,
        listener: socket.socket,
        url: str,
        is_trusted: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Make a server.

        Args:
            scheduler: What it serves.
            build_app: Makes the API once the scheduler is up; what it opens is closed with the stack.
            listener: Where the API is reached.
            url: Its URL for people on this machine.
            is_trusted: Tells a trusted proxy by its address.
        """
        self.url = url
        self._scheduler = scheduler
        self._build_app = build_app
        self._listener = listener
        self._is_trusted = is_trusted
        self._stopping = asyncio.Event()

    def run(self, when_up: Callable[[], Awaitable[None]] | None = None) -> None:
        """Serve until SIGINT or SIGTERM; `when_up` runs with the server once it answers.

        Raises:
            StartError: the store or the engine cannot be used.
        """
        hide_from_jobs()
        calm_garbage_collector()
        keep_exit_codes()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self.serve(when_up))

    async def serve(self, when_up: Callable[[], Awaitable[None]] | None = None) -> None:
        """As `run`, on the running loop."""
        # To the very end: a second signal must not cut the tidying up short.
        with contextlib.closing(self._listener), self._stopped_by_signals(), _reaping():
            await self._start_scheduler()
            scheduling: asyncio.Future[None] | None = None
            try:
                if not self._stopping.is_set():
                    scheduling = asyncio.create_task(self._scheduler.ended())
                    scheduling.add_done_callback(lambda _: self.stop())
                    async with contextlib.AsyncExitStack() as closing:
                        await self._serve_http(
                            HttpServer(await self._build_app(closing), is_trusted=self._is_trusted), when_up
                        )
            finally:
                await self._scheduler.stop()
            if scheduling is not None:
                await scheduling

    def stop(self) -> None:
        """End `serve` in an orderly way."""
        self._stopping.set()

    async def _start_scheduler(self) -> None:
        """Return when it is up; or when asked to stop meanwhile, with the lead given up."""
        starting = asyncio.create_task(self._scheduler.start())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            await self._scheduler.retire()
        await starting

    async def _serve_http(self, http: HttpServer, when_up: Callable[[], Awaitable[None]] | None) -> None:
        serving = asyncio.create_task(http.serve(sockets=[self._listener]))
        companion = asyncio.create_task(_run(when_up)) if when_up is not None else None
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            # First the lead: while calls under way end here, another scheduler leads already, and has them passed on.
            await self._scheduler.retire()
        finally:
            stopping.cancel()
            http.should_exit = True
            if companion is not None:
                await _end(companion)
            await serving

    @contextlib.contextmanager
    def _stopped_by_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


@contextlib.contextmanager
def _reaping() -> Iterator[None]:
    reaping = asyncio.create_task(OrphanReaper().run())
    try:
        yield
    finally:
        reaping.cancel()


async def _end(companion: asyncio.Task[None]) -> None:
    companion.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await companion


async def _run(when_up: Callable[[], Awaitable[None]]) -> None:
    await when_up()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not there on Windows

    return uvloop.new_event_loop
