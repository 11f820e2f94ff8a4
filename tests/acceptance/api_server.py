"""Serves an ASGI app on a free loopback port, over real HTTP, for as long as a test needs it."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from elasticjob_cloud.server.http.connections import Connections
from elasticjob_cloud.server.http.limits import HttpLimits
from elasticjob_cloud.server.http.protocol import BoundedProtocol, DoorState

_DEADLINE_SECONDS = 20.0
_TICK_SECONDS = 0.1


class _Server(uvicorn.Server):
    """uvicorn, which ends at once: by itself it looks and waits by tenths of a second, and hundreds of tests have one."""

    def __init__(self, config: uvicorn.Config, door: DoorState) -> None:
        super().__init__(config)
        self.server_state = door
        self.is_up = threading.Event()
        self._ends: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Have it end; called from another thread."""
        assert self._loop is not None
        assert self._ends is not None
        self.should_exit = True
        with contextlib.suppress(RuntimeError):  # its loop has ended by itself
            self._loop.call_soon_threadsafe(self._ends.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._ends = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        await self.on_tick(0)
        self.is_up.set()

    async def main_loop(self) -> None:
        assert self._ends is not None
        ticks = 1
        while not await self.on_tick(ticks):
            ticks += 1
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                assert isinstance(connection, BoundedProtocol)
                connection.look(now)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ends.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.001)
        await _close_late_connections()


async def _close_late_connections() -> None:
    """Close what was accepted while the server ended, and belongs to nobody: it would be collected in another test."""
    for _ in range(3):
        await asyncio.sleep(0)
        transports = getattr(asyncio.get_running_loop(), "_transports", {})  # uvloop closes its own
        for transport in list(transports.values()):
            transport.abort()
    await asyncio.sleep(0)


def new_door(limits: HttpLimits) -> DoorState:
    """Give what a server's connections share, with these limits."""
    return DoorState(limits, Connections(limits))


def _run(
    serving: Coroutine[None, None, None], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None
) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(serving)


@contextmanager
def serve(
    app: ASGIApp,
    door: DoorState | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Iterator[str]:
    """Serve the app by the scheduler's own protocol; give its base URL, without a slash at the end."""
    # Named TCP, or else asyncio does not switch Nagle's algorithm off, and each answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _Server(
        uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            log_config=None,
            lifespan="off",
            access_log=False,
            proxy_headers=False,
        ),
        door or new_door(HttpLimits()),
    )
    # A loop of its own: asyncio's signal handlers belong to the main thread, which runs the test.
    thread = threading.Thread(
        target=lambda: _run(server.serve(sockets=[listener]), loop_factory), name="api-server", daemon=True
    )
    thread.start()
    assert server.is_up.wait(_DEADLINE_SECONDS), "the server did not start"
    try:
        yield url
    finally:
        server.end()
        thread.join(_DEADLINE_SECONDS)
        listener.close()
        assert not thread.is_alive(), "the server did not stop"
