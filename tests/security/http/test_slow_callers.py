"""Whoever is slow, silent or many keeps nobody else out (docs/security.md)."""

import contextlib
import time

import pytest

from elasticjob_cloud.server.http.limits import HttpLimits
from tests.http_client import http_client, http_get
from tests.security.http.echo_server import LARGE_BYTES, echo_server
from tests.security.http.raw_client import RawClient, connected, statuses
from tests.waiting import wait_for

_SHORT = HttpLimits(header_seconds=2.0, stall_seconds=2.0, body_seconds=5.0)
_GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
_BODY = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
_PATIENCE_SECONDS = 30.0


def _drip(client: RawClient, data: bytes) -> bytes:
    """Send one byte at a time, slower than any limit allows, until the server closes; give its answer."""
    client.socket.settimeout(0.05)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    received = b""
    for byte in data:
        assert time.monotonic() < deadline, "the server waits for ever"
        with contextlib.suppress(TimeoutError):
            try:
                client.send(bytes((byte,)))
                part = client.socket.recv(65536)
            except ConnectionError:
                return received
            if not part:
                return received
            received += part
    raise AssertionError("the server took it all")


def test_connection_that_says_nothing_is_closed() -> None:
    with echo_server(_SHORT) as echo, connected(echo.url) as client:
        assert client.read_to_end() == b""


def test_headers_that_drip_are_refused() -> None:
    with echo_server(_SHORT) as echo, connected(echo.url) as client:
        assert statuses(_drip(client, b"GET / HTTP/1.1\r\nX: " + b"v" * 10_000)) == [408]


def test_headers_of_a_later_request_that_drip_are_refused() -> None:
    with echo_server(_SHORT) as echo, connected(echo.url) as client:
        client.send(_GET % b"")
        client.read_answers(1)
        assert statuses(_drip(client, b"\r\n" * 5000)) == [408]


def test_body_that_stops_is_refused() -> None:
    with echo_server(_SHORT) as echo, connected(echo.url) as client:
        client.send(_BODY + b"x" * 50)
        assert statuses(client.read_to_end()) == [408]


def test_body_that_drips_is_refused_in_the_end() -> None:
    with echo_server(_SHORT) as echo, connected(echo.url) as client:
        client.send(_BODY)
        assert statuses(_drip(client, b"x" * 90_000)) == [408]


def test_body_whose_request_is_answered_already_may_not_stop_for_ever() -> None:
    with echo_server(_SHORT) as echo, connected(echo.url) as client:
        client.send(_BODY.replace(b"/body", b"/deaf") + b"x")
        assert statuses(client.read_to_end())[0] == 200


@pytest.mark.parametrize("path", [b"large", b"pieces"])
def test_answer_that_nobody_reads_is_dropped(path: bytes) -> None:
    with echo_server(_SHORT) as echo, connected(echo.url, receive_bytes=4096) as client:
        client.send(_GET % path)
        wait_for(lambda: echo.asked == 1, "it has asked")
        wait_for(lambda: echo.connected == 0, "the server gives up")
        assert len(client.read_to_end()) < LARGE_BYTES


def test_answer_that_takes_long_to_make_is_waited_for() -> None:
    limits = HttpLimits(header_seconds=2.0, stall_seconds=0.2, body_seconds=0.2)
    with echo_server(limits) as echo, connected(echo.url) as client:
        client.send(_GET % b"wait")
        time.sleep(2.5)  # longer than all limits of the caller's time
        echo.go.set()
        assert statuses(client.read_answers(1)) == [200]


def test_request_that_comes_in_pieces_in_time_is_answered() -> None:
    with echo_server(HttpLimits()) as echo, connected(echo.url) as client:
        for part in (b"POST /a HT", b"TP/1.1\r\nContent-Len", b"gth: 3\r\n\r\na", b"b", b"c"):
            client.send(part)
        assert b'"size": 3' in client.read_answers(1)


def test_idle_connections_make_room() -> None:
    limits = HttpLimits(address_connections=8)
    with echo_server(limits) as echo, contextlib.ExitStack() as closing:
        client = closing.enter_context(http_client(base_url=echo.url))
        for _ in range(5):
            for _ in range(20):
                closing.enter_context(connected(echo.url))
            assert client.get("/").status_code == 200
            assert http_get(echo.url).status_code == 200


def test_half_sent_requests_make_room() -> None:
    limits = HttpLimits(address_connections=8)
    with echo_server(limits) as echo, contextlib.ExitStack() as closing:
        for number in range(40):
            client = closing.enter_context(connected(echo.url))
            client.send(_BODY if number % 2 else b"GET / HT")
        assert http_get(echo.url).status_code == 200


def test_cap_in_all_holds_where_the_cap_of_an_address_does_not() -> None:
    with echo_server(HttpLimits(connections=8)) as echo, contextlib.ExitStack() as closing:
        for _ in range(40):
            closing.enter_context(connected(echo.url))
        assert http_get(echo.url).status_code == 200


def test_connections_at_work_are_not_closed_for_new_ones() -> None:
    limits = HttpLimits(address_connections=8)
    with echo_server(limits) as echo, contextlib.ExitStack() as closing:
        working = [closing.enter_context(connected(echo.url)) for _ in range(8)]
        for client in working:
            client.send(_GET % b"wait")
        wait_for(lambda: echo.asked == len(working), "all are at work")
        with connected(echo.url) as late:
            assert statuses(late.read_to_end()) == [503]
        echo.go.set()
        for client in working:
            assert statuses(client.read_answers(1)) == [200]
