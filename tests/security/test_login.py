"""What strangers can do to logins: fill memory, guess, and lock others out (docs/security.md)."""

import json
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from elasticjob_cloud.api import Authenticator, AuthSettings, create_app
from elasticjob_cloud.api.access.proxies import TrustedProxies
from elasticjob_cloud.api.requests.raw.body import body_limit
from tests.acceptance.api_scheduler import MemoryScheduler
from tests.acceptance.api_server import serve
from tests.http_client import http_post
from tests.security.http.raw_client import connected, statuses

_SECRET = b"a key of thirty-two bytes or more"


def _served(*trusted: str) -> Iterator[str]:
    app = create_app(
        MemoryScheduler(),
        Authenticator(AuthSettings(), _SECRET),
        registry=CollectorRegistry(),
        proxies=TrustedProxies(trusted),
    )
    with serve(app) as url:
        yield url


@pytest.fixture
def alone() -> Iterator[str]:
    """A server whose callers come without a proxy."""
    yield from _served()


@pytest.fixture
def behind() -> Iterator[str]:
    """A server behind a proxy on this machine."""
    yield from _served("127.0.0.0/8")


def _log_in(url: str, password: str, username: str = "root", **headers: str) -> int:
    body = {"username": username, "password": password}
    return http_post(f"{url}/api/login", json=body, headers=headers).status_code


def test_nobody_locks_out_who_knows_the_password(alone: str) -> None:
    for number in range(40):
        assert _log_in(alone, "wrong", "root" if number % 2 else f"user {number}") in {401, 429}
    assert _log_in(alone, "wrong") == 429
    assert _log_in(alone, "pwd") == 200


def test_failures_behind_a_proxy_count_for_their_caller(behind: str) -> None:
    attacker = {"X-Forwarded-For": "203.0.113.5"}
    assert [_log_in(behind, "wrong", **attacker) for _ in range(6)] == [401] * 5 + [429]
    assert _log_in(behind, "wrong", **{"X-Forwarded-For": "203.0.113.6"}) == 401
    assert _log_in(behind, "wrong", **{"X-Forwarded-For": "1.1.1.1, 203.0.113.5"}) == 429
    assert _log_in(behind, "wrong", Forwarded="for=203.0.113.5;proto=https") == 429
    assert _log_in(behind, "wrong", Forwarded="for=203.0.113.7") == 401


def test_address_that_no_trusted_proxy_tells_is_not_believed(alone: str) -> None:
    told = [
        _log_in(alone, "wrong", **{"X-Forwarded-For": f"10.0.0.{n}", "Forwarded": f"for=10.0.1.{n}"})
        for n in range(6)
    ]
    assert told == [401] * 5 + [429]


@pytest.mark.parametrize("path", [b"/api/login", b"/api/login/"])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_body_of_a_login_is_small(alone: str, path: bytes, is_chunked: bool) -> None:
    body = json.dumps({"username": "root", "password": "pwd", "filler": "x" * 8192}).encode()
    framing = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % len(body)
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if is_chunked else body
    with connected(alone) as client:
        client.send(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n" + sent)
        assert statuses(client.read_answers(1))[0] in ({413} if path.endswith(b"login") else {413, 401, 404})


def test_body_of_a_login_that_a_standby_passes_on_is_small() -> None:
    assert body_limit("/api/login", 1024 * 1024) == 8 * 1024
    assert body_limit("/api/login", 1024) == 1024
    assert body_limit("/api/app", 1024 * 1024) == 1024 * 1024
