"""No request is taken in without a limit, whatever part of it is long and however it is cut up (docs/security.md)."""

import itertools
from collections.abc import Iterator

import pytest

from tests.http_client import http_get
from tests.security.http.echo_server import EchoServer, echo_server
from tests.security.http.raw_client import connected, statuses

_SENT_BYTES = 48 * 1024 * 1024
# The limits, what lingers, and what the sockets of both sides keep.
_TAKEN_BYTES = 32 * 1024 * 1024
_CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
_GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def shared_echo() -> Iterator[EchoServer]:
    with echo_server() as echo:
        yield echo


@pytest.fixture
def echo(shared_echo: EchoServer) -> EchoServer:
    """The server, with nothing asked yet."""
    shared_echo.asked = 0
    return shared_echo


_ATTACKS = {
    "request line": (b"GET /", b"a", 414),
    "query": (b"GET /?", b"a", 414),
    "spaces of a request line": (b"GET ", b" ", 431),
    "header's value": (_GET + b"X: ", b"v", 431),
    "header's name": (_GET, b"n", 431),
    "headers": (_GET, b"X-Name: value\r\n", 431),
    "tiny headers": (_GET, b"a:\r\n", 431),
    "empty lines": (b"", b"\r\n", 431),
    "chunk's extension": (_CHUNKED + b"1;", b"e", 431),
    "chunk's size": (_CHUNKED, b"0", 431),
    "extensions of many chunks": (_CHUNKED, b"1;" + b"e" * 200 + b"\r\nx\r\n", 431),
    "trailer": (_CHUNKED + b"0\r\nX: ", b"v", 431),
    "trailers": (_CHUNKED + b"0\r\n", b"X-Name: value\r\n", 431),
}


@pytest.mark.parametrize("attack", _ATTACKS)
@pytest.mark.parametrize("piece_bytes", [64, 256 * 1024])
def test_endless_part_is_refused_and_closed(echo: EchoServer, attack: str, piece_bytes: int) -> None:
    beginning, repeated, status = _ATTACKS[attack]
    piece = repeated * max(1, piece_bytes // len(repeated))
    pieces = itertools.chain((beginning,), itertools.repeat(piece, _SENT_BYTES // len(piece)))
    with connected(echo.url) as client:
        assert client.send_while_taken(pieces) < _TAKEN_BYTES
        assert statuses(client.read_to_end()) == [status]
    assert http_get(echo.url).status_code == 200


@pytest.mark.parametrize("attack", _ATTACKS)
def test_endless_part_byte_by_byte_is_refused(echo: EchoServer, attack: str) -> None:
    beginning, repeated, status = _ATTACKS[attack]
    pieces = (bytes((byte,)) for byte in itertools.islice(itertools.cycle(repeated), 100 * 1024))
    with connected(echo.url) as client:
        client.send_while_taken(itertools.chain((beginning,), pieces))
        client.send_while_taken([repeated * (1024 * 1024 // len(repeated))])
        assert statuses(client.read_to_end()) == [status]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        _GET + b"X: " + b"v" * 66_000 + b"\r\n\r\n",
        _GET + b"".join(b"X%d: v\r\n" % n for n in range(5000)) + b"\r\n",
        _GET + b"".join(b"%d:\r\n" % n for n in range(300)) + b"\r\n",
    ],
)
def test_whole_request_over_a_limit_never_reaches_the_app(echo: EchoServer, request_bytes: bytes) -> None:
    with connected(echo.url) as client:
        client.send(request_bytes)
        assert statuses(client.read_to_end())[0] in {414, 431}
    assert echo.asked == 0


@pytest.mark.parametrize("piece_bytes", [1, 7, 100_000])
@pytest.mark.parametrize(
    "request_bytes, answer",
    [
        (b"GET /" + b"a" * 8100 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b'"size": 0'),
        (_GET + b"X: " + b"v" * 65_000 + b"\r\n\r\n", b'"headers": 2'),
        (_GET + b"".join(b"X%d: v\r\n" % n for n in range(200)) + b"\r\n", b'"headers": 201'),
        (_CHUNKED + b"1;a=b\r\nx\r\n" * 3000 + b"0\r\nX: v\r\nAccessToken: t\r\n\r\n", b'"headers": 2'),
        (_CHUNKED + b"1\r\nx\r\n" * 30_000 + b"0\r\n\r\n", b'"size": 30000'),
        (b"\r\n\r\n" + _GET + b"\r\n", b'"size": 0'),
    ],
)
def test_request_within_the_limits_is_answered(
    echo: EchoServer, request_bytes: bytes, answer: bytes, piece_bytes: int
) -> None:
    with connected(echo.url) as client:
        for _ in range(2):  # the limits are of each request, not of the connection
            for start in range(0, len(request_bytes), piece_bytes):
                client.send(request_bytes[start : start + piece_bytes])
        assert client.read_answers(2).count(answer) == 2


def test_bad_request_after_a_good_one_does_not_take_its_answer(echo: EchoServer) -> None:
    with connected(echo.url) as client:
        client.send(_GET + b"\r\n" + b"nonsense\r\n\r\n")
        assert statuses(client.read_to_end()) == [200, 400]


def test_body_that_nobody_wants_is_not_taken_for_ever(echo: EchoServer) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    beginning = _CHUNKED.replace(b"POST /", b"POST /deaf")
    with connected(echo.url) as client:
        taken = client.send_while_taken(
            itertools.chain((beginning,), itertools.repeat(chunk, _SENT_BYTES // len(chunk)))
        )
    assert taken < _TAKEN_BYTES


def test_upgrade_that_we_do_not_speak_is_answered_as_usual(echo: EchoServer) -> None:
    upgrade = _GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n"
    with connected(echo.url) as client:
        client.send(upgrade + _GET + b"\r\n")
        assert statuses(client.read_answers(2)) == [200, 200]
