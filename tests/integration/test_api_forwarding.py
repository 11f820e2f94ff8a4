"""A standby's API in front of leaders that fail in every way, over real sockets."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from prometheus_client import CollectorRegistry

from elasticjob_cloud.api import ApiSettings, create_app
from elasticjob_cloud.api.forwarding_mark import ForwardingMark
from elasticjob_cloud.api.relay import Relay
from elasticjob_cloud.model.errors import NotLeadingError
from elasticjob_cloud.service.port import SchedulerView
from tests.acceptance.api_scheduler import MemoryScheduler
from tests.acceptance.api_server import serve
from tests.http_client import http_client
from tests.postgres_server import free_port

_LOOKS_IN_VAIN = 3
_KEY = b"a key of thirty-two bytes or more"
_APP = {"appName": "app", "appURL": "http://localhost/a.sh", "bootstrapScript": "b"}
Behaviour = Callable[[BaseHTTPRequestHandler], None]


class KnownLeader:
    """A `Leadership` that a test sets."""

    def __init__(self) -> None:
        self.leads = False
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


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


@pytest.fixture
def leader() -> Iterator[FakeLeader]:
    fake = FakeLeader()
    yield fake
    fake.close()


@contextmanager
def standby(
    known: KnownLeader,
    scheduler: MemoryScheduler | None = None,
    wait_seconds: float = 10,
    own_url: str = "http://127.0.0.1:1",
) -> Iterator[httpx.Client]:
    relay = Relay(known, ForwardingMark(_KEY, time.time), own_url)
    settings = ApiSettings(leader_wait_seconds=wait_seconds)
    app = create_app(
        scheduler or MemoryScheduler(), None, settings, registry=CollectorRegistry(), relay=relay
    )
    with serve(app) as url, http_client(base_url=url, timeout=30) as client:
        yield client


def test_call_reaches_the_leader_as_it_was_sent(leader: FakeLeader) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    leader.behaviours = [
        answer(b'{"a": 1}', 418, {"X-Own": "yes", "Keep-Alive": "timeout=9", "Content-Type": "a/b"})
    ]
    with standby(known) as client:
        given = client.post(
            "/api/job/%E4%BB%BB%2Fx?a=%20b&a=c",
            content=b"\x00body",
            headers={
                "Connection": "close, x-secret",
                "X-Secret": "1",
                "X-Forwarded-For": "1.1.1.1",
                "X-Kept": "k",
            },
        )

    assert (given.status_code, given.content) == (418, b'{"a": 1}')
    assert given.headers["x-own"] == "yes"
    assert given.headers["content-type"] == "a/b"
    assert "timeout=9" not in given.headers.get("keep-alive", "")
    ((method, path, pairs, body),) = leader.requests
    headers = {name.lower(): value for name, value in pairs}
    assert (method, path, body) == ("POST", "/api/job/%E4%BB%BB%2Fx?a=%20b&a=c", b"\x00body")
    assert headers["host"] == client.base_url.netloc.decode()
    assert headers["x-forwarded-for"] == "1.1.1.1, 127.0.0.1"
    assert headers["x-kept"] == "k"
    assert "x-secret" not in headers
    raw = [(name.lower().encode(), value.encode()) for name, value in pairs]
    assert ForwardingMark(_KEY, time.time).client_of(raw) == "127.0.0.1"


def test_command_whose_connection_breaks_is_not_sent_again_and_its_outcome_is_told_as_unknown(
    leader: FakeLeader,
) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    leader.behaviours = [hang_up]
    with standby(known) as client:
        given = client.post("/api/app", json=_APP)

    assert given.status_code == 502
    assert "look whether it was carried out" in given.json()["message"]
    assert "retry-after" not in given.headers
    assert len(leader.requests) == 1


def test_query_whose_connection_breaks_is_sent_again(leader: FakeLeader) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    leader.behaviours = [hang_up, hang_up, answer(b"[]")]
    with standby(known) as client:
        given = client.get("/api/app/list")

    assert (given.status_code, given.content) == (200, b"[]")
    assert len(leader.requests) == 3


def test_command_is_sent_to_the_next_leader_where_the_first_says_that_it_leads_no_more(
    leader: FakeLeader,
) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    refusal = answer(b"{}", 503, {"X-ElasticJob-Not-Leading": "1", "Retry-After": "1"})
    leader.behaviours = [refusal, answer()]
    with standby(known) as client:
        assert client.post("/api/app", json=_APP).json() is True

    assert len(leader.requests) == 2


def test_refusal_of_the_leader_itself_is_passed_back(leader: FakeLeader) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    leader.behaviours = [answer(b'{"message": "queue full"}', 503, {"Retry-After": "7"})]
    with standby(known) as client:
        given = client.post("/api/job/trigger", content=b"job")

    assert (given.status_code, given.headers["retry-after"]) == (503, "7")
    assert len(leader.requests) == 1


def test_call_waits_for_a_leader_that_comes(leader: FakeLeader) -> None:
    known = KnownLeader()
    known.appoint(f"http://127.0.0.1:{free_port('127.0.0.1')}")  # killed: nobody listens there any more
    leader.behaviours = [answer()]
    with standby(known) as client:
        known.change_later(lambda: known.appoint(leader.url))
        assert client.post("/api/app", json=_APP).json() is True


def test_call_that_finds_no_leader_is_told_to_come_again() -> None:
    with standby(KnownLeader(), wait_seconds=0.5) as client:
        started = time.monotonic()
        given = client.post("/api/app", json=_APP)

    assert 0.4 < time.monotonic() - started < 5
    assert (given.status_code, given.headers["retry-after"]) == (503, "1")
    assert "No scheduler leads" in given.json()["message"]


def test_only_scheduler_lets_nobody_wait_while_it_stops() -> None:
    known = KnownLeader()
    known.is_expected = False
    with standby(known, wait_seconds=3600) as client:
        assert client.get("/api/app/list").status_code == 503


@pytest.mark.parametrize("method, status", [("GET", 200), ("POST", 502)])
def test_frozen_leader_is_left_when_another_leads(leader: FakeLeader, method: str, status: int) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    successor = FakeLeader()
    successor.behaviours = [answer(b"[]")]
    thaws = threading.Event()

    def freeze(handler: BaseHTTPRequestHandler) -> None:
        known.appoint(successor.url)
        thaws.wait(30)
        handler.close_connection = True

    leader.behaviours = [freeze]
    with standby(known) as client:
        given = client.request(method, "/api/app/list")
        thaws.set()

    assert given.status_code == status
    assert len(successor.requests) == (1 if method == "GET" else 0)
    successor.close()


def test_call_that_is_under_way_when_the_lead_is_lost_is_passed_on_whole(leader: FakeLeader) -> None:
    known = KnownLeader()
    known.leads = True
    scheduler = MemoryScheduler()
    scheduler.failure = NotLeadingError("deposed")
    leader.behaviours = [answer()]
    with standby(known, scheduler) as client:

        def depose() -> None:
            known.leads = False
            known.appoint(leader.url)

        known.change_later(depose)
        assert client.post("/api/app", json=_APP).json() is True

    ((_, _, _, body),) = leader.requests
    assert b'"appName"' in body


def test_leader_answers_itself_what_was_passed_on_to_it_and_a_standby_refuses_it() -> None:
    known = KnownLeader()
    known.leads = True
    headers = {"X-ElasticJob-Forwarded": "unsigned"}
    with standby(known) as client:
        assert client.post("/api/app", json=_APP, headers=headers).json() is True
        known.leads = False
        refused = client.get("/api/app/list", headers=headers)

    assert refused.status_code == 503
    assert refused.headers["x-elasticjob-not-leading"] == "1"


def test_body_over_the_limit_is_refused_where_it_arrives(leader: FakeLeader) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    with standby(known) as client:
        given = client.post("/api/app", content=iter([b"x" * 600_000] * 2))

    assert given.status_code == 413
    assert leader.requests == []


def test_standby_answers_probes_its_page_and_who_leads_without_a_leader() -> None:
    with standby(KnownLeader(), wait_seconds=3600) as client:
        for path in ("/healthz", "/metrics", "/api/docs", "/api/openapi.json", "/api/operate/schedulers"):
            assert client.get(path).status_code == 200


def test_long_answer_is_streamed(leader: FakeLeader) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    first_part_arrived = threading.Event()

    def answer_in_parts(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "200000")
        handler.end_headers()
        handler.wfile.write(b"a" * 100_000)
        assert first_part_arrived.wait(20), "the answer was held back until it was whole"
        handler.wfile.write(b"b" * 100_000)

    leader.behaviours = [answer_in_parts]
    with standby(known) as client, client.stream("GET", "/api/app/list") as given:
        size = 0
        for chunk in given.iter_raw():
            size += len(chunk)
            first_part_arrived.set()

    assert size == 200_000
