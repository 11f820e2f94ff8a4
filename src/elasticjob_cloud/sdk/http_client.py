"""One HTTP request: connect and read timeouts apart, redirects within a protocol, bounded, and to be cancelled.

`urllib` does the work: proxies of the environment, redirects. It knows one timeout only, and neither limit nor cancel.
"""

import base64
import contextlib
import socket
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import IO, Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from elasticjob_cloud.model.errors import JobExecutionError
from elasticjob_cloud.model.trust import trusted_context

_MOST_REDIRECTS = 20  # as Java's HttpURLConnection
_READ_BYTES = 1 << 16
_PORTS = {"http": 80, "https": 443}
# All others are the caller's own, and may be secrets of one host.
_FOR_EVERY_HOST = frozenset({"accept", "content-type", "user-agent", "shardingcontext"})
_URL_CHARACTERS = "%/:=&?~#+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to send, and how long to wait. A timeout of None waits for ever."""

    method: str
    url: str
    data: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    connect_timeout_seconds: float | None = 3.0
    read_timeout_seconds: float | None = 5.0
    body_limit_bytes: int = 1 << 16

    @property
    def shown(self) -> str:
        """The request as it may be told: without what may be secret in its URL."""
        parts = urlsplit(self.url)
        return f"{self.method} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back. The body is cut at the request's limit."""

    status: int
    reason: str
    location: str
    text: str
    is_cut: bool


def check_url(url: str, name: str) -> str:
    """Return the URL as it goes over the wire.

    Raises:
        JobExecutionError: If it is no URL of HTTP; the message calls it `name`.
    """
    url = quote(url.strip(), safe=_URL_CHARACTERS)
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise JobExecutionError(f"{name} is no URL that begins with http:// or https:// and names a host.")
    return url


class Exchange:
    """A request and its answer."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._socket: socket.socket | None = None
        self._cancelled = False

    def send(self) -> HttpAnswer:
        """Send the request and read the answer, whatever its status.

        Raises:
            JobExecutionError: If there was none; the message says why, and holds no secret of the URL.
        """
        request = self._request
        try:
            with self._open() as response:
                return _read_answer(response, request.body_limit_bytes)
        except URLError as error:
            raise JobExecutionError(f"{request.shown} failed: {_reason(error.reason)}") from None
        except (OSError, HTTPException, ValueError) as error:
            raise JobExecutionError(f"{request.shown} failed: {_reason(error)}") from None

    def cancel(self) -> None:
        """Make `send` end soon, from any thread."""
        self._cancelled = True
        if self._socket is not None:
            with contextlib.suppress(OSError):  # it is closed by now
                self._socket.shutdown(socket.SHUT_RDWR)

    def adopt(self, connected: socket.socket) -> None:
        """Take a connection that was just made."""
        self._socket = connected
        connected.settimeout(self._request.read_timeout_seconds)
        if self._cancelled:
            raise ConnectionAbortedError("it was cancelled")

    def _open(self) -> HTTPResponse:
        url, authorization = _split_credentials(self._request.url)
        request = urllib.request.Request(  # noqa: S310 - `check_url` was asked
            url, self._request.data, {**authorization, **self._request.headers}, method=self._request.method
        )
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            _Connections(self),
            _SecureConnections(self),
            _Redirects(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            opener.add_handler(handler)
        try:
            opened = opener.open(request, timeout=self._request.connect_timeout_seconds)
        except HTTPError as error:
            opened = error  # an answer as well as an exception
        return cast("HTTPResponse", opened)


class _PlainConnection(HTTPConnection):
    exchange: Exchange

    def connect(self) -> None:
        super().connect()
        self.exchange.adopt(self.sock)


class _SecureConnection(HTTPSConnection):
    exchange: Exchange

    def connect(self) -> None:
        super().connect()
        self.exchange.adopt(self.sock)


def _connections_of(
    kind: type[_PlainConnection | _SecureConnection], exchange: Exchange
) -> Callable[..., HTTPConnection]:
    def connect(host: str, **options: Any) -> HTTPConnection:
        connection = kind(host, **options)
        connection.exchange = exchange
        return connection

    return connect


class _Connections(urllib.request.HTTPHandler):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._connect = _connections_of(_PlainConnection, exchange)

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(self._connect, req)


class _SecureConnections(urllib.request.AbstractHTTPHandler):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._connect = _connections_of(_SecureConnection, exchange)

    def https_request(self, req: urllib.request.Request) -> urllib.request.Request:
        return self.do_request_(req)

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(self._connect, req, context=trusted_context())


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows within one protocol, as ElasticJob's HttpURLConnection does: a secret leaves neither TLS nor its host."""

    max_redirections = max_repeats = 1000  # counted here

    def __init__(self) -> None:
        self._count = 0

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,  # noqa: ARG002 - the parent's signature
        headers: Message,  # noqa: ARG002 - as above
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if old.scheme != new.scheme:
            return None
        self._count += 1
        if self._count > _MOST_REDIRECTS:
            fp.close()
            raise URLError(f"more than {_MOST_REDIRECTS} redirects")
        method = req.get_method()
        is_same = _host_of(old) == _host_of(new)
        becomes_get = method not in {"GET", "HEAD"} and (code == 303 or (code < 303 and method == "POST"))
        dropped = {"content-length", "content-type"} if becomes_get else {"content-length"}
        return urllib.request.Request(  # noqa: S310 - the protocol is the same
            quote(newurl, safe=_URL_CHARACTERS),
            None if becomes_get else cast("bytes | None", req.data),
            {
                name: value
                for name, value in req.headers.items()
                if name.lower() not in dropped and (is_same or name.lower() in _FOR_EVERY_HOST)
            },
            method="GET" if becomes_get else method,
        )


def _host_of(url: SplitResult) -> tuple[str | None, int | None]:
    return url.hostname, url.port or _PORTS.get(url.scheme)


def _read_answer(response: HTTPResponse, limit_bytes: int) -> HttpAnswer:
    parts: list[bytes] = []
    room = limit_bytes + 1
    while room > 0 and (part := response.read(min(room, _READ_BYTES))):
        parts.append(part)
        room -= len(part)
    body = b"".join(parts)
    charset = response.headers.get_content_charset("utf-8")
    try:
        text = body[:limit_bytes].decode(charset, "replace")
    except LookupError:
        text = body[:limit_bytes].decode("utf-8", "replace")
    location = response.headers.get("Location", "")
    return HttpAnswer(response.status, response.reason or "", location, text, len(body) > limit_bytes)


def _split_credentials(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    credentials, separator, host = parts.netloc.rpartition("@")
    if not separator:
        return url, {}
    encoded = base64.b64encode(unquote(credentials).encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"Authorization": f"Basic {encoded}"}


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return f"{type(error).__name__}: {error}" if isinstance(error, Exception) else str(error)


def seconds_of(props: Mapping[str, str], names: tuple[str, ...], default_milliseconds: int) -> float | None:
    """Read a timeout in milliseconds, under the first of these names that is there; 0 is for ever.

    Raises:
        JobExecutionError: If it is no whole number.
    """
    for name in names:
        text = props.get(name, "").strip()
        if text:
            break
    else:
        return default_milliseconds / 1000
    if not (text.isascii() and text.isdecimal()):
        raise JobExecutionError(f"{name} must be a whole number of milliseconds, not {text!r}.")
    return int(text) / 1000 or None
