"""A server's life: scheduler up, API up, until a signal; then API down, scheduler down."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from fastapi import FastAPI

from elasticjob_cloud.service.scheduler import Scheduler

_SHUTDOWN_SECONDS = 5


class Server:
    """A scheduler and its API on one listening socket."""

    def __init__(self, scheduler: Scheduler, app: FastAPI, listener: socket.socket, url: str) -> None:
        self.url = url
        self._scheduler = scheduler
        self._listener = listener
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            server_header=False,
        )
        self._http = _HttpServer(config)

    def run(self, when_up: Callable[[], Awaitable[None]] | None = None) -> None:
        """Serve until SIGINT or SIGTERM; `when_up` runs beside the server once it answers.

        Raises:
            StartError: the store or the engine cannot be used.
        """
        _calm_garbage_collector()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self.serve(when_up))

    async def serve(self, when_up: Callable[[], Awaitable[None]] | None = None) -> None:
        """As `run`, on the running loop."""
        try:
            await self._scheduler.start()
        except BaseException:
            self._listener.close()
            raise
        scheduling = asyncio.create_task(self._scheduler.ended())
        scheduling.add_done_callback(lambda _: self.stop())
        companion = asyncio.create_task(_run(when_up)) if when_up is not None else None
        try:
            with self._stopped_by_signals():
                await self._http.serve(sockets=[self._listener])
        finally:
            if companion is not None:
                await _end(companion)
            await self._scheduler.stop()
        await scheduling

    def stop(self) -> None:
        """End `serve` in an orderly way."""
        self._http.should_exit = True

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


class _HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers: they raise the signal again, before the scheduler has let go."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _end(companion: asyncio.Task[None]) -> None:
    companion.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await companion


async def _run(when_up: Callable[[], Awaitable[None]]) -> None:
    await when_up()


def _calm_garbage_collector() -> None:
    # What is loaded now stays, and rows go without cycles: looking at all of it again and again took a tenth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not there on Windows

    return uvloop.new_event_loop
