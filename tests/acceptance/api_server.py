"""Serves an ASGI app on a free loopback port, over real HTTP, for as long as a test needs it."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

_DEADLINE_SECONDS = 20.0


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Serve the app; give its base URL, without a slash at the end."""
    # Named TCP, or else asyncio does not switch Nagle's algorithm off, and each answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", access_log=False, proxy_headers=False)
    server = uvicorn.Server(config)
    # A loop of its own: asyncio's signal handlers belong to the main thread, which runs the test.
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), name="api-server", daemon=True
    )
    thread.start()
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not server.started:
        assert thread.is_alive(), "the server ended before it started"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_DEADLINE_SECONDS)
        listener.close()
        assert not thread.is_alive(), "the server did not stop"
