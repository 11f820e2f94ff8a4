"""Pages of other sites and foreign names, over real HTTP, against servers that ask for no password of their own."""

import pytest

from tests.acceptance.conftest import MemoryServer
from tests.http_client import http_client, http_post

APP = {"appName": "my_app", "appURL": "http://app_host:8080/my-job.tar.gz", "bootstrapScript": "bin/start.sh"}


def test_open_server_takes_commands_without_a_token(open_server: MemoryServer) -> None:
    with http_client(base_url=open_server.url) as client:
        assert client.post("/api/app", json=APP).text == "true"
        assert client.get("/api/app/list").json()[0]["appName"] == "my_app"
        answer = client.post("/api/login", json={"username": "anybody", "password": "anything"})
        assert (answer.status_code, answer.json()) == (200, {"accessToken": ""})


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.org"},
        {"Host": "localhost.evil.org:8899"},
        {"Origin": "http://evil.org"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_open_server_takes_nothing_from_pages_of_other_sites(
    open_server: MemoryServer, headers: dict[str, str]
) -> None:
    with http_client(base_url=open_server.url, headers=headers) as client:
        for method, path in (
            ("POST", "/api/app"),
            ("GET", "/api/app/list"),
            ("GET", "/api/docs"),
            ("GET", "/metrics"),
        ):
            answer = client.request(method, path, json=APP if method == "POST" else None)
            assert answer.status_code == 403, (method, path)
            assert "password" in answer.json()["message"]
        assert client.get("/healthz").status_code == 200
    assert open_server.scheduler.submitted == []


def test_open_servers_own_page_works(open_server: MemoryServer) -> None:
    headers = {"Origin": open_server.url, "Sec-Fetch-Site": "same-origin"}
    with http_client(base_url=open_server.url, headers=headers) as client:
        assert client.post("/api/app", json=APP).text == "true"


def test_page_cannot_log_in_with_a_default_password_under_a_name_of_its_own(server: str) -> None:
    login = {"username": "root", "password": "pwd"}
    rebound = {"Host": "evil.org:8899", "Origin": "http://evil.org:8899"}
    answer = http_post(f"{server}/api/login", json=login, headers=rebound)
    assert answer.status_code == 403
    alias = http_post(f"{server}/api/login", json=login, headers={"Host": "scheduler:8899"})
    assert alias.status_code == 403
    assert "password" in alias.json()["message"]
