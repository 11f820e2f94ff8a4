"""`GET /job/jobs` in pages, `POST /job/bulk`, `GET /changes` and `GET /overview` over HTTP."""

from typing import Any

import httpx
import pytest

from elasticjob_cloud.scheduling.commands import TriggerJob
from tests.acceptance.conftest import MemoryServer


@pytest.fixture
def jobs(admin: httpx.Client) -> list[str]:
    app = {"appName": "my_app", "appURL": "http://h/a.tar.gz", "bootstrapScript": "bin/start.sh"}
    assert admin.post("/api/app", json=app).status_code == 200
    names = ["day", "night-1", "night-2"]
    for name in names:
        body: dict[str, Any] = {"jobName": name, "appName": "my_app", "jobExecutionType": "TRANSIENT"}
        body |= {"shardingTotalCount": 1, "cpuCount": 0.1, "memoryMB": 1}
        assert admin.post("/api/job/register", json=body).status_code == 200
    return names


def test_without_a_page_it_is_an_array_of_what_matches(admin: httpx.Client, jobs: list[str]) -> None:
    assert [job["jobName"] for job in admin.get("/api/job/jobs").json()] == jobs
    found = admin.get("/api/job/jobs", params={"search": "night", "order": "desc"}).json()
    assert [job["jobName"] for job in found] == ["night-2", "night-1"]
    assert admin.get("/api/job/jobs", params={"search": "none"}).json() == []


def test_a_page_has_a_total_and_rows_with_results(admin: httpx.Client, jobs: list[str]) -> None:
    page = admin.get("/api/job/jobs", params={"page": 2, "per_page": 2}).json()

    assert page["total"] == len(jobs)
    (row,) = page["rows"]
    assert row["jobName"] == "night-2"
    assert {"lastRun", "recent", "nextFire", "runningShards", "waitingReason"} <= set(row)


@pytest.mark.parametrize(
    "query, field",
    [
        ({"page": "-1"}, "page"),
        ({"per_page": "101"}, "per_page"),
        ({"sort": "cron"}, "sort"),
        ({"state": "failed"}, "state"),
        ({"order": "up"}, "order"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_parameters_are_named(admin: httpx.Client, query: dict[str, str], field: str) -> None:
    answer = admin.get("/api/job/jobs", params=query)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_bulk_changes_what_matches(admin: httpx.Client, jobs: list[str]) -> None:
    body = {"action": "disable", "filter": {"search": "night"}}
    planned = admin.post("/api/job/bulk", json={**body, "dryRun": True}).json()
    assert [row["jobName"] for row in planned["results"]] == ["night-1", "night-2"]
    assert not any(job["disabled"] for job in admin.get("/api/job/jobs").json())

    done = admin.post("/api/job/bulk", json=body).json()

    assert (done["total"], done["done"], done["failed"]) == (2, 2, 0)
    assert [job["disabled"] for job in admin.get("/api/job/jobs").json()] == [False, True, True]


def test_each_job_has_its_own_outcome(admin: httpx.Client, jobs: list[str]) -> None:
    answer = admin.post(
        "/api/job/bulk", json={"action": "deregister", "names": ["day", "none", "day"]}
    ).json()

    assert answer["results"][0] == {"jobName": "day", "done": True}
    assert (answer["results"][1]["jobName"], answer["results"][1]["status"]) == ("none", 404)
    assert (answer["total"], answer["failed"]) == (2, 1)


def test_runs_that_are_triggered_together_tell_who_did_it(
    memory_server: MemoryServer, admin: httpx.Client, jobs: list[str]
) -> None:
    answer = admin.post("/api/job/bulk", json={"action": "trigger", "names": jobs})

    assert answer.json()["done"] == len(jobs)
    assert memory_server.scheduler.submitted[-3:] == [TriggerJob(name, triggered_by="root") for name in jobs]


@pytest.mark.parametrize(
    "body, field",
    [
        ({"action": "disable"}, "names"),
        ({"action": "disable", "names": ["a"], "filter": {"search": "a"}}, "names"),
        ({"action": "disable", "filter": {}}, "filter"),
        ({"action": "disable", "filter": {"search": ""}}, "filter"),
        ({"action": "disable", "filter": {"name": "a"}}, "filter.name"),
        ({"action": "explode", "names": ["a"]}, "action"),
        ({"names": ["a"]}, "action"),
        ({"action": "enable", "names": "a"}, "names"),
    ],
)
def test_bulk_names_what_is_wrong(admin: httpx.Client, body: dict[str, Any], field: str) -> None:
    answer = admin.post("/api/job/bulk", json=body)
    assert answer.status_code == 400, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_changes_are_those_since_a_revision(admin: httpx.Client) -> None:
    first = admin.get("/api/changes").json()
    assert set(first["topics"]) == {"apps", "jobs", "runs", "tasks", "agents", "schedulers", "alerts"}
    assert admin.get("/api/changes", params={"since": first["revision"]}).json()["topics"] == {}


def test_overview_says_what_fails(admin: httpx.Client) -> None:
    overview = admin.get("/api/overview").json()
    (failing,) = overview["failing"]["rows"]
    assert (failing["jobName"], failing["summary"], failing["runId"]) == ("my_job", "ValueError: bad", 7)
    assert overview["alerts"] == []


def test_a_guest_reads_and_changes_nothing(guest: httpx.Client) -> None:
    for path in ("/api/job/jobs?page=1", "/api/changes", "/api/overview"):
        assert guest.get(path).status_code == 200
    assert guest.post("/api/job/bulk", json={"action": "disable", "names": ["a"]}).status_code == 403


def test_what_elasticjobs_consoles_send_is_taken(admin: httpx.Client) -> None:
    answer = admin.get(
        "/api/job/jobs?limit=10&offset=0&q=abc&page=0&per_page=0&order=ASC&search=&_=1700000000000"
    )
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json(), list)
