"""What ElasticJob's own consoles, scripts and Java tests send, and what they read of the answers."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from elasticjob_cloud.model.queries.history import HistoryQuery
from tests.acceptance.api.valid_bodies import APP, JOB
from tests.acceptance.conftest import MemoryServer
from tests.http_client import http_get, http_post

# The two forms of the cloud console: HTML fields are strings, check boxes are booleans.
APP_FORM = {
    "appName": "my_app",
    "cpuCount": "0.5",
    "memoryMB": "128",
    "bootstrapScript": "bin/start.sh",
    "appCacheEnable": True,
    "appURL": "http://app_host:8080/my-job.tar.gz",
    "eventTraceSamplingCount": "3",
}
JOB_FORM = {
    "jobName": "my_job",
    "appName": "my_app",
    "jobClass": "org.example.MyJob",
    "cron": "0/5 * * * * ?",
    "jobType": "SIMPLE",
    "cpuCount": "0.1",
    "jobExecutionType": "TRANSIENT",
    "memoryMB": "64.0",
    "bootstrapScript": "",
    "beanName": "",
    "shardingTotalCount": "5",
    "jobParameter": "7",
    "failover": True,
    "misfire": False,
    "streamingProcess": False,
    "applicationContext": "",
    "shardingItemParameters": "0=a,1=b",
    "scriptCommandLine": "",
    "description": "",
}
EXECUTIONS = "/api/job/events/executions"


@pytest.fixture
def app(admin: httpx.Client) -> httpx.Client:
    assert admin.post("/api/app", json=APP).text == "true"
    return admin


@pytest.fixture
def job(app: httpx.Client) -> httpx.Client:
    assert app.post("/api/job/register", json=JOB).text == "true"
    return app


def test_forms_of_the_console_are_taken(admin: httpx.Client) -> None:
    assert admin.post("/api/app", json=APP_FORM).text == "true"
    assert admin.put("/api/app", json=APP_FORM).text == "true"
    kept = admin.get("/api/app/my_app").json()
    assert (kept["cpuCount"], kept["memoryMB"], kept["eventTraceSamplingCount"]) == (0.5, 128.0, 3)
    assert admin.post("/api/job/register", json=JOB_FORM).text == "true"
    assert admin.put("/api/job/update", json=JOB_FORM).text == "true"
    kept = admin.get("/api/job/jobs/my_job").json()
    assert (kept["cpuCount"], kept["memoryMB"], kept["shardingTotalCount"]) == (0.1, 64.0, 5)
    assert (kept["jobParameter"], kept["failover"], kept["props"]) == ("7", True, {})


@pytest.mark.parametrize(
    "fields, kept",
    [
        ({"cpuCount": "1e1"}, {"cpuCount": 10.0}),
        ({"timeoutSeconds": "30"}, {"timeoutSeconds": 30}),
        ({"failover": "true", "misfire": "false"}, {"failover": True, "misfire": False}),
        ({"disabled": "true"}, {"disabled": True}),
        ({"jobExecutorServiceHandlerType": "false"}, {"jobExecutorServiceHandlerType": "CPU"}),
        ({"description": "5", "jobParameter": "true"}, {"description": "5", "jobParameter": "true"}),
    ],
)
def test_string_that_is_exactly_a_number_or_a_boolean_is_one(
    job: httpx.Client, fields: dict[str, str], kept: dict[str, Any]
) -> None:
    assert job.put("/api/job/update", json={**JOB, **fields}).text == "true"
    assert kept.items() <= job.get("/api/job/jobs/my_job").json().items()


@pytest.mark.parametrize("disabled", [True, False])
def test_what_get_answers_is_taken_back(job: httpx.Client, disabled: bool) -> None:
    verb = "disable" if disabled else "enable"
    assert job.post(f"/api/app/my_app/{verb}").text == "true"
    assert job.post(f"/api/job/my_job/{verb}").text == "true"
    app_shown, job_shown = job.get("/api/app/my_app").json(), job.get("/api/job/jobs/my_job").json()
    assert app_shown["disabled"] is disabled
    assert job.put("/api/app", json=app_shown).text == "true"
    assert job.put("/api/job/update", json=job_shown).text == "true"
    assert job.get("/api/app/my_app").json() == app_shown
    assert job.get("/api/job/jobs/my_job").json() == job_shown
    assert job.delete("/api/app/my_app").text == "true"
    assert job.post("/api/app", json=app_shown).text == "true"
    assert job.post("/api/job/register", json=job_shown).text == "true"
    assert job.get("/api/app/my_app").json() == app_shown
    assert job.get("/api/job/jobs/my_job").json() == job_shown


def test_update_of_an_app_disables_it_only_when_it_says_so(app: httpx.Client) -> None:
    assert app.put("/api/app", json={"appName": "my_app", "disabled": True}).text == "true"
    assert app.get("/api/app/my_app/disable").json() is True
    assert app.put("/api/app", json=APP_FORM).text == "true"
    assert app.get("/api/app/my_app/disable").json() is True
    assert app.put("/api/app", json={"appName": "my_app", "disabled": "false"}).text == "true"
    assert app.get("/api/app/my_app/disable").json() is False


def test_script_and_dataflow_of_2_x_become_props(app: httpx.Client) -> None:
    script = {**JOB_FORM, "jobType": "SCRIPT", "scriptCommandLine": "./run.sh -a"}
    assert app.post("/api/job/register", json=script).text == "true"
    assert app.get("/api/job/jobs/my_job").json()["props"] == {"script.command.line": "./run.sh -a"}
    stream = {**JOB_FORM, "jobType": "DATAFLOW", "streamingProcess": True, "props": {"a": "b"}}
    assert app.put("/api/job/update", json=stream).text == "true"
    assert app.get("/api/job/jobs/my_job").json()["props"] == {"a": "b", "streaming.process": "true"}
    assert app.get("/api/job/statistics/jobs/type").json() == {
        "scriptJobCount": 0,
        "simpleJobCount": 0,
        "dataflowJobCount": 1,
    }


@pytest.mark.parametrize(
    "field, value, props",
    [
        ("scriptCommandLine", "./other.sh", {"script.command.line": "./run.sh"}),
        ("streamingProcess", False, {"streaming.process": "true"}),
        ("streamingProcess", "true", {"streaming.process": "false"}),
    ],
)
def test_field_of_2_x_that_props_contradict_is_refused(
    app: httpx.Client, field: str, value: object, props: dict[str, str]
) -> None:
    answer = app.post("/api/job/register", json={**JOB, field: value, "props": props})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    same = {"scriptCommandLine": "./run.sh", "streamingProcess": props.get("streaming.process", "false")}
    assert app.post("/api/job/register", json={**JOB, field: same[field], "props": props}).text == "true"


def test_delete_of_disable_enables(job: httpx.Client) -> None:
    for path in ("/api/app/my_app/disable", "/api/job/my_job/disable"):
        assert job.post(path).text == "true"
        assert job.get(path).json() is True
        assert job.delete(path).text == "true"
        assert job.get(path).json() is False
    assert job.delete("/api/app/nobody/disable").status_code == 404
    assert job.delete("/api/job/nobody/disable").status_code == 404


@pytest.mark.parametrize(
    "query, page, per_page",
    [
        ("", 1, 10),
        ("q=&_=1480000000000&nonsense=&jobName=", 1, 10),
        ("_=1&_=2&q=abc", 1, 10),
        ("page=0&per_page=0", 1, 10),
        ("page=0&per_page=50", 1, 50),
        ("page=3&per_page=0", 3, 10),
        ("limit=20&offset=40", 3, 20),
        ("limit=20", 1, 20),
        ("offset=30", 4, 10),
        ("limit=20&per_page=20&page=3&offset=40", 3, 20),
        ("order=asc", 1, 10),
        ("order=desc&sort=", 1, 10),
    ],
)
def test_pages_of_the_consoles_tables_are_the_newest_rows(
    memory_server: MemoryServer, guest: httpx.Client, query: str, page: int, per_page: int
) -> None:
    for table in ("executions", "statusTraces"):
        assert guest.get(f"/api/job/events/{table}?{query}").status_code == 200
    assert memory_server.scheduler.queries == [HistoryQuery(page=page, per_page=per_page)] * 2


@pytest.mark.parametrize("given, meant", [("1", "true"), ("0", "false"), ("TRUE", "true")])
def test_success_is_asked_for_as_the_console_does(
    memory_server: MemoryServer, guest: httpx.Client, given: str, meant: str
) -> None:
    assert guest.get(f"{EXECUTIONS}?isSuccess={given}").status_code == 200
    assert memory_server.scheduler.queries == [HistoryQuery(filters={"isSuccess": meant})]


@pytest.mark.parametrize(
    "path, column",
    [
        ("executions?sort=success", "isSuccess"),
        ("executions?sort=source", "executionSource"),
        ("statusTraces?sort=shardingItems", "shardingItem"),
        ("statusTraces?sort=source", "source"),
    ],
)
def test_tables_are_sorted_by_the_consoles_columns(
    memory_server: MemoryServer, guest: httpx.Client, path: str, column: str
) -> None:
    assert guest.get(f"/api/job/events/{path}&order=desc").status_code == 200
    assert memory_server.scheduler.queries == [HistoryQuery(sort=column)]


def test_rows_have_the_names_of_upstreams_events(guest: httpx.Client) -> None:
    row = guest.get(EXECUTIONS).json()["rows"][0]
    assert (row["source"], row["success"]) == ("NORMAL_TRIGGER", True)
    assert (row["executionSource"], row["isSuccess"]) == ("NORMAL_TRIGGER", True)
    row = guest.get("/api/job/events/statusTraces").json()["rows"][0]
    assert (row["shardingItem"], row["shardingItems"]) == (3, "[3]")


def test_slash_at_the_end_is_taken_off(server: str, job: httpx.Client) -> None:
    login = http_post(f"{server}/api/login/", json={"username": "root", "password": "pwd"})
    assert login.json()["accessToken"]
    for path in ("/api/app/list", "/api/app/my_app", "/api/job/jobs", "/api/job/jobs/my_job", EXECUTIONS):
        assert job.get(f"{path}/").json() == job.get(path).json()
        assert http_get(f"{server}{path}/").status_code == 401
    assert job.put("/api/app/", json=APP).text == "true"
    assert job.post("/api/job/trigger/", content="my_job").text == "true"
    assert job.head("/api/app/list/").status_code == 200


def test_slash_in_a_name_is_not_taken_off(job: httpx.Client) -> None:
    assert job.delete("/api/app/my_app%2F").status_code == 404
    assert job.get("/api/app/my_app%2F/").status_code == 404
    assert job.get("/api/app/my_app").status_code == 200


@pytest.mark.parametrize(
    "path, hint",
    [
        ("//api/app/list", "write /api/app/list."),
        ("/api//app/list", "write /api/app/list."),
        ("/api/app//my_app", "write /api/app/my_app."),
        ("/api/app/list//", "write /api/app/list."),
        ("/jobs-of-us/api/app/list", "have your proxy take '/jobs-of-us' off, or use /api/app/list."),
    ],
)
def test_path_that_leads_nowhere_is_told_what_may_be_wrong(
    server: str, job: httpx.Client, path: str, hint: str
) -> None:
    answer = httpx.get(f"{server}{path}", headers=job.headers, trust_env=False)
    assert answer.status_code == 404, answer.text
    assert hint in answer.json()["message"]


def test_docs_page_finds_its_files_behind_a_prefix(server: str) -> None:
    page = http_get(f"{server}/api/docs").text
    for name in ("docs.js", "openapi.json", "swagger-ui-bundle.js", "swagger-ui.css"):
        assert f'="{name}"' in page
        assert f'"/api/{name}"' not in page
        assert http_get(f"{server}/api/{name}").status_code == 200
    assert 'fetch("openapi.json")' in http_get(f"{server}/api/docs.js").text
    answer = http_get(f"{server}/api/docs/")
    assert (answer.status_code, answer.headers["location"]) == (308, "../docs")


def test_every_call_of_the_page_on_migrating_is_there(job: httpx.Client) -> None:
    page = Path("docs/migrating.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith(("| `", "| the"))]
    calls = [call for row in rows for call in re.findall(r"`(GET|POST|PUT|DELETE) (/api/[^`]+)`", row)]
    assert len(calls) > 30
    for method, path in calls:
        filled = path.format(appName="my_app", jobName="my_job", period="online")
        answer = job.request(method, filled)
        assert answer.status_code != 405, (method, path)
        assert "There is no " + method not in answer.text, (method, path)
