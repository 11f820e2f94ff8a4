"""HTTP/1.1 as uvicorn speaks it, with bounds: of bytes, of time, and of what one connection may have waiting.

The bytes are counted before the parser has them, so that nothing that it keeps to itself (a header without an end, a
chunk's extension) escapes. A connection has one request at a time: what comes after it is held unparsed, and reading
stops, until the answer is out.
"""

import asyncio
from typing import Any, Final, cast

import httptools
import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from elasticjob_cloud.server.http.connections import Connections
from elasticjob_cloud.server.http.limits import HttpLimits

_HEAD_END: Final = b"\r\n\r\n"
# What a chunked body is parsed by: its end shows only in the parser, and more requests may follow in the same piece.
_CHUNKED_PIECE_BYTES: Final = 512
# Chunks of one byte are silly, but allowed: "1\r\nx\r\n" has five bytes besides the body's one.
_OVERHEAD_FACTOR: Final = 8
_REQUEST_LINE_REST: Final = len(b"GET  HTTP/1.1")
# A caller that still sends would lose the answer to a reset, so its bytes are dropped for a while.
_LINGER_SECONDS: Final = 2.0
_LINGER_BYTES: Final = 16 * 1024 * 1024
_FOREVER: Final = float("inf")


class DoorState(ServerState):
    """What all connections of a server share."""

    def __init__(self, limits: HttpLimits, connections: Connections) -> None:
        super().__init__()
        self.limits = limits
        self.entered = connections


class _RefusedError(Exception):
    """Raised through the parser, which gives up then."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Flow(FlowControl):
    """uvicorn's, which reads on whenever an answer is out; this one does not while something is held."""

    is_holding = False

    def resume_reading(self) -> None:
        if not self.is_holding:
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._door = cast("DoorState", server_state)
        self._limits = self._door.limits
        self.url = b""
        self._in_head = True  # between requests as well
        self._has_asked = False
        self._head_bytes = 0
        self._body_bytes = 0
        self._body_fed_bytes = 0
        self._body_left: int | None = None  # None: not looked at yet; -1: chunked
        self._held = b""
        self._held_from = 0
        # When the head or the body that is not whole yet began; 0: there is none.
        self._began_at = 0.0
        self._progress_at = 0.0
        self._unsent_bytes = 0
        self._stuck_since = 0.0
        self._closes_at = 0.0  # 0: it is not refused
        self._dropped_bytes = 0

    # What uvicorn and the transport call

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.flow = _Flow(transport)
        self._began_at = self.loop.time()
        if not self._door.entered.enter(self, self.client[0] if self.client else ""):
            self._refuse(503, "Too many connections. Try again later.")
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.entered.leave(self)
        self._held = b""
        self.pipeline.clear()  # requests that wait hold their connection, and it holds them
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._closes_at:
            self._drop(len(data))
        elif self._held:
            self._hold(self._held[self._held_from :] + data, 0)
        else:
            self._take(data, 0)

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > self._limits.request_line_bytes - _REQUEST_LINE_REST:
            raise _RefusedError(
                414, f"The request line has more than {self._limits.request_line_bytes:,} bytes."
            )

    def on_headers_complete(self) -> None:
        if len(self.headers) > self._limits.header_count:
            raise _RefusedError(431, f"There are more than {self._limits.header_count} headers.")
        super().on_headers_complete()
        self.headers = []  # trailers come through the same callback, and are no headers
        self._in_head = False
        self._has_asked = True
        self._began_at = 0.0

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self.url = b""
        self._head_bytes = self._body_bytes = self._body_fed_bytes = 0
        self._body_left = None
        self._began_at = 0.0

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._held and not self.pipeline and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            held, start = self._held, self._held_from
            self._held = b""
            self._flow.is_holding = False
            self._take(held, start)
            if not self.transport.is_closing():
                self.flow.resume_reading()  # unless it holds again

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    # What the caps and the clock ask

    @property
    def is_working(self) -> bool:
        """Whether the server works on an answer, rather than waits for the caller."""
        return self._is_answering and not self.flow.write_paused

    @property
    def has_asked(self) -> bool:
        """Whether it has brought a request."""
        return self._has_asked

    def abort(self) -> None:
        """Close at once, and drop what is not sent yet."""
        self.transport.abort()

    def look(self, now: float) -> None:
        """Close the connection if its caller has kept it waiting for too long; called each second."""
        unsent = self.transport.get_write_buffer_size()
        if unsent != self._unsent_bytes:
            self._unsent_bytes, self._stuck_since = unsent, now
        if unsent and now - self._stuck_since >= self._limits.stall_seconds:
            self.abort()
        elif self._closes_at:
            if now >= self._closes_at:
                self.abort()
        elif self.transport.is_closing():
            return
        elif self._began_at and self.flow.read_paused:
            self._began_at = self._progress_at = now  # it is the server that does not read
        elif self._began_at:
            self._check_waiting(now)

    # Bytes

    @property
    def _flow(self) -> _Flow:
        return cast("_Flow", self.flow)

    @property
    def _is_answering(self) -> bool:
        return self._in_head and self._has_asked and not self.cycle.response_complete

    def _take(self, data: bytes, start: int) -> None:
        """Parse as far as the end of a request that must be answered before the next is looked at."""
        end = len(data)
        while start < end:
            if self._is_answering:
                self._hold(data, start)
                return
            stop = self._head_end(data, start) if self._in_head else self._body_end(end, start)
            if stop == start:
                self._refuse(431, f"The headers have more than {self._limits.header_bytes:,} bytes.")
            else:
                start += self._parse(data if stop - start == end else data[start:stop])
            if self._closes_at or self.transport.is_closing():
                return
        if not self._in_head or self._head_bytes:
            self._progress_at = self.loop.time()
            self._began_at = self._began_at or self._progress_at

    def _head_end(self, data: bytes, start: int) -> int:
        found = data.find(_HEAD_END, start)
        stop = len(data) if found < 0 else found + len(_HEAD_END)
        limit = self._limits.header_bytes + len(self.url) + _REQUEST_LINE_REST
        return min(stop, start + limit - self._head_bytes)

    def _body_end(self, end: int, start: int) -> int:
        if self._body_left is None:
            headers = self.cycle.scope["headers"]
            self._body_left = next((int(value) for name, value in headers if name == b"content-length"), -1)
        if self._body_left < 0:
            return min(end, start + _CHUNKED_PIECE_BYTES)
        stop = min(end, start + self._body_left)
        self._body_left -= stop - start
        return stop

    def _parse(self, piece: bytes) -> int:
        """Give the parser a piece; tell how much of it is used."""
        if self._in_head:
            self._head_bytes += len(piece)
        else:
            self._body_fed_bytes += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            return int(upgrade.args[0])  # to what we do not speak: it is answered as HTTP/1.1
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, _RefusedError):
                self._refuse(cause.status, str(cause))
            else:
                self._refuse(400, "Invalid HTTP request received.")
        else:
            if not self._in_head:
                self._check_body()
        return len(piece)

    def _check_body(self) -> None:
        overhead = self._body_fed_bytes - self._body_bytes
        if overhead > self._limits.header_bytes + _OVERHEAD_FACTOR * self._body_bytes:
            self._refuse(
                431, f"Trailers and chunk extensions have more than {self._limits.header_bytes:,} bytes."
            )
        elif self._body_bytes > self._limits.unread_body_bytes and self.cycle.response_complete:
            self.transport.close()

    def _hold(self, data: bytes, start: int) -> None:
        self._held, self._held_from = data, start
        self._flow.is_holding = True
        self.flow.pause_reading()

    def _drop(self, count: int) -> None:
        self._dropped_bytes += count
        if self._dropped_bytes > _LINGER_BYTES:
            self.abort()

    # Time and refusals

    def _check_waiting(self, now: float) -> None:
        waited = now - self._began_at
        if self._in_head:
            if waited >= self._limits.header_seconds:
                if self._head_bytes:
                    self._refuse(408, f"The headers took more than {self._limits.header_seconds:g} s.")
                else:
                    self.transport.close()
        elif now - self._progress_at >= self._limits.stall_seconds:
            self._refuse(408, f"The body brought nothing for {self._limits.stall_seconds:g} s.")
        elif waited >= self._limits.body_seconds:
            self._refuse(408, f"The body took more than {self._limits.body_seconds:g} s.")

    def _refuse(self, status: int, message: str) -> None:
        """Answer what is no request, read no more, and close."""
        self._held = b""
        if self._is_answering:
            # What came before was a request: it gets its answer first, and closes.
            self.cycle.keep_alive = False
            self._closes_at = _FOREVER
            return
        if self._has_asked and not self.cycle.response_complete:
            self.cycle.disconnected = True  # this answer takes the place of its own
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        self._closes_at = self.loop.time() + _LINGER_SECONDS
        self.transport.write(_refusal(status, message))
        if self.transport.can_write_eof():
            self.transport.write_eof()


def _refusal(status: int, message: str) -> bytes:
    content = msgspec.json.encode({"message": message})
    head = [
        STATUS_LINE[status],
        b"content-type: application/json\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n",
        b"retry-after: 1\r\n" if status == 503 else b"",
        b"content-length: %d\r\nconnection: close\r\n\r\n" % len(content),
    ]
    return b"".join(head) + content
