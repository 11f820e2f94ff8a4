"""Each field of each call with what it must not be: the right status, the field named, and nothing changed."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.api.valid_bodies import APP, JOB, assert_blames

NEW_APP = {**APP, "appName": "new_app"}
NEW_JOB = {**JOB, "jobName": "new_job"}

# method, path, a body that would be accepted, its required fields
CALLS: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("POST", "/api/app", NEW_APP, {"appName", "appURL", "bootstrapScript"}),
    ("PUT", "/api/app", APP, {"appName"}),
    ("POST", "/api/job/register", NEW_JOB, set(JOB) - {"cron"}),
    ("PUT", "/api/job/update", JOB, set(JOB) - {"cron"}),
    ("POST", "/api/login", {"username": "root", "password": "pwd"}, {"username", "password"}),
]

JUNK = "x" * (1024 * 1024 - 4096)
NOT_TEXT: list[Any] = [5, 1.5, True, [], {}, ["a"]]
NOT_NUMBER: list[Any] = ["5 ", "+5", "0x5", "05", "five", "1e", "NaN", "", True, [], {}, -1, 1e300]
NOT_INTEGER: list[Any] = [*NOT_NUMBER, 1.5, 5.0, "5.0", "1e1", "9" * 5000]
NOT_BOOLEAN: list[Any] = ["True", "yes", "1", "", 1, 0, [], {}]
NAME: list[Any] = [*NOT_TEXT, "", "a b", "a/b", "a@-@b", "x" * 101, "\u0000", "\ud800", "\u2028", JUNK]
TEXT: list[Any] = [*NOT_TEXT, "a\u0000b", "\udfff", JUNK]

BAD_VALUES: dict[str, list[Any]] = {
    "appName": NAME,
    "jobName": NAME,
    "appURL": [*TEXT, "", "host/a", "gopher://host/a", "file:///etc/passwd", "http://", "http://host/a b"],
    "bootstrapScript": [*TEXT, "", "  "],
    "cpuCount": [*NOT_NUMBER, 0],
    "memoryMB": [*NOT_NUMBER, 0.5],
    "appCacheEnable": NOT_BOOLEAN,
    "eventTraceSamplingCount": [*NOT_INTEGER, 2**31],
    "jobExecutionType": [*NOT_TEXT, "", "transient", "CRON", JUNK],
    "cron": [*TEXT, "* * * * *", "nonsense", "0 0 0 30 2 ?", "0 0 0 1 1 ? 2001"],
    "timeZone": [*TEXT, "Mars", "../../etc/passwd"],
    "shardingTotalCount": [*NOT_INTEGER, 0, 10_001],
    "shardingItemParameters": [
        *TEXT,
        "0",
        "a=b",
        "5=x",
        "0=a,0=b",
        "-1=x",
        "0=a\uff0c1=b",
        "0=a;1=b",
        "0=a\n1=b",
    ],
    "jobParameter": TEXT,
    "failover": NOT_BOOLEAN,
    "misfire": NOT_BOOLEAN,
    "disabled": NOT_BOOLEAN,
    "scriptCommandLine": [*TEXT, "  "],
    "streamingProcess": NOT_BOOLEAN,
    "jobExecutorServiceHandlerType": [5, True, "", "GPU", [], {}],
    "jobErrorHandlerType": [5, True, "", "SHOUT", [], {}],
    "timeoutSeconds": [*NOT_INTEGER, 2**31],
    "description": TEXT,
    "props": ["", 5, True, [], {"a": 1}, {"a": None}, {"a": JUNK}, {"": "a"}, {"script.command.line": " "}],
    "username": TEXT,
    "password": TEXT,
}
APP_FIELDS = set(APP) | {"cpuCount", "memoryMB", "appCacheEnable", "eventTraceSamplingCount", "disabled"}
JOB_FIELDS = set(BAD_VALUES) - APP_FIELDS - {"username", "password"} | {
    *("appName", "cpuCount", "memoryMB", "disabled")
}
LOGIN_FIELDS = {"username", "password"}
LOGIN_BODY_BYTES = 8192


def fields_of(path: str) -> set[str]:
    if path == "/api/login":
        return LOGIN_FIELDS
    return APP_FIELDS if path == "/api/app" else JOB_FIELDS


@pytest.fixture
def client(admin: httpx.Client) -> Iterator[httpx.Client]:
    """A server with one app and one job, which are still the same afterwards."""
    assert admin.post("/api/app", json=APP).text == "true"
    assert admin.post("/api/job/register", json=JOB).text == "true"
    before = state_of(admin)
    yield admin
    assert state_of(admin) == before


def state_of(client: httpx.Client) -> tuple[str, str]:
    return client.get("/api/app/list").text, client.get("/api/job/jobs").text


def send(client: httpx.Client, method: str, path: str, body: Any) -> httpx.Response:
    # httpx cannot send a lone surrogate or NaN; json.dumps can, as escapes and as bare words.
    return client.request(
        method, path, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )


@pytest.mark.parametrize("method, path, body, required", CALLS)
def test_bad_value_is_refused_by_its_fields_name(
    client: httpx.Client, method: str, path: str, body: dict[str, Any], required: set[str]
) -> None:
    for field in sorted(fields_of(path)):
        for value in BAD_VALUES[field]:
            answer = send(client, method, path, {**body, field: value})
            if path == "/api/login" and len(str(value)) > LOGIN_BODY_BYTES:
                assert answer.status_code == 413, answer.text[:500]
            else:
                assert_blames(answer, field)


@pytest.mark.parametrize("method, path, body, required", CALLS)
def test_missing_field_is_named_and_so_is_null(
    client: httpx.Client, method: str, path: str, body: dict[str, Any], required: set[str]
) -> None:
    for field in required:
        rest = {name: value for name, value in body.items() if name != field}
        for payload in (rest, {**rest, field: None}):
            answer = send(client, method, path, payload)
            assert_blames(answer, field)
            assert answer.json()["errors"][0]["message"] == "is required."
    answer = send(client, method, path, {})
    assert {error["field"] for error in answer.json()["errors"]} == required


@pytest.mark.parametrize("method, path, body, required", CALLS)
def test_unknown_field_is_named(
    client: httpx.Client, method: str, path: str, body: dict[str, Any], required: set[str]
) -> None:
    for field in ("nonsense", "作业", "app_name", ""):
        assert_blames(send(client, method, path, {**body, field: 1}), field)


def test_number_that_is_none_or_huge_is_refused(client: httpx.Client) -> None:
    numbers = [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1e999",
        f"1{'0' * 400}",
        f"-1{'0' * 400}",
        "9" * 100_000,
    ]
    fields = ("cpuCount", "memoryMB", "shardingTotalCount", "timeoutSeconds")
    for field, number in itertools.product(fields, numbers):
        text = json.dumps({**NEW_JOB, field: "here"}).replace('"here"', number)
        answer = client.post("/api/job/register", content=text, headers={"Content-Type": "application/json"})
        assert_blames(answer, field)


def test_url_of_a_file_is_refused_unless_allowed(client: httpx.Client) -> None:
    answer = send(client, "POST", "/api/app", {**NEW_APP, "appURL": "file:///opt/app.sh"})
    assert_blames(answer, "appURL")
    assert "allowed_url_prefixes" in answer.json()["message"]


def test_all_faults_of_a_call_are_told_at_once(client: httpx.Client) -> None:
    body = {**NEW_JOB, "cron": "nonsense", "timeZone": "Mars", "cpuCount": "one", "zzz": 1}
    answer = send(client, "POST", "/api/job/register", body)
    assert {error["field"] for error in answer.json()["errors"]} == {"cron", "timeZone", "cpuCount", "zzz"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    call=st.sampled_from(CALLS[:4]),
    fields=st.dictionaries(st.sampled_from(sorted(BAD_VALUES)), _JSON, max_size=4),
)
def test_anything_at_all_is_either_accepted_or_refused_with_the_fields_named(
    admin: httpx.Client, call: tuple[str, str, dict[str, Any], set[str]], fields: dict[str, Any]
) -> None:
    method, path, body, _ = call
    before = state_of(admin)
    answer = send(admin, method, path, {**body, **fields})
    assert answer.status_code in {200, 400, 404, 409}, answer.text
    if answer.status_code == 400:
        named = {error["field"] for error in answer.json()["errors"]}
        assert named <= set(fields)
    if answer.status_code != 200:
        assert state_of(admin) == before


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300)
    | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_junk_for_a_body_is_refused(admin: httpx.Client, body: bytes) -> None:
    for method, path, _, _ in CALLS[:4]:
        answer = admin.request(method, path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["message"]
    for method, path in (("POST", "/api/job/trigger"), ("DELETE", "/api/job/deregister")):
        answer = admin.request(method, path, content=body)
        assert answer.status_code in {400, 404}


def test_defaults_of_the_manual_are_read_back(admin: httpx.Client) -> None:
    assert admin.post("/api/app", json=APP).text == "true"
    assert admin.get("/api/app/my_app").json() == {
        **APP,
        "cpuCount": 1.0,
        "memoryMB": 128.0,
        "appCacheEnable": True,
        "eventTraceSamplingCount": 0,
        "disabled": False,
    }
    assert admin.post("/api/job/register", json=JOB).text == "true"
    assert admin.get("/api/job/jobs/my_job").json() == {
        **JOB,
        "timeZone": "",
        "shardingItemParameters": "",
        "jobParameter": "",
        "failover": False,
        "misfire": False,
        "jobExecutorServiceHandlerType": "CPU",
        "jobErrorHandlerType": "LOG",
        "timeoutSeconds": 0,
        "description": "",
        "props": {},
        "disabled": False,
    }


def test_legacy_fields_are_accepted_and_forgotten(admin: httpx.Client) -> None:
    legacy = {
        "jobClass": "org.example.Job",
        "beanName": None,
        "applicationContext": "",
        "monitorExecution": True,
        "maxTimeDiffSeconds": -1,
        "reconcileIntervalMinutes": 10,
        "jobShardingStrategyType": "AVG_ALLOCATION",
        "overwrite": False,
        "jobType": "SIMPLE",
        "jobProperties": {"job_exception_handler": "org.example.Handler"},
        "editMode": True,
        "streamingProcess2": "",
        "appURL": "http://app_host/old.tar.gz",
        "bootstrapScript": "",
    }
    assert admin.post("/api/app", json=APP).text == "true"
    assert admin.post("/api/job/register", json={**JOB, **legacy}).text == "true"
    assert not set(admin.get("/api/job/jobs/my_job").json()) & set(legacy)


def test_app_keeps_what_an_update_does_not_give(admin: httpx.Client) -> None:
    assert admin.post("/api/app", json={**APP, "cpuCount": 0.5, "memoryMB": 32}).text == "true"
    before = admin.get("/api/app/my_app").json()
    assert admin.put("/api/app", json={"appName": "my_app", "appCacheEnable": False}).text == "true"
    assert admin.get("/api/app/my_app").json() == {**before, "appCacheEnable": False}
    assert admin.put("/api/app", json={"appName": "my_app", "appCacheEnable": None}).text == "true"
    assert admin.get("/api/app/my_app").json() == {**before, "appCacheEnable": False}


def test_comma_at_the_end_of_the_item_parameters_is_taken_off(admin: httpx.Client) -> None:
    assert admin.post("/api/app", json=APP).text == "true"
    written = {**JOB, "shardingItemParameters": "0=Beijing,1=Shanghai,\n"}
    assert admin.post("/api/job/register", json=written).text == "true"
    assert admin.get("/api/job/jobs/my_job").json()["shardingItemParameters"] == "0=Beijing,1=Shanghai"


def test_update_leaves_a_job_disabled_unless_it_says_otherwise(admin: httpx.Client) -> None:
    assert admin.post("/api/app", json=APP).text == "true"
    assert admin.post("/api/job/register", json={**JOB, "disabled": True}).text == "true"
    assert admin.put("/api/job/update", json=JOB).text == "true"
    assert admin.get("/api/job/my_job/disable").json() is True
    assert admin.put("/api/job/update", json={**JOB, "disabled": False}).text == "true"
    assert admin.get("/api/job/my_job/disable").json() is False


def test_names_of_any_script_work_everywhere(admin: httpx.Client) -> None:
    app, job = "应用.1", "तारीख-作业_λ"
    assert admin.post("/api/app", json={**APP, "appName": app}).text == "true"
    assert admin.post("/api/job/register", json={**JOB, "appName": app, "jobName": job}).text == "true"
    assert admin.get(f"/api/app/{app}").json()["appName"] == app
    assert admin.get(f"/api/job/jobs/{job}").json()["jobName"] == job
    assert admin.post("/api/job/trigger", content=job.encode()).text == "true"
    assert admin.post(f"/api/job/{job}/disable").text == "true"
    assert admin.get(f"/api/job/{job}/disable").text == "true"
    assert admin.post(f"/api/job/{job}/enable").text == "true"
    assert admin.post(f"/api/app/{app}/disable").text == "true"
    assert admin.get(f"/api/app/{app}/disable").text == "true"
    assert admin.post(f"/api/app/{app}/enable").text == "true"
    assert admin.delete(f"/api/job/{job}/deregister").text == "true"
    assert admin.delete(f"/api/app/{app}").text == "true"
    assert admin.get("/api/app/list").json() == []


@pytest.mark.parametrize("name", ["nobody", "a%2Fb", "%00", "%ED%A0%80", "a%20b", "@-@", "x" * 500])
def test_names_that_cannot_be_are_unknown(admin: httpx.Client, name: str) -> None:
    for method, path in (
        ("GET", f"/api/app/{name}"),
        ("DELETE", f"/api/app/{name}"),
        ("POST", f"/api/app/{name}/disable"),
        ("GET", f"/api/job/jobs/{name}"),
        ("POST", f"/api/job/{name}/enable"),
        ("DELETE", f"/api/job/{name}/deregister"),
        ("POST", f"/api/job/tasks/{name}/kill"),
        ("GET", f"/api/job/tasks/{name}/log"),
        ("GET", f"/api/operate/sandbox?appName={name}"),
    ):
        answer = admin.request(method, path)
        assert answer.status_code == 404, (method, path)
        assert set(answer.json()) == {"message"}


@pytest.mark.parametrize("path", ["register", "update"])
def test_script_whose_parameters_no_process_can_take_is_refused(admin: httpx.Client, path: str) -> None:
    method = "POST" if path == "register" else "PUT"
    script = {**JOB, "props": {"script.command.line": "./run.sh"}, "jobParameter": "'" * 65_000}
    answer = send(admin, method, f"/api/job/{path}", script)
    assert_blames(answer, "jobParameter")
    assert "is too long for a script" in answer.json()["message"]
