"""A browser's session: what pages of other sites, ports and schemes can make a browser do with it (docs/security.md)."""

import time
from collections.abc import Iterator
from http.cookies import SimpleCookie

import httpx
import pytest
from prometheus_client import CollectorRegistry

from elasticjob_cloud.api import Authenticator, AuthSettings, Role, User, create_app
from elasticjob_cloud.api.access.forwarding_mark import ForwardingMark
from elasticjob_cloud.api.leader.relay import Relay
from tests.acceptance.api_scheduler import MemoryScheduler
from tests.acceptance.api_server import serve
from tests.acceptance.conftest import MemoryServer
from tests.http_client import http_client
from tests.integration.api.forwarding_leaders import KnownLeader
from tests.security.servers import KEY, served_with
from tests.security.strangers import OTHER_UID, call_as, needs_root

PASSWORD = "correct horse battery"
SETTINGS = AuthSettings((User("root", PASSWORD, Role.ADMIN), User("viewer", f"{PASSWORD} 2", Role.GUEST)))
CONSOLE = {"X-Elasticjob-Console": "1"}
APP = {"appName": "a", "appURL": "http://host/a.tar.gz", "bootstrapScript": "b"}
# What browsers say of requests that a page elsewhere has made: another site, another port or subdomain.
ELSEWHERE = ("cross-site", "same-site")


@pytest.fixture(scope="module")
def served() -> Iterator[MemoryServer]:
    with served_with(SETTINGS) as server:
        yield server


@pytest.fixture
def server(served: MemoryServer) -> MemoryServer:
    return served.begin_anew()


def log_in(
    url: str, username: str = "root", password: str = PASSWORD, **headers: str
) -> tuple[httpx.Response, SimpleCookie]:
    body = {"username": username, "password": password, "session": True}
    with http_client(base_url=url) as client:
        answer = client.post("/api/login", json=body, headers={**CONSOLE, **headers})
    return answer, SimpleCookie(answer.headers.get("set-cookie", ""))


def session_of(url: str, username: str = "root", password: str = PASSWORD) -> dict[str, str]:
    """Log in, and give the header that a browser sends from then on."""
    answer, cookie = log_in(url, username, password)
    assert answer.status_code == 200, answer.text
    return {"Cookie": f"other=1; elasticjob_session={cookie['elasticjob_session'].value}; more=2"}


def call(url: str, method: str, path: str, headers: dict[str, str], body: object = None) -> httpx.Response:
    with http_client(base_url=url) as client:
        return client.request(method, path, headers=headers, json=body)


def test_session_is_a_token_that_no_script_reads_and_no_other_site_sends(server: MemoryServer) -> None:
    answer, cookies = log_in(server.url)
    cookie = cookies["elasticjob_session"]
    assert cookie.value == answer.json()["accessToken"]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Strict", "")
    # No path: a browser takes the call's own folder, and so the prefix of a proxy. No domain: no other host has it.
    assert (cookie["path"], cookie["domain"], cookie["max-age"], cookie["expires"]) == ("", "", "", "")


def test_login_without_session_sets_no_cookie(server: MemoryServer) -> None:
    for body in ({}, {"session": False}, {"session": None}):
        login = {"username": "root", "password": PASSWORD, **body}
        answer = call(server.url, "POST", "/api/login", CONSOLE, login)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers, is_secure",
    [
        ({"X-Forwarded-Proto": "https"}, True),
        ({"X-Forwarded-Proto": "https, http"}, True),
        ({"Forwarded": 'for=203.0.113.1;proto="https", for=10.0.0.1;proto=http'}, True),
        ({"X-Forwarded-Proto": "http"}, False),
        ({"X-Forwarded-Proto": "http, https"}, False),
        ({"Forwarded": "for=203.0.113.1;proto=http"}, False),
        ({"Forwarded": "proto=httpsx"}, False),
    ],
)
def test_session_of_an_encrypted_page_is_never_sent_in_clear(
    server: MemoryServer, headers: dict[str, str], is_secure: bool
) -> None:
    answer, cookies = log_in(server.url, **headers)
    assert answer.status_code == 200
    assert bool(cookies["elasticjob_session"]["secure"]) is is_secure


def test_session_does_what_a_token_does(server: MemoryServer) -> None:
    session = session_of(server.url)
    assert call(server.url, "GET", "/api/app/list", session).json() == []
    for site in ("same-origin", "none"):
        assert call(server.url, "GET", "/api/app/list", session | {"Sec-Fetch-Site": site}).status_code == 200
    published = call(
        server.url, "POST", "/api/app", session | CONSOLE | {"Sec-Fetch-Site": "same-origin"}, APP
    )
    assert published.text == "true"
    me = call(server.url, "GET", "/api/me", session).json()
    assert (me["username"], me["role"], me["login"]) == ("root", "admin", True)
    viewer = session_of(server.url, "viewer", f"{PASSWORD} 2")
    assert call(server.url, "GET", "/api/me", viewer).json()["role"] == "guest"
    refused = call(server.url, "POST", "/api/app", viewer | CONSOLE, APP)
    assert (refused.status_code, "guest" in refused.json()["message"]) == (403, True)


@pytest.mark.parametrize("header", [{}, {"X-Elasticjob-Console": ""}, {"X-Elasticjob-Console": "0"}])
def test_page_elsewhere_changes_nothing_with_a_session(server: MemoryServer, header: dict[str, str]) -> None:
    session = session_of(server.url)
    for method, path in (
        ("POST", "/api/app"),
        ("PUT", "/api/app"),
        ("DELETE", "/api/app"),
        ("PATCH", "/api"),
    ):
        answer = call(server.url, method, path, session | header, APP)
        assert answer.status_code == 403, method
        assert "X-Elasticjob-Console: 1" in answer.json()["message"]
    assert call(server.url, "GET", "/api/app/list", session).json() == []


@pytest.mark.parametrize("site", [*ELSEWHERE, "Cross-Site", "", "something new"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_page_elsewhere_is_refused_by_what_its_browser_says(
    server: MemoryServer, site: str, method: str
) -> None:
    session = session_of(server.url) | CONSOLE | {"Sec-Fetch-Site": site}
    answer = call(server.url, method, "/api/app/list" if method != "POST" else "/api/app", session, APP)
    assert answer.status_code == 403
    if method != "HEAD":
        assert "another site" in answer.json()["message"]


def test_browser_gives_no_page_elsewhere_leave_to_send_the_header(server: MemoryServer) -> None:
    """What a browser asks before it sends a header that forms cannot have: a preflight."""
    asked = {
        "Origin": "http://127.0.0.1:1",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-elasticjob-console",
    }
    for path in ("/api/app", "/api/login", "/api/logout", "/api/me", "/"):
        answer = call(server.url, "OPTIONS", path, asked)
        assert answer.status_code in {401, 404, 405}
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_token_in_a_header_comes_before_the_session(server: MemoryServer) -> None:
    session = session_of(server.url)
    viewer, _ = log_in(server.url, "viewer", f"{PASSWORD} 2")
    token = viewer.json()["accessToken"]
    for header in ({"accessToken": token}, {"Authorization": f"Bearer {token}"}):
        me = call(server.url, "GET", "/api/me", session | header)
        assert me.json()["username"] == "viewer"
    # A wrong one is not mended by a good session, nor is the session's rule by a header that is no token.
    for header in ({"accessToken": ""}, {"accessToken": "x.y.z"}, {"Authorization": "Bearer x.y.z"}):
        assert call(server.url, "GET", "/api/me", session | header).status_code == 401
    for basic in ("Basic cm9vdDpwd2Q=", ""):
        assert (
            call(server.url, "POST", "/api/app", session | {"Authorization": basic}, APP).status_code == 403
        )


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Type": "text/plain"}, *(CONSOLE | {"Sec-Fetch-Site": site} for site in ELSEWHERE)],
)
def test_page_elsewhere_logs_nobody_in(server: MemoryServer, headers: dict[str, str]) -> None:
    body = {"username": "root", "password": PASSWORD, "session": True}
    answer = call(server.url, "POST", "/api/login", headers, body)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_page_elsewhere_logs_nobody_out(server: MemoryServer) -> None:
    session = session_of(server.url)
    for headers in ({}, *(CONSOLE | {"Sec-Fetch-Site": site} for site in ELSEWHERE)):
        answer = call(server.url, "POST", "/api/logout", session | headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    # A form of another site brings no cookie, and must not take it away either.
    without = call(server.url, "POST", "/api/logout", {"Sec-Fetch-Site": "cross-site"})
    assert (without.text, "set-cookie" in without.headers) == ("true", False)


def test_logout_removes_the_cookie(server: MemoryServer) -> None:
    session = session_of(server.url)
    answer = call(server.url, "POST", "/api/logout", session | CONSOLE)
    assert (answer.status_code, answer.text) == (200, "true")
    cookie = SimpleCookie(answer.headers["set-cookie"])["elasticjob_session"]
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", "")
    expired = call(server.url, "POST", "/api/logout", {"Cookie": "elasticjob_session=x.y.z"} | CONSOLE)
    assert "Max-Age=0" in expired.headers["set-cookie"]


@pytest.mark.parametrize(
    "cookie",
    [
        *(
            "elasticjob_session=",
            "elasticjob_session",
            "elasticjob_session=x.y.z",
            "elasticjob_session2=1",
            "",
        ),
        *("xelasticjob_session=1", "elasticjob_session=\xff", ";;;", "=", 'elasticjob_session="'),
    ],
)
def test_bad_session_is_none(server: MemoryServer, cookie: str) -> None:
    with http_client(base_url=server.url) as client:
        answer = client.get("/api/app/list", headers=[(b"Cookie", cookie.encode("latin-1"))])
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized."})


def test_server_without_login_has_no_sessions() -> None:
    with served_with(None) as server:
        answer, cookies = log_in(server.url)
        assert (answer.json(), cookies) == ({"accessToken": ""}, {})
        me = call(server.url, "GET", "/api/me", {}).json()
        assert (me["username"], me["role"], me["login"]) == ("", "admin", False)


@needs_root
def test_session_by_a_weak_password_is_the_own_users_alone() -> None:
    with served_with(AuthSettings()) as server:
        session = session_of(server.url, password="pwd")
        assert call_as(0, server.url, "GET", "/api/app/list", headers=session)[0] == 200
        status, answer = call_as(OTHER_UID, server.url, "GET", "/api/app/list", headers=session)
        assert (status, "default or weak" in answer["message"]) == (403, True)
        body = {"username": "root", "password": "pwd", "session": True}
        assert call_as(OTHER_UID, server.url, "POST", "/api/login", body, CONSOLE)[0] == 403


def test_session_holds_at_a_standby_too(server: MemoryServer) -> None:
    leader = KnownLeader()
    leader.appoint(server.url)
    relay = Relay(leader, ForwardingMark(KEY, time.time), "http://127.0.0.1:1")
    standby = create_app(
        MemoryScheduler(), Authenticator(SETTINGS, KEY), registry=CollectorRegistry(), relay=relay
    )
    with serve(standby) as url:
        answer, cookies = log_in(url, **{"X-Forwarded-Proto": "https"})
        assert answer.status_code == 200
        assert cookies["elasticjob_session"]["secure"]
        session = session_of(url)
        assert call(url, "POST", "/api/app", session | CONSOLE, APP).text == "true"
        assert call(url, "POST", "/api/app", session, APP).status_code == 403
        for each in (url, server.url):
            assert [app["appName"] for app in call(each, "GET", "/api/app/list", session).json()] == ["a"]
            assert call(each, "GET", "/api/me", session).json()["username"] == "root"
