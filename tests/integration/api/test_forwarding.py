"""A standby's API in front of leaders that fail in every way, over real sockets."""

import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from elasticjob_cloud.api.access.forwarding_mark import ForwardingMark
from elasticjob_cloud.model.errors import NotLeadingError
from tests.acceptance.api_scheduler import TASK_ID, MemoryScheduler
from tests.integration.api.forwarding_leaders import (
    APP,
    KEY,
    FakeLeader,
    Follower,
    KnownLeader,
    answer,
    frozen_while_another_leads,
    hang_up,
    standby,
)
from tests.processes import free_port

_LONG_BYTES = 2 << 20  # a shorter answer is passed back when it is whole


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
    assert ForwardingMark(KEY, time.time).client_of(raw) == "127.0.0.1"


def test_command_whose_connection_breaks_is_not_sent_again_and_its_outcome_is_told_as_unknown(
    leader: FakeLeader,
) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    leader.behaviours = [hang_up]
    with standby(known) as client:
        given = client.post("/api/app", json=APP)

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
        assert client.post("/api/app", json=APP).json() is True

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
    known.appoint(f"http://127.0.0.1:{free_port()}")  # killed: nobody listens there any more
    leader.behaviours = [answer()]
    with standby(known) as client:
        known.change_later(lambda: known.appoint(leader.url))
        assert client.post("/api/app", json=APP).json() is True


def test_call_that_finds_no_leader_is_told_to_come_again() -> None:
    with standby(KnownLeader(), wait_seconds=0.5) as client:
        started = time.monotonic()
        given = client.post("/api/app", json=APP)

    assert 0.4 < time.monotonic() - started < 10
    assert (given.status_code, given.headers["retry-after"]) == (503, "1")
    assert "No scheduler leads" in given.json()["message"]


def test_only_scheduler_lets_nobody_wait_while_it_stops() -> None:
    known = KnownLeader()
    known.is_expected = False
    with standby(known, Follower(), wait_seconds=3600) as client:
        assert client.get("/api/app/list").status_code == 503


@pytest.mark.parametrize(
    "path", ["/api/job/events/executions", "/api/job/events/statusTraces", f"/api/job/tasks/{TASK_ID}/log"]
)
def test_what_was_and_what_was_printed_can_be_read_while_nobody_leads(path: str) -> None:
    """A database that somebody else had locked for longer than the lease had ended all reads."""
    scheduler = Follower()
    scheduler.outputs[TASK_ID, "stdout"] = b"hello\n"
    with standby(KnownLeader(), scheduler, wait_seconds=3600) as client:
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("method, status", [("GET", 200), ("POST", 502)])
def test_frozen_leader_is_left_when_another_leads(leader: FakeLeader, method: str, status: int) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    with standby(known) as client, frozen_while_another_leads(known, leader) as successor:
        given = client.request(method, "/api/app/list")

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
        assert client.post("/api/app", json=APP).json() is True

    ((_, _, _, body),) = leader.requests
    assert b'"appName"' in body


def test_leader_answers_itself_what_was_passed_on_to_it_and_a_standby_refuses_it() -> None:
    known = KnownLeader()
    known.leads = True
    headers = {"X-ElasticJob-Forwarded": "unsigned"}
    with standby(known) as client:
        assert client.post("/api/app", json=APP, headers=headers).json() is True
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
        handler.send_header("Content-Length", str(2 * _LONG_BYTES))
        handler.end_headers()
        handler.wfile.write(b"a" * _LONG_BYTES)
        assert first_part_arrived.wait(20), "the answer was held back until it was whole"
        handler.wfile.write(b"b" * _LONG_BYTES)

    leader.behaviours = [answer_in_parts]
    with standby(known) as client, client.stream("GET", "/api/app/list") as given:
        arrived = bytearray()
        for chunk in given.iter_raw():
            arrived += chunk
            first_part_arrived.set()

    assert arrived == b"a" * _LONG_BYTES + b"b" * _LONG_BYTES


@pytest.mark.parametrize("headers, is_vouched", [({}, True), ({"Via": "1.1 proxy"}, False)])
def test_leader_is_told_whether_the_schedulers_own_user_calls(
    leader: FakeLeader, headers: dict[str, str], is_vouched: bool
) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    leader.behaviours = [answer(b"[]")]
    claims = {"X-ElasticJob-Own-User": f"{int(time.time())}.{'0' * 64}"}
    with standby(known) as client:
        assert client.get("/api/app/list", headers={**headers, **claims}).status_code == 200

    ((_, _, pairs, _),) = leader.requests
    raw = [(name.lower().encode(), value.encode()) for name, value in pairs]
    assert ForwardingMark(KEY, time.time).vouches(raw) is is_vouched
