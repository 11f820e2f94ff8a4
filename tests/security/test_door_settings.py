"""The settings of the door do what their page says (docs/configuration.md)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.standalone import Standalone
from tests.http_client import http_get, http_post

# A weak one is good for nobody behind a proxy. The guest keeps the default, so that browsers are watched.
_PASSWORD = "a long password"
_SETTINGS = {
    "ADMIN_PASSWORD": _PASSWORD,
    "BODY_LIMIT_BYTES": "20 KiB",
    "LOGIN_FAILURES": "2",
    "ALLOWED_HOSTS": "jobs.example, other.example",
}


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    folder: Path = tmp_path_factory.mktemp("door")
    options = ("--trusted-proxies", "10.0.0.0/8,127.0.0.1")
    with Standalone(folder / "data", *options, auth=True, settings=_SETTINGS) as started:
        yield started


def _log_in(scheduler: Standalone, password: str, caller: str) -> int:
    body = {"username": "root", "password": password}
    headers = {"X-Forwarded-For": f"9.9.9.9, {caller}, 10.1.1.1"}
    return http_post(f"{scheduler.url}/api/login", json=body, headers=headers).status_code


@pytest.mark.slow
def test_failures_are_counted_for_the_caller_that_the_proxy_tells(scheduler: Standalone) -> None:
    assert [_log_in(scheduler, "wrong", "203.0.113.5") for _ in range(3)] == [401, 401, 429]
    assert _log_in(scheduler, "wrong", "203.0.113.6") == 401
    assert _log_in(scheduler, _PASSWORD, "203.0.113.5") == 200


@pytest.mark.slow
def test_body_over_the_limit_that_was_set_is_refused(scheduler: Standalone) -> None:
    token = http_post(f"{scheduler.url}/api/login", json={"username": "root", "password": _PASSWORD}).json()
    for size, status in ((19_000, 400), (21_000, 413)):
        answer = http_post(
            f"{scheduler.url}/api/app",
            content=b'{"appName": "%s"}' % (b"x" * size),
            headers={"accessToken": token["accessToken"], "Content-Type": "application/json"},
        )
        assert answer.status_code == status, answer.text


@pytest.mark.slow
def test_browsers_reach_it_under_the_names_that_were_set(scheduler: Standalone) -> None:
    for host, status in (("jobs.example", 401), ("other.example:8899", 401), ("evil.example", 403)):
        answer = http_get(f"{scheduler.url}/api/app/list", headers={"Host": host, "Origin": f"http://{host}"})
        assert answer.status_code == status
