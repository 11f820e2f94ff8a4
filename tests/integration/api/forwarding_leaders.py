"""A standby's API for tests, and what it takes for the leader: a directory and HTTP servers that do as they are told."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from prometheus_client import CollectorRegistry

from elasticjob_cloud.api import ApiSettings, create_app
from elasticjob_cloud.api.access.forwarding_mark import ForwardingMark
from elasticjob_cloud.api.leader.relay import Relay
from elasticjob_cloud.model.errors import NotLeadingError
from elasticjob_cloud.model.records import AppRecord
from elasticjob_cloud.service.port import SchedulerView
from tests.acceptance.api_scheduler import MemoryScheduler
from tests.acceptance.api_server import serve
from tests.http_client import http_client

_LOOKS_IN_VAIN = 3
KEY = b"a key of thirty-two bytes or more"
APP = {"appName": "app", "appURL": "http://localhost/a.sh", "bootstrapScript": "b"}
Behaviour = Callable[[BaseHTTPRequestHandler], None]


class KnownLeader:
    """A `Leadership` that a test sets."""

    def __init__(self) -> None:
        self.leads = False
        self.trouble: str | None = None
        self.leader: SchedulerView | None = None
        self.is_expected = True
        self._looks = 0
        self._change: Callable[[], None] | None = None

    def change_later(self, change: Callable[[], None]) -> None:
        """Have this happen while a call waits, after it has looked in vain for some times."""
        self._change = change

    def appoint(self, url: str) -> None:
        epoch = 1 if self.leader is None else self.leader.epoch + 1
        self.leader = SchedulerView(f"s{epoch}", url, leader=True, epoch=epoch)

    async def leader_elsewhere(self) -> SchedulerView | None:
        return self.leader

    async def expects_leader(self) -> bool:
        self._looks += 1
        if self._looks == _LOOKS_IN_VAIN and self._change is not None:
            self._change()
        return self.is_expected


class Follower(MemoryScheduler):
    """A scheduler that does not lead: it has no live state to ask, only what is recorded and what was printed."""

    async def apps(self) -> Sequence[AppRecord]:
        raise NotLeadingError("It does not lead.")


class FakeLeader:
    """An HTTP server that behaves in turn as it was told, and then as the last time; keeps what it was asked."""

    def __init__(self) -> None:
        self.behaviours: list[Behaviour] = []
        self.requests: list[tuple[str, str, list[tuple[str, str]], bytes]] = []
        kept = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                kept.requests.append((self.command, self.path, self.headers.items(), body))
                behave = kept.behaviours.pop(0) if len(kept.behaviours) > 1 else kept.behaviours[0]
                behave(self)

            do_GET = do_POST = answer  # noqa: N815 - the names that http.server looks for

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer(body: bytes = b"true", status: int = 200, headers: dict[str, str] | None = None) -> Behaviour:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def begin_to_answer(handler: BaseHTTPRequestHandler) -> None:
    """Say that an answer comes, and no more."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"[")


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def die_in_mid_answer(handler: BaseHTTPRequestHandler) -> None:
    begin_to_answer(handler)
    hang_up(handler)


@contextmanager
def standby(
    known: KnownLeader,
    scheduler: MemoryScheduler | None = None,
    wait_seconds: float = 10,
    own_url: str = "http://127.0.0.1:1",
) -> Iterator[httpx.Client]:
    relay = Relay(known, ForwardingMark(KEY, time.time), own_url)
    settings = ApiSettings(leader_wait_seconds=wait_seconds)
    app = create_app(
        scheduler or MemoryScheduler(), None, settings, registry=CollectorRegistry(), relay=relay
    )
    with serve(app) as url, http_client(base_url=url, timeout=30) as client:
        yield client


@contextmanager
def frozen_while_another_leads(
    known: KnownLeader, leader: FakeLeader, before: Behaviour | None = None
) -> Iterator[FakeLeader]:
    """Have the leader freeze when it is asked, after it has done `before`, as another comes to lead; give that one."""
    successor = FakeLeader()
    successor.behaviours = [answer(b"[]")]
    thaws = threading.Event()

    def freeze(handler: BaseHTTPRequestHandler) -> None:
        if before is not None:
            before(handler)
        known.appoint(successor.url)
        thaws.wait(30)
        handler.close_connection = True

    leader.behaviours = [freeze]
    try:
        yield successor
    finally:
        thaws.set()
        successor.close()
