"""A small ASGI app behind the scheduler's own HTTP protocol, with limits that a test can reach quickly."""

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from elasticjob_cloud.server.http.limits import HttpLimits
from elasticjob_cloud.server.http.protocol import DoorState
from tests.acceptance.api_server import new_door, serve

LARGE_BYTES = 32 * 1024 * 1024


@dataclass
class EchoServer:
    """Answers with the path and the body's length; `/wait` when `go` is set; `/large` and `/pieces` with much; `/deaf` unread."""

    door: DoorState
    url: str = ""
    asked: int = 0
    go: threading.Event = field(default_factory=threading.Event)

    @property
    def connected(self) -> int:
        """How many connections it has."""
        return len(self.door.connections)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        path = scope["path"]
        size = 0
        more = path != "/deaf"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        while path == "/wait" and not self.go.is_set():  # noqa: ASYNC110 - set from another thread
            await asyncio.sleep(0.01)
        if path == "/pieces":
            await _send_pieces(send)
            return
        content = json.dumps({"path": path, "size": size, "headers": len(scope["headers"])}).encode()
        if path == "/large":
            content = b"x" * LARGE_BYTES
        length = b"%d" % len(content)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": content})


async def _send_pieces(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(LARGE_BYTES // 65536):
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def echo_server(limits: HttpLimits | None = None) -> Iterator[EchoServer]:
    """Serve one, on the loop that the scheduler runs on."""
    echo = EchoServer(new_door(limits or HttpLimits()))
    with serve(echo, echo.door, _loop_factory()) as url:
        echo.url = url
        try:
            yield echo
        finally:
            echo.go.set()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
