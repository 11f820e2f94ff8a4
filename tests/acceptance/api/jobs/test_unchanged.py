"""An update judges what it changes: what is stored stays as it is, whatever became of it meanwhile."""

from typing import Any

import httpx
import msgspec
import pytest

from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.records import AppRecord, JobRecord
from tests.acceptance.api.valid_bodies import APP, JOB, assert_blames
from tests.acceptance.conftest import MemoryServer

# The server's clock begins on 2026-11-18T11:06:40Z, the test's ends an hour later.
ONCE = {**JOB, "cron": "0 20 11 18 11 ? 2026", "timeZone": "UTC"}
NEVER = "0 0 0 30 2 ?"


@pytest.fixture
def spent(memory_server: MemoryServer, admin: httpx.Client) -> dict[str, Any]:
    """A job whose cron has fired for the last time, as `GET` gives it."""
    assert admin.post("/api/app", json=APP).text == "true"
    assert admin.post("/api/job/register", json=ONCE).text == "true"
    memory_server.clock.move(3600)
    given: dict[str, Any] = admin.get("/api/job/jobs/my_job").json()
    return given


def update(admin: httpx.Client, **fields: Any) -> httpx.Response:
    return admin.put("/api/job/update", json=fields)


def test_what_get_gave_can_be_sent_back_though_its_cron_is_spent(
    admin: httpx.Client, spent: dict[str, Any]
) -> None:
    assert update(admin, **spent).text == "true"
    assert admin.get("/api/job/jobs/my_job").json() == spent


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "new"},
        {"shardingTotalCount": 2, "jobExecutionType": "DAEMON"},
        {"disabled": True},
        {"cron": None},
        {"cron": ""},
        {"cron": "0 0 12 * * ?", "timeZone": "Asia/Shanghai"},
    ],
)
def test_other_fields_of_a_job_whose_cron_is_spent_can_change(
    admin: httpx.Client, spent: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert update(admin, **{**spent, **changes}).text == "true"


@pytest.mark.parametrize(
    "changes",
    [{"cron": NEVER}, {"cron": "0 21 11 18 11 ? 2026"}, {"timeZone": "Asia/Shanghai"}, {"timeZone": ""}],
)
def test_changed_schedule_is_judged(
    memory_server: MemoryServer, admin: httpx.Client, spent: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert memory_server.scheduler.default_time_zone() != "UTC"
    assert_blames(update(admin, **{**spent, **changes}), "cron")
    assert admin.get("/api/job/jobs/my_job").json() == spent


def test_default_zone_and_its_name_are_the_same_zone(
    memory_server: MemoryServer, admin: httpx.Client
) -> None:
    zone = memory_server.scheduler.default_time_zone()
    assert admin.post("/api/app", json=APP).text == "true"
    once = {**ONCE, "timeZone": "", "cron": "0 20 20 18 11 ? 2026"}
    assert admin.post("/api/job/register", json=once).text == "true"
    memory_server.clock.move(3 * 3600)
    given = admin.get("/api/job/jobs/my_job").json()
    assert given["timeZone"] == ""
    assert update(admin, **{**given, "timeZone": zone}).text == "true"
    assert update(admin, **{**given, "timeZone": None}).text == "true"


def test_spent_cron_is_refused_for_a_new_job(admin: httpx.Client, spent: dict[str, Any]) -> None:
    assert admin.delete("/api/job/my_job/deregister").text == "true"
    assert_blames(admin.post("/api/job/register", json=spent), "cron")
    assert_blames(update(admin, **{**spent, "jobName": "nobody"}), "cron")


def test_disabled_job_whose_cron_is_spent_can_be_enabled(admin: httpx.Client, spent: dict[str, Any]) -> None:
    assert update(admin, **{**spent, "disabled": True}).text == "true"
    assert admin.post("/api/job/my_job/enable").text == "true"


def test_values_that_an_earlier_version_took_are_kept_and_may_be_replaced_by_good_ones(
    memory_server: MemoryServer, admin: httpx.Client
) -> None:
    old: dict[str, Any] = {
        "shardingItemParameters": "0=a,9=b",
        "props": {"": "x", "http.method": "SHOUT"},
        "timeoutSeconds": -1,
        "timeZone": "localtime",
        "cron": "0 0 0 1 1 ? 2001",
        "cpuCount": 0.0001,
    }
    assert admin.post("/api/app", json=APP).text == "true"
    configuration = msgspec.convert({**JOB, **old}, JobConfiguration)
    memory_server.scheduler.job_records["my_job"] = JobRecord(configuration)
    given = admin.get("/api/job/jobs/my_job").json()

    assert update(admin, **{**given, "description": "new"}).text == "true"

    kept = admin.get("/api/job/jobs/my_job").json()
    assert kept == {**given, "description": "new"}
    assert_blames(update(admin, **{**kept, "timeoutSeconds": -2}), "timeoutSeconds")
    assert_blames(update(admin, **{**kept, "props": {"": "y"}}), "props")
    # Its items are right or wrong for a count of shards.
    assert_blames(update(admin, **{**kept, "shardingTotalCount": 4}), "shardingItemParameters")
    good = {"shardingItemParameters": "0=a", "props": {}, "timeoutSeconds": 0, "timeZone": "UTC", "cron": ""}
    assert update(admin, **{**kept, **good, "cpuCount": 1}).text == "true"


def test_url_of_an_app_that_may_not_be_published_any_more_is_kept(
    memory_server: MemoryServer, admin: httpx.Client
) -> None:
    url = "file:///srv/old/app.tar.gz"
    app = msgspec.convert({**APP, "appURL": url, "bootstrapScript": " "}, AppConfiguration)
    memory_server.scheduler.app_records["my_app"] = AppRecord(app)
    given = admin.get("/api/app/my_app").json()
    del given["disabled"]

    assert admin.put("/api/app", json={**given, "memoryMB": 256}).text == "true"

    kept = {**given, "memoryMB": 256.0}
    assert admin.get("/api/app/my_app").json() == {**kept, "disabled": False}
    assert_blames(admin.put("/api/app", json={**kept, "appURL": url + "2"}), "appURL")
    assert_blames(admin.put("/api/app", json={**kept, "bootstrapScript": "  "}), "bootstrapScript")
    assert_blames(admin.put("/api/app", json={**kept, "appName": "nobody"}), "bootstrapScript")
