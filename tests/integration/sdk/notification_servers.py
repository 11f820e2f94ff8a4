"""Servers that jobs and error handlers call in tests: HTTP and SMTP, on loopback, which keep what they got."""

import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, cast

PATIENCE_SECONDS = 20.0


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    recorder: "HttpRecorder"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of the tests."""


class HttpRecorder:
    """An HTTP server that answers with `answer(request)`."""

    def __init__(self, answer: Callable[[Received], Answer] = lambda request: Answer()) -> None:
        self.answer = answer
        self.requests: list[Received] = []
        self._changed = threading.Condition()
        self.server = _Quiet(("127.0.0.1", 0), _RecordingHandler)
        self.server.recorder = self
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self._thread.join(PATIENCE_SECONDS)
        self.server.server_close()

    def add(self, request: Received) -> Answer:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        return self.answer(request)

    def wait_requests(self, count: int) -> list[Received]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, PATIENCE_SECONDS), (
                self.requests
            )
        return self.requests


class _RecordingHandler(BaseHTTPRequestHandler):
    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        recorder = cast("_Quiet", self.server).recorder
        answer = recorder.add(Received(self.command, self.path, headers, body))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = handle_any  # noqa: N815 - the base class's names

    def log_message(self, *_: object) -> None:
        """Tests are silent."""


class SmtpRecorder:
    """A small SMTP server: EHLO, AUTH PLAIN and LOGIN, MAIL, RCPT, DATA. Only `user`, with `password`, may send.

    `starttls`: the server's side of the TLS that it offers. `wrap` makes it speak TLS from the start.
    """

    def __init__(
        self, *, user: str = "", password: str = "", refusal: str = "", starttls: ssl.SSLContext | None = None
    ) -> None:
        self.starttls = starttls
        self.user = user
        self.password = password
        self.refusal = refusal
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.changed = threading.Condition()
        self.wrap: Callable[[socket.socket], socket.socket] = lambda connection: connection
        self.server = _SmtpServer(("127.0.0.1", 0), _SmtpSession)
        self.server.recorder = self
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self._thread.join(PATIENCE_SECONDS)
        self.server.server_close()

    def wait_messages(self, count: int) -> list[EmailMessage]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.messages) >= count, PATIENCE_SECONDS), self.messages
        return self.messages


class _SmtpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    recorder: SmtpRecorder

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        return self.recorder.wrap(connection), address

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that trust no one are part of the tests."""


class _SmtpSession(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        recorder = cast("_SmtpServer", self.server).recorder
        authorized = not recorder.user
        recipients: list[str] = []
        self._say("220 test")
        is_secure = recorder.starttls is None
        while line := self.rfile.readline():
            command, _, rest = line.decode().strip().partition(" ")
            match command.upper():
                case "EHLO":
                    offer = "" if is_secure else "250-STARTTLS\r\n"
                    self._say(f"250-test\r\n{offer}250-SMTPUTF8\r\n250-8BITMIME\r\n250 AUTH PLAIN")
                case "STARTTLS" if recorder.starttls is not None:
                    self._say("220 go on")
                    self.connection = recorder.starttls.wrap_socket(self.connection, server_side=True)
                    self.rfile = self.connection.makefile("rb")
                    self.wfile = self.connection.makefile("wb", buffering=0)
                    is_secure = True
                case "AUTH" | "MAIL" if not is_secure:
                    self._say("530 STARTTLS first")
                case "AUTH":
                    authorized = self._check(rest, recorder)
                    self._say("235 welcome" if authorized else "535 wrong password")
                case "MAIL" if not authorized:
                    self._say("530 who are you?")
                case "MAIL" if recorder.refusal:
                    self._say(f"550 {recorder.refusal}")
                case "RCPT":
                    recipients.append(rest.partition(":")[2].strip("<> "))
                    self._say("250 fine")
                case "DATA":
                    self._say("354 go on")
                    self._take(recorder, recipients)
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 fine")

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # of TLS that began later: the server knows the one before

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    @staticmethod
    def _check(rest: str, recorder: SmtpRecorder) -> bool:
        from base64 import b64decode

        return b64decode(rest.split()[1]) == f"\0{recorder.user}\0{recorder.password}".encode()

    def _take(self, recorder: SmtpRecorder, recipients: list[str]) -> None:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        with recorder.changed:
            recorder.messages.append(message)
            recorder.recipients.append(recipients)
            recorder.changed.notify_all()
        self._say("250 taken")


def slowly(seconds: float) -> Callable[[Received], Answer]:
    """An answer that lets the client wait."""

    def answer(request: Received) -> Answer:
        time.sleep(seconds)
        return Answer(body=b"late")

    return answer


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of 127.0.0.1, signed by itself, and the server's side of it."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    )
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context
