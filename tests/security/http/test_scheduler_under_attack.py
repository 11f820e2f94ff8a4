"""A real scheduler process while strangers do what they can."""

import contextlib
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.acceptance.standalone import Standalone
from tests.http_client import http_get, http_post
from tests.security.http.raw_client import RawClient, connected, statuses

_MEBIBYTE = 1024 * 1024
# Python itself moves by tens of MiB; without a bound these attacks took 1,800 MiB and more.
_GROWTH_BYTES = 160 * _MEBIBYTE
_IDLE = 1500


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """A scheduler that gets few descriptors at first, as from most shells and service managers."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * _IDLE:
        pytest.skip("this machine does not let a test have so many connections")
    folder: Path = tmp_path_factory.mktemp("attacked")
    started = Standalone(folder / "data", auth=True, is_forked=False)
    with _descriptors(1024):
        started.start()
    try:
        yield started
    finally:
        started.__exit__()


@contextlib.contextmanager
def _descriptors(limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _resident_bytes(scheduler: Standalone) -> int:
    assert scheduler.process is not None
    return int(psutil.Process(scheduler.process.pid).memory_info().rss)


def _is_served(scheduler: Standalone) -> None:
    assert http_get(f"{scheduler.url}/readyz", timeout=30).status_code == 200
    body = {"username": "root", "password": "pwd"}
    assert http_post(f"{scheduler.url}/api/login", json=body, timeout=30).status_code == 200


@pytest.mark.slow
def test_idle_connections_shut_nobody_out(scheduler: Standalone) -> None:
    with _descriptors(2 * _IDLE), contextlib.ExitStack() as closing:
        for number in range(_IDLE):
            client = closing.enter_context(connected(scheduler.url))
            if number % 3 == 1:
                client.send(b"POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            elif number % 3 == 2:
                client.send(b"GET /readyz HT")
            if number % 100 == 0:
                _is_served(scheduler)
        _is_served(scheduler)
        assert scheduler.process is not None
        # With what the scheduler has open itself, far under the limit that it has raised.
        assert len(psutil.Process(scheduler.process.pid).net_connections("tcp")) < 700


@pytest.mark.slow
def test_requests_whose_answers_nobody_reads_take_no_memory(scheduler: Standalone) -> None:
    before = _resident_bytes(scheduler)
    request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    block = request * (256 * 1024 // len(request))

    def attack() -> None:
        with connected(scheduler.url, receive_bytes=4096) as client:
            client.socket.settimeout(3)
            with contextlib.suppress(TimeoutError, ConnectionError):
                for _ in range(200):  # 50 MiB
                    client.socket.sendall(block)

    attackers = [threading.Thread(target=attack) for _ in range(4)]
    for attacker in attackers:
        attacker.start()
    while any(attacker.is_alive() for attacker in attackers):
        _is_served(scheduler)
        assert _resident_bytes(scheduler) - before < _GROWTH_BYTES
    for attacker in attackers:
        attacker.join()


@pytest.mark.slow
def test_endless_headers_take_no_memory_and_keep_nobody_waiting(scheduler: Standalone) -> None:
    before = _resident_bytes(scheduler)
    answers: list[list[int]] = []

    def attack(beginning: bytes) -> None:
        with connected(scheduler.url) as client:
            client.send_while_taken([beginning, *[b"x" * (256 * 1024)] * 400])  # 100 MiB
            answers.append(statuses(client.read_to_end()))

    attackers = [
        threading.Thread(target=attack, args=(beginning,))
        for beginning in (b"GET /", b"GET /?", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\nX")
    ]
    for attacker in attackers:
        attacker.start()
    while any(attacker.is_alive() for attacker in attackers):
        _is_served(scheduler)
        assert _resident_bytes(scheduler) - before < _GROWTH_BYTES
    for attacker in attackers:
        attacker.join()
    assert sorted(status for answer in answers for status in answer) == [414, 414, 431, 431]
    assert "incident" not in scheduler.log.read_text()
    assert "Traceback" not in scheduler.log.read_text()


@pytest.mark.slow
def test_connections_that_come_and_go_with_requests_waiting_leave_no_memory(scheduler: Standalone) -> None:
    request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 500
    grown = []
    for _ in range(3):
        before = _resident_bytes(scheduler)
        for _ in range(300):
            client = RawClient(scheduler.url)
            client.send(request)
            client.close()
        _is_served(scheduler)
        grown.append(_resident_bytes(scheduler) - before)
    assert min(grown) < 32 * _MEBIBYTE
