"""Secrets are masked for guests, in lists and in messages, and a mask that comes back keeps them (issue 11, C7)."""

import io
import logging
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog

from elasticjob_cloud.api import AuthSettings
from elasticjob_cloud.model.masking import MASK, is_secret_name, mask_configuration, mask_message, mask_text
from elasticjob_cloud.server.logs import configure_logs
from tests.acceptance.conftest import MemoryServer, login
from tests.http_client import http_client
from tests.security.servers import served_with

SECRET = "hunter2-and-more"
APP = {
    "appName": "a",
    "appURL": f"https://me:{SECRET}@host/a.tar.gz?X-Amz-Signature={SECRET}&v=1",
    "bootstrapScript": f"start.sh --password {SECRET} --fast",
}
JOB = {
    "appName": "a",
    "jobName": "j",
    "cron": "0 0 0 * * ?",
    "jobExecutionType": "TRANSIENT",
    "shardingTotalCount": 2,
    "cpuCount": 1,
    "memoryMB": 64,
    "jobParameter": f"user=bob;password={SECRET}",
    "shardingItemParameters": f"0=mysql://me:{SECRET}@db/x,1=b",
    "props": {
        "db.password": SECRET,
        "webhook.url": f"https://host/{SECRET}",
        "http.uri": f"https://host/x?access_token={SECRET}&page=1",
        "script.command.line": f"TOKEN={SECRET} ./run.sh",
        "colour": "blue",
        "empty.secret": "",
    },
}


@pytest.fixture
def server() -> Iterator[MemoryServer]:
    with served_with(AuthSettings()) as running:
        yield running


@pytest.fixture
def admin(server: MemoryServer) -> Iterator[httpx.Client]:
    with http_client(base_url=server.url) as client:
        client.headers["accessToken"] = login(client, "root", "pwd")
        assert client.post("/api/app", json=APP).text == "true"
        assert client.post("/api/job/register", json=JOB).text == "true"
        yield client


@pytest.fixture
def guest(server: MemoryServer) -> Iterator[httpx.Client]:
    with http_client(base_url=server.url) as client:
        client.headers["accessToken"] = login(client, "guest", "guest")
        yield client


def test_guest_sees_no_secret_anywhere(admin: httpx.Client, guest: httpx.Client) -> None:
    for path in ("/api/app/list", "/api/app/a", "/api/job/jobs", "/api/job/jobs/j"):
        answer = guest.get(path)
        assert answer.status_code == 200
        assert SECRET not in answer.text, path
        assert MASK in answer.text
    job = guest.get("/api/job/jobs/j").json()
    assert job["props"]["colour"] == "blue"
    assert job["props"]["empty.secret"] == ""
    assert job["props"]["http.uri"] == f"https://host/x?access_token={MASK}&page=1"
    assert job["jobParameter"] == f"user=bob;password={MASK}"


def test_admin_sees_secrets_of_one_and_no_secrets_in_lists(admin: httpx.Client) -> None:
    for path in ("/api/app/list", "/api/job/jobs"):
        assert SECRET not in admin.get(path).text
    assert admin.get("/api/app/a").json()["appURL"] == APP["appURL"]
    job = admin.get("/api/job/jobs/j").json()
    assert {name: job[name] for name in JOB} == JOB


def sent_back(listed: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**listed, **changes}.items() if name != "disabled"}


def test_masks_that_come_back_keep_what_is_stored(admin: httpx.Client) -> None:
    (app,) = admin.get("/api/app/list").json()
    (job,) = admin.get("/api/job/jobs").json()
    assert admin.put("/api/app", json=sent_back(app, cpuCount=2)).text == "true"
    props = {**job["props"], "colour": "red", "db.password": "a new one"}
    assert admin.put("/api/job/update", json=sent_back(job, props=props)).text == "true"
    stored = admin.get("/api/job/jobs/j").json()
    assert stored["props"] == {**JOB["props"], "colour": "red", "db.password": "a new one"}  # type: ignore[dict-item]  # JOB is of mixed values
    assert stored["jobParameter"] == JOB["jobParameter"]
    assert stored["shardingItemParameters"] == JOB["shardingItemParameters"]
    app = admin.get("/api/app/a").json()
    assert (app["appURL"], app["bootstrapScript"], app["cpuCount"]) == (
        APP["appURL"],
        APP["bootstrapScript"],
        2,
    )


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"props": {"other.password": MASK}}, "props"),
        ({"props": {"http.uri": f"https://elsewhere/x?access_token={MASK}"}}, "props"),
        ({"jobParameter": f"user=eve;password={MASK}"}, "jobParameter"),
    ],
)
def test_mask_that_stands_for_nothing_is_refused(
    admin: httpx.Client, changes: dict[str, Any], field: str
) -> None:
    answer = admin.put("/api/job/update", json={**JOB, **changes})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert "write the whole value" in answer.json()["message"]
    assert admin.get("/api/job/jobs/j").json()["props"] == JOB["props"]


def test_masks_copied_from_a_list_are_refused_for_a_new_job_and_app(admin: httpx.Client) -> None:
    (app,) = admin.get("/api/app/list").json()
    (job,) = admin.get("/api/job/jobs").json()
    assert admin.post("/api/app", json=sent_back(app, appName="b")).status_code == 400
    assert admin.post("/api/job/register", json=sent_back(job, jobName="k")).status_code == 400


def test_stars_that_stand_for_nothing_secret_are_a_value(admin: httpx.Client) -> None:
    job = {**JOB, "jobName": "stars", "jobParameter": "*** look here ***", "props": {"title": "***"}}
    assert admin.post("/api/job/register", json=job).text == "true"
    assert admin.put("/api/job/update", json={**job, "jobParameter": "a *** b"}).text == "true"
    assert admin.get("/api/job/jobs/stars").json()["jobParameter"] == "a *** b"


@pytest.mark.parametrize(
    "name",
    [
        *("password", "db.password", "DB_PASSWORD", "dbPasswd", "userPwd", "passphrase", "mysql.pass"),
        *(
            "secret",
            "clientSecret",
            "dingtalk.secret",
            "token",
            "X-Auth-Token",
            "access%5Ftoken",
            "ACCESS_TOKEN",
        ),
        *(
            "api.key",
            "apiKey",
            "apikey",
            "AWS_SECRET_ACCESS_KEY",
            "private-key",
            "key",
            "Ocp-Apim-Subscription-Key",
        ),
        *("credential", "gcp.credentials", "wechat.webhook", "webhook.url", "webhook.header.X-A"),
        *("sign", "sig", "Signature", "X-Amz-Signature", "http.header.Authorization", "cookie", "auth"),
        *("密码", "数据库密码", "令牌"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("design", "signal", "keyboard", "monkey", "author", "compass", "colour", "http.uri", "http.data"),
        *(
            "script.command.line",
            "script.pass.context",
            "streaming.process",
            "webhook.read.timeout",
            "token.ttl.seconds",
        ),
    ],
)
def test_names_of_no_secrets(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        f"https://me:{SECRET}@host/x",
        f"https://{SECRET}@host/x",
        f"ftp://me:a@{SECRET}@host/x",
        f"https://me:a/{SECRET}@host/x",
        f"//me:{SECRET}@host/x",
        f"redis://:{SECRET}@host",
        f"jdbc:mysql://db/x?user=a&password={SECRET}",
        f"https://host/x?sig={SECRET}#part",
        f"https://host/x?a=1&X-Amz-Credential={SECRET}%2F2026",
        f"https://host/x?access%5Ftoken={SECRET}",
        f"https://host/x?code={SECRET}",
        f"https://hooks.slack.com/services/T0/B0/{SECRET}",
        f"https://open.feishu.cn/open-apis/bot/v2/hook/{SECRET}",
        f"password: {SECRET}",
        f"PASSWORD='{SECRET} and more' ./run",
        f'{{"user": "a", "apiKey": "{SECRET}"}}',
        f'{{\\"apiKey\\": \\"{SECRET}\\"}}',
        f"--db-password {SECRET} -v",
        f"--token={SECRET}",
        f"password=a,b;{SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"curl -H 'X: Basic {SECRET}'",
        f"密码={SECRET}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"use ghp_abcdefgh{SECRET}",
    ],
)
def test_secrets_in_texts(text: str) -> None:
    masked = mask_text(text)
    assert SECRET not in masked
    assert MASK in masked
    assert mask_text(masked) == masked
    assert SECRET not in mask_message(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0=Beijing,1=Shanghai",
        "https://host:8080/a/b.tar.gz?version=1&page=2",
        "the token is lost",
        "2026-01-01T00:00:00+08:00",
        "a=b c=d",
        "./run.sh --token $TOKEN --password=${PASSWORD}",
        "someone@example.com",
        "550e8400-e29b-41d4-a716-446655440000",
        "作业参数",
    ],
)
def test_texts_without_secrets_stay(text: str) -> None:
    assert mask_text(text) == text


def test_message_still_says_what_failed() -> None:
    for text in (
        "KeyError: 'x'",
        "Exit code 1; the last line: no such key: colour",
        "HTTP 500 at https://host/x",
    ):
        assert mask_message(text) == text


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "http://",
        "eyJ-",
        "a.b-",
        "a@",
        "token=",
        "-",
        '"',
        "a ",
        "password:",
        "hooks/",
        "://",
        "a= ",
        "Aa1",
        "x=,",
    ],
)
def test_no_text_takes_long(part: str) -> None:
    text = (part * 65_536)[:65_536]
    start = time.process_time()
    mask_configuration({"jobParameter": text})
    mask_message(text)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_log_holds_no_secret_of_a_url_or_a_command(log_format: str) -> None:
    log = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logs("info", log_format, log)
        logging.getLogger("any").warning("cannot get %s", f"https://me:{SECRET}@host/x?sig={SECRET}")
        structlog.get_logger("any").warning("it failed", command=f"run --password {SECRET}")
    finally:
        root.handlers[:], root.level = handlers, level
        structlog.reset_defaults()
    assert "https://***@host/x?sig=***" in log.getvalue()
    assert SECRET not in log.getvalue()
