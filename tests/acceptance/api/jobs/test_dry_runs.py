"""`dryRun` of registering and changing a job: the same refusals, and no change."""

from typing import Any

import httpx
import pytest

JOB: dict[str, Any] = {
    "jobName": "report",
    "appName": "my_app",
    "jobExecutionType": "TRANSIENT",
    "shardingTotalCount": 1,
    "cpuCount": 0.1,
    "memoryMB": 1,
}


@pytest.fixture(autouse=True)
def my_app(admin: httpx.Client) -> None:
    app = {"appName": "my_app", "appURL": "http://h/a.tar.gz", "bootstrapScript": "bin/start.sh"}
    assert admin.post("/api/app", json=app).status_code == 200


def test_dry_run_of_a_good_job_registers_nothing(admin: httpx.Client) -> None:
    answer = admin.post("/api/job/register", params={"dryRun": "true"}, json=JOB)

    assert (answer.status_code, answer.json()) == (200, True)
    assert admin.get("/api/job/jobs").json() == []


def test_dry_run_of_a_good_change_changes_nothing(admin: httpx.Client) -> None:
    assert admin.post("/api/job/register", json=JOB).status_code == 200

    changed = {**JOB, "cron": "0 0 3 * * ?"}
    answer = admin.put("/api/job/update", params={"dryRun": "true"}, json=changed)

    assert (answer.status_code, answer.json()) == (200, True)
    assert admin.get("/api/job/jobs/report").json()["cron"] == ""


@pytest.mark.parametrize(
    "changes, status",
    [
        ({}, 409),
        ({"jobName": "other", "appName": "none"}, 404),
        ({"cron": "0 0 25 * * ?"}, 400),
        ({"alerts": {"channels": ["none"]}}, 400),
    ],
)
def test_dry_run_refuses_what_registering_refuses(
    admin: httpx.Client, changes: dict[str, Any], status: int
) -> None:
    assert admin.post("/api/job/register", json=JOB).status_code == 200

    planned = admin.post("/api/job/register", params={"dryRun": "true"}, json={**JOB, **changes})
    done = admin.post("/api/job/register", json={**JOB, **changes})

    assert planned.status_code == done.status_code == status
    assert planned.json().get("errors") == done.json().get("errors")


@pytest.mark.parametrize(
    "changes, status",
    [({"jobName": "none"}, 404), ({"shardingTotalCount": 0}, 400)],
)
def test_dry_run_refuses_what_a_change_refuses(
    admin: httpx.Client, changes: dict[str, Any], status: int
) -> None:
    assert admin.post("/api/job/register", json=JOB).status_code == 200

    planned = admin.put("/api/job/update", params={"dryRun": "true"}, json={**JOB, **changes})
    done = admin.put("/api/job/update", json={**JOB, **changes})

    assert planned.status_code == done.status_code == status
    assert planned.json().get("errors") == done.json().get("errors")


def test_dry_run_of_a_change_names_an_app_that_is_not_the_jobs(admin: httpx.Client) -> None:
    assert admin.post("/api/job/register", json=JOB).status_code == 200

    answer = admin.put("/api/job/update", params={"dryRun": "true"}, json={**JOB, "appName": "other"})

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["appName"]


def test_misspelt_dry_run_registers_nothing(admin: httpx.Client) -> None:
    answer = admin.post("/api/job/register", params={"dry_run": "true"}, json=JOB)

    assert [error["field"] for error in answer.json()["errors"]] == ["dry_run"]
    assert admin.get("/api/job/jobs").json() == []


def test_an_admin_may_ask_for_a_job_without_its_secrets(admin: httpx.Client) -> None:
    job = {**JOB, "props": {"db.password": "hunter22"}}
    assert admin.post("/api/job/register", json=job).status_code == 200

    shown = admin.get("/api/job/jobs/report", params={"masked": "true"}).json()

    assert shown["props"] == {"db.password": "***"}
    assert admin.get("/api/job/jobs/report").json()["props"] == job["props"]
