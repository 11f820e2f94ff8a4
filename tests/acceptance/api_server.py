"""Serves an ASGI app on a free loopback port, over real HTTP, for as long as a test needs it."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

_DEADLINE_SECONDS = 20.0
_TICK_SECONDS = 0.1


class _Server(uvicorn.Server):
    """uvicorn, which ends at once: by itself it looks and waits by tenths of a second, and hundreds of tests have one."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
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
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ends.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.001)


@contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """Serve the app; give its base URL, without a slash at the end."""
    # Named TCP, or else asyncio does not switch Nagle's algorithm off, and each answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _Server(
        uvicorn.Config(app, log_config=None, lifespan="off", access_log=False, proxy_headers=False)
    )
    # A loop of its own: asyncio's signal handlers belong to the main thread, which runs the test.
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), name="api-server", daemon=True
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
