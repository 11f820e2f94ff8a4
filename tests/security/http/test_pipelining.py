"""One connection has one request at work, however many it sends, and answers come in their order."""

import threading
import time

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.security.http.echo_server import echo_server
from tests.security.http.raw_client import RawClient, connected, statuses
from tests.waiting import wait_for

_GET = b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"
_CHUNKED = b"POST /wait HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
_SENT_BYTES = 64 * 1024 * 1024
# What the sockets of both sides keep, and one piece that is held.
_TAKEN_BYTES = 24 * 1024 * 1024
_AT_ONCE = 32
_STUCK_SECONDS = 1.0


@pytest.mark.parametrize("request_bytes", [_GET, _CHUNKED])
def test_server_stops_reading_from_one_that_does_not_wait_for_answers(request_bytes: bytes) -> None:
    block = request_bytes * (65536 // len(request_bytes))
    with echo_server() as echo, connected(echo.url) as client:
        client.socket.settimeout(_STUCK_SECONDS)
        sent = 0
        try:
            for _ in range(_SENT_BYTES // len(block)):
                client.socket.sendall(block)
                sent += len(block)
        except TimeoutError:
            pass
        assert sent < _TAKEN_BYTES
        (connection,) = echo.door.connections
        assert isinstance(connection, HttpToolsProtocol)
        assert echo.asked == 1
        assert len(connection.pipeline) <= _AT_ONCE


def test_server_stops_reading_from_one_that_does_not_read_its_answers() -> None:
    request = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
    with echo_server() as echo, connected(echo.url, receive_bytes=4096) as client:
        client.send(request * 10_000)
        wait_for(lambda: echo.asked > 0, "it has asked")
        # Nothing tells that no third one comes; were it to come, it would come at once.
        time.sleep(0.2)
        assert 1 <= echo.asked <= 2


@pytest.mark.parametrize("piece_bytes", [1, 50, 1_000_000])
def test_pipelined_requests_are_all_answered_in_order(piece_bytes: int) -> None:
    heads = (
        b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 700\r\n\r\n" + b"\r\n\r\nGET " * 87 + b"abcd",
        b"POST /%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    )
    stream = b"".join(heads[number % 3] % number for number in range(60))
    with echo_server() as echo, connected(echo.url) as client:
        pieces = [stream[start : start + piece_bytes] for start in range(0, len(stream), piece_bytes)]
        sender = threading.Thread(target=client.send_while_taken, args=(pieces,))
        sender.start()
        answers = client.read_answers(60)
        sender.join()
    assert statuses(answers) == [200] * 60
    places = [answers.index(b'"path": "/%d", "size": %d,' % (n, (0, 700, 2)[n % 3])) for n in range(60)]
    assert places == sorted(places)


def test_whoever_leaves_with_requests_waiting_leaves_nothing_behind() -> None:
    with echo_server() as echo:
        for _ in range(20):
            client = RawClient(echo.url)
            client.send(_GET * 1000)
            client.close()
        echo.go.set()
        with connected(echo.url) as client:
            client.send(_GET)
            assert statuses(client.read_answers(1)) == [200]
        wait_for(lambda: echo.connected == 0, "all are gone")
        assert echo.asked <= 21 * _AT_ONCE


def test_connection_may_ask_again_after_an_answer() -> None:
    with echo_server() as echo, connected(echo.url) as client:
        for number in range(1, 4):
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert len(statuses(client.read_answers(number))) == number
