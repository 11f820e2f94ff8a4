"""Who may call what: over all routes, as the OpenAPI document lists them (api.md, "Authentication")."""

from typing import Any

import httpx
import pytest

from elasticjob_cloud.api.requests.raw.paths import DOCUMENTS
from tests.http_client import http_client, http_get, http_post

PATH_VALUES = {"{appName}": "my_app", "{jobName}": "my_job", "{taskId}": "my_job@-@0@-@READY@-@agent@-@1"}
OPEN = {"/api/login", "/api/logout"}


def all_calls(server: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Every call of the API as (method, path, description)."""
    document = http_get(f"{server}/api/openapi.json").json()
    calls = []
    for path, methods in document["paths"].items():
        for placeholder, value in PATH_VALUES.items():
            path = path.replace(placeholder, value)  # noqa: PLW2901 - filled in step by step
        calls += [(method.upper(), path, call) for method, call in methods.items()]
    assert len(calls) > 30
    return calls


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"accessToken": ""},
        {"accessToken": "x.y.z"},
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": "Basic cm9vdDpwd2Q="},
    ],
)
def test_without_a_good_token_every_call_but_the_login_is_refused(
    server: str, headers: dict[str, str]
) -> None:
    with http_client(base_url=server, headers=headers) as client:
        for method, path, call in all_calls(server):
            if path in OPEN:
                continue
            answer = client.request(method, path)
            assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized."}), (method, path)
            assert "401" in call["responses"]
            assert call["security"]


def test_guest_may_look_and_no_more(server: str, guest: httpx.Client) -> None:
    for method, path, call in all_calls(server):
        if path in OPEN:
            continue
        answer = guest.request(method, path)
        if method == "GET":
            assert answer.status_code in {200, 400, 404}, (method, path, answer.text)
        else:
            assert answer.status_code == 403, (method, path, answer.text)
            assert "guest" in answer.json()["message"]
            assert "403" in call["responses"]


def test_admin_is_never_kept_out(server: str, admin: httpx.Client) -> None:
    for method, path, _ in all_calls(server):
        assert admin.request(method, path).status_code not in {401, 403, 405, 500}, (method, path)


def test_documented_statuses_are_those_that_occur(server: str, admin: httpx.Client) -> None:
    for method, path, call in all_calls(server):
        answer = admin.request(method, path)
        assert str(answer.status_code) in call["responses"], (method, path, answer.text)


def test_what_is_not_there_needs_a_token_too(server: str, admin: httpx.Client) -> None:
    for path in ("/api", "/api/", "/api/nothing", "/api/app/", "/api/login/", "/api//login", "/api/docs/x"):
        assert http_get(f"{server}{path}").status_code == 401, path
        answer = admin.get(path)
        assert answer.status_code == 404, path
        assert set(answer.json()) == {"message"}


def test_token_works_in_both_headers(server: str, admin: httpx.Client) -> None:
    token = admin.headers["accessToken"]
    for headers in ({"accessToken": token}, {"Authorization": f"Bearer {token}"}):
        answer = http_get(f"{server}/api/app/list", headers=headers)
        assert (answer.status_code, answer.json()) == (200, [])


def test_wrong_login_is_refused_without_saying_what_was_wrong(server: str) -> None:
    for username, password in (("root", "wrong"), ("nobody", "pwd"), ("guest", "pwd"), ("root", "")):
        answer = http_post(f"{server}/api/login", json={"username": username, "password": password})
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized."})
        assert answer.headers["www-authenticate"] == "Bearer"


def test_sixth_wrong_login_in_a_minute_is_too_many_but_the_right_password_gets_in(server: str) -> None:
    with http_client(base_url=server) as client:
        wrong = {"username": "root", "password": "wrong"}
        assert [client.post("/api/login", json=wrong).status_code for _ in range(7)] == [401] * 5 + [429] * 2
        answer = client.post("/api/login", json=wrong)
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert "try again" in answer.json()["message"]
        for right in ({"username": "guest", "password": "guest"}, {"username": "root", "password": "pwd"}):
            assert client.post("/api/login", json=right).status_code == 200


def test_probes_and_the_apis_description_need_no_token(server: str) -> None:
    for path in ("/healthz", "/metrics", *DOCUMENTS):
        assert http_get(f"{server}{path}").status_code in {200, 308}, path
