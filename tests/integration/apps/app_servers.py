"""Real servers of apps on loopback: HTTP with every bad habit, and FTP."""

import email.utils
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

from tests.threaded_server import served

Answer = Callable[["AppRequestHandler"], None]


class AppRequestHandler(BaseHTTPRequestHandler):
    """Answers a GET as the server was told to for its path."""

    protocol_version = "HTTP/1.1"
    server: "HttpAppServer"

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.requests.append((self.path, dict(self.headers.items())))
        answer = self.server.answers.get(self.path.partition("?")[0])
        if answer is None:
            self.reply(404, b"no such app")
            return
        answer(self)

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def hang(self) -> None:
        """Wait until the test is over."""
        self.close_connection = True
        self.server.released.wait(30)

    def reply_when_released(self) -> None:
        """Answer with a short script when the test sets `released`."""
        self.server.released.wait(10)
        self.reply(200, b"a")

    def hang_up(self) -> None:
        """Close the connection without an answer."""
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has in the standard library
        """Say nothing: the tests look at `requests`."""


class HttpAppServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), AppRequestHandler)
        self.answers: dict[str, Answer] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.lock = threading.Lock()
        self.released = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what many tests are about."""

    def url(self, path: str, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.server_port}{path}"

    def serve_body(
        self, path: str, body: bytes, *, etag: bool = True, modified_seconds: float | None = None
    ) -> None:
        """Serve as a good server does: with an ETag, or the time of the last change, or (neither) nothing to ask by."""
        tag = f'"{hashlib.sha256(body).hexdigest()}"'

        def answer(request: AppRequestHandler) -> None:
            headers = {}
            if etag:
                headers["ETag"] = tag
            if modified_seconds is not None:
                headers["Last-Modified"] = email.utils.formatdate(modified_seconds, usegmt=True)
            same_tag = etag and request.headers["If-None-Match"] == tag
            same_time = not etag and request.headers["If-Modified-Since"] == headers.get(
                "Last-Modified", "none"
            )
            request.reply(
                304 if same_tag or same_time else 200, b"" if same_tag or same_time else body, headers
            )

        self.answers[path] = answer


@contextmanager
def http_app_server() -> Iterator[HttpAppServer]:
    server = HttpAppServer()
    with served(server):
        try:
            yield server
        finally:
            server.released.set()


class FtpAppServer:
    """An FTP server for one user, in a thread; `commands` is what clients sent."""

    def __init__(self, folder: Path, user: str, password: str) -> None:
        authorizer = DummyAuthorizer()
        authorizer.add_user(user, password, str(folder), perm="elr")
        commands: list[str] = []

        class Handler(FTPHandler):  # type: ignore[misc]  # pyftpdlib ships no types
            def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
                commands.append(cmd)
                super().pre_process_command(line, cmd, arg)

        Handler.authorizer = authorizer
        Handler.auth_failed_timeout = 0.01
        self.commands = commands
        self._server = FTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.address[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._server.serve_forever(timeout=0.01, blocking=False, handle_exit=False)
            time.sleep(0.001)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._server.close_all()


@contextmanager
def ftp_app_server(folder: Path, user: str, password: str) -> Iterator[FtpAppServer]:
    server = FtpAppServer(folder, user, password)
    try:
        yield server
    finally:
        server.close()
