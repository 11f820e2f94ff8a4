"""Default and weak passwords, and a server without log-in, are for the user who started it alone (issue 11, C4)."""

from collections.abc import Iterator

import argon2
import jwt
import pytest

from elasticjob_cloud.api import AuthSettings, Role, User
from elasticjob_cloud.api.access.users import is_weak_password
from tests.acceptance.conftest import MemoryServer
from tests.http_client import http_client, http_post
from tests.processes import free_port
from tests.security.servers import KEY, served_with
from tests.security.strangers import OTHER_UID, call_as, log_in_as, needs_root

APP = {"appName": "a", "appURL": "http://host/a.tar.gz", "bootstrapScript": "b"}
STRONG = "correct horse battery"
ROOT = {"username": "root", "password": "pwd"}
PROXIED = [
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-For": ""},
    {"X-Forwarded-Host": "localhost"},
    {"X-Forwarded-Proto": "https"},
    {"x-forwarded-whatever": "1"},
    {"Forwarded": "for=127.0.0.1"},
    {"Via": "1.1 proxy"},
    {"X-Real-IP": "127.0.0.1"},
    {"Host": "scheduler.example.com"},
    {"Host": "localhost.evil.org"},
    {"Host": "127.0.0.1.evil.org"},
    {"Host": "localhost@evil.org"},
    {"Host": ""},
]


@pytest.fixture
def default_server() -> Iterator[MemoryServer]:
    """A server with the manual's users and passwords."""
    with served_with(AuthSettings()) as server:
        yield server


@pytest.fixture
def unlocked_server() -> Iterator[MemoryServer]:
    """A server without log-in."""
    with served_with(None) as server:
        yield server


@pytest.fixture
def strong_server() -> Iterator[MemoryServer]:
    """A server whose admin has a strong password, and whose guest has a weak one."""
    users = (User("root", STRONG, Role.ADMIN), User("Visitors", "visitors", Role.GUEST))
    with served_with(AuthSettings(users)) as server:
        yield server


def own_token(server: MemoryServer) -> str:
    answer = http_post(f"{server.url}/api/login", json=ROOT)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["accessToken"])


@needs_root
def test_default_password_is_for_the_schedulers_own_user_only(default_server: MemoryServer) -> None:
    assert log_in_as(0, default_server.url)[0] == 200

    status, answer = log_in_as(OTHER_UID, default_server.url)

    assert status == 403
    assert "Set a password of at least 8 characters" in answer["message"]
    assert "ELASTICJOB_ADMIN_PASSWORD" in answer["message"]


@needs_root
def test_wrong_password_is_no_more_than_wrong_for_another_user(default_server: MemoryServer) -> None:
    body = {"username": "root", "password": "wrong"}
    assert call_as(OTHER_UID, default_server.url, "POST", "/api/login", body)[0] == 401


@needs_root
def test_token_of_a_default_password_is_no_use_to_another_user(default_server: MemoryServer) -> None:
    headers = {"accessToken": own_token(default_server)}
    assert call_as(0, default_server.url, "GET", "/api/app/list", headers=headers)[0] == 200
    for method, path, body in (("GET", "/api/app/list", None), ("POST", "/api/app", APP)):
        assert call_as(OTHER_UID, default_server.url, method, path, body, headers)[0] == 403
    assert default_server.scheduler.submitted == []


@needs_root
def test_server_without_log_in_serves_its_own_user_only(unlocked_server: MemoryServer) -> None:
    url = unlocked_server.url
    assert call_as(0, url, "GET", "/api/app/list")[0] == 200
    status, answer = call_as(OTHER_UID, url, "POST", "/api/app", APP)
    assert status == 403
    assert "Set a password" in answer["message"]
    assert log_in_as(OTHER_UID, url)[0] in {200, 403}  # the token is empty, and opens nothing
    assert call_as(OTHER_UID, url, "GET", "/api/app/list")[0] == 403
    assert call_as(OTHER_UID, url, "GET", "/healthz")[0] == 200
    assert unlocked_server.scheduler.submitted == []


@needs_root
def test_caller_who_hangs_up_at_once_does_not_pass_for_root(unlocked_server: MemoryServer) -> None:
    # Linux shows a socket that no process holds any more as root's.
    for _ in range(10):
        call_as(OTHER_UID, unlocked_server.url, "POST", "/api/app", APP, ways=("hasty",))
    with http_client(base_url=unlocked_server.url) as client:
        assert client.get("/api/app/list").json() == []
    assert unlocked_server.scheduler.submitted == []


@needs_root
def test_connection_that_takes_over_a_port_is_looked_at_again(unlocked_server: MemoryServer) -> None:
    port = free_port()
    closing = {"Connection": "close"}  # the server closes first, so that the port is free at once
    url = unlocked_server.url
    assert call_as(0, url, "GET", "/api/app/list", headers=closing, local_port=port)[0] == 200
    assert call_as(OTHER_UID, url, "GET", "/api/app/list", headers=closing, local_port=port)[0] == 403
    assert call_as(0, url, "GET", "/api/app/list", headers=closing, local_port=port)[0] == 200


@needs_root
@pytest.mark.parametrize("uid, expected", [(0, 200), (OTHER_UID, 403)])
def test_ipv6_socket_to_an_ipv4_address_is_recognised_too(
    unlocked_server: MemoryServer, uid: int, expected: int
) -> None:
    assert call_as(uid, unlocked_server.url, "GET", "/api/app/list", ways=("mapped",))[0] == expected


@pytest.mark.parametrize("headers", PROXIED)
def test_default_password_is_no_good_through_a_proxy_or_under_a_public_name(
    default_server: MemoryServer, headers: dict[str, str]
) -> None:
    token = own_token(default_server)
    with http_client(base_url=default_server.url, headers=headers) as client:
        assert client.post("/api/login", json=ROOT).status_code == 403
        assert client.get("/api/app/list", headers={"accessToken": token}).status_code == 403
        assert client.post("/api/app", json=APP, headers={"accessToken": token}).status_code == 403
    assert default_server.scheduler.submitted == []


@pytest.mark.parametrize("headers", PROXIED)
def test_server_without_log_in_takes_nothing_through_a_proxy(
    unlocked_server: MemoryServer, headers: dict[str, str]
) -> None:
    with http_client(base_url=unlocked_server.url, headers=headers) as client:
        assert client.post("/api/app", json=APP).status_code == 403
        assert client.get("/api/app/list").status_code == 403
    assert unlocked_server.scheduler.submitted == []


def test_proxied_call_on_a_connection_that_was_good_before_is_refused(unlocked_server: MemoryServer) -> None:
    # A proxy keeps its connections, and sends calls of many callers through one.
    with http_client(base_url=unlocked_server.url) as client:
        assert client.get("/api/app/list").status_code == 200
        assert client.get("/api/app/list", headers={"Via": "1.1 proxy"}).status_code == 403
        assert client.get("/api/app/list").status_code == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8899", "127.0.0.1", "127.9.9.9:1", "[::1]:8899"])
def test_every_name_of_loopback_is_good(unlocked_server: MemoryServer, host: str) -> None:
    with http_client(base_url=unlocked_server.url, headers={"Host": host}) as client:
        assert client.get("/api/app/list").status_code == 200


@needs_root
def test_strong_password_is_good_for_everybody_and_a_weak_one_beside_it_is_not(
    strong_server: MemoryServer,
) -> None:
    url = strong_server.url
    strong = {"username": "root", "password": STRONG}
    status, answer = call_as(OTHER_UID, url, "POST", "/api/login", strong, {"X-Forwarded-For": "10.1.1.1"})
    assert status == 200
    headers = {"accessToken": answer["accessToken"], "Host": "public.example.com"}
    assert call_as(OTHER_UID, url, "POST", "/api/app", APP, headers)[0] == 200
    weak = {"username": "Visitors", "password": "visitors"}
    assert call_as(OTHER_UID, url, "POST", "/api/login", weak)[0] == 403
    assert call_as(0, url, "POST", "/api/login", weak)[0] == 200


@pytest.mark.parametrize(
    "username, password, is_weak",
    [
        ("root", "pwd", True),
        ("guest", "guest", True),
        ("root", "1234567", True),
        ("root", "12345678", False),
        ("administrator", "administrator", True),
        ("Administrator", "aDMINISTRATOR", True),
        ("root", "密码密码密码密", True),
        ("root", "密码密码密码密码", False),
    ],
)
def test_weak_is_a_default_the_users_name_or_short(username: str, password: str, is_weak: bool) -> None:
    assert is_weak_password(username, password) is is_weak


@needs_root
@pytest.mark.parametrize("password", ["pwd", "short"])
def test_hash_does_not_make_a_weak_password_strong(password: str) -> None:
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    users = AuthSettings((User("root", cheap.hash(password), Role.ADMIN),))
    body = {"username": "root", "password": password}
    with served_with(users) as server:
        assert call_as(OTHER_UID, server.url, "POST", "/api/login", body)[0] == 403
        status, answer = call_as(0, server.url, "POST", "/api/login", body)
        assert status == 200
        headers = {"accessToken": answer["accessToken"]}
        assert call_as(OTHER_UID, server.url, "GET", "/api/app/list", headers=headers)[0] == 403


@needs_root
def test_token_of_an_older_scheduler_does_not_open_more(default_server: MemoryServer) -> None:
    claims = jwt.decode(own_token(default_server), KEY, ["HS256"], options={"verify_exp": False})
    del claims["local"]
    headers = {"accessToken": jwt.encode(claims, KEY, "HS256")}
    assert call_as(0, default_server.url, "GET", "/api/app/list", headers=headers)[0] == 200
    assert call_as(OTHER_UID, default_server.url, "GET", "/api/app/list", headers=headers)[0] == 403
