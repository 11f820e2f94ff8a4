"""New names show all that is in them; names that exist already stay reachable (issue 11, C10)."""

from collections.abc import Iterator

import httpx
import pytest

from elasticjob_cloud.api import AuthSettings
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.jobs.names import name_problem, user_name_problem
from elasticjob_cloud.service.port import PublishApp, RegisterJob
from elasticjob_cloud.settings.sources import load_settings
from tests.acceptance.conftest import MemoryServer, login
from tests.http_client import http_client
from tests.security.servers import served_with

INVISIBLE = {
    "hangul filler": "\u3164",
    "halfwidth hangul filler": "\uffa0",
    "hangul choseong filler": "\u115f",
    "hangul jungseong filler": "\u1160",
    "combining grapheme joiner": "\u034f",
    "variation selector": "\ufe0f",
    "supplementary variation selector": "\U000e0101",
    "khmer inherent vowel": "\u17b4",
    "mongolian separator": "\u180b",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "word joiner": "\u2060",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "tag": "\U000e0041",
    "khitan filler": "\U00016fe4",
}
DECOMPOSED = "cafe\u0301"
ODD = "job\u3164"
APP = {"appName": "a", "appURL": "http://host/a.tar.gz", "bootstrapScript": "b"}
JOB = {
    "appName": "a",
    "jobName": "j",
    "jobExecutionType": "TRANSIENT",
    "shardingTotalCount": 1,
    "cpuCount": 1,
    "memoryMB": 64,
}


@pytest.fixture
def server() -> Iterator[MemoryServer]:
    with served_with(AuthSettings()) as running:
        yield running


@pytest.fixture
def admin(server: MemoryServer) -> Iterator[httpx.Client]:
    with http_client(base_url=server.url) as client:
        client.headers["accessToken"] = login(client, "root", "pwd")
        yield client


@pytest.mark.parametrize("character", INVISIBLE.values(), ids=INVISIBLE.keys())
@pytest.mark.parametrize("form", ["{}", "{}job", "job{}", "jo{}b"])
def test_invisible_characters_are_refused_by_their_number(character: str, form: str) -> None:
    for problem in (name_problem(form.format(character)), user_name_problem(form.format(character))):
        assert problem is not None
        assert ascii(character)[1:-1].lower() in problem.lower()


@pytest.mark.parametrize("name", [DECOMPOSED, "\u1112\u1161\u11ab", "\u0301a"])
def test_names_of_two_spellings_have_one(name: str) -> None:
    assert name_problem(name) is not None
    assert user_name_problem(name) is not None


@pytest.mark.parametrize("name", ["café", "한", "हिन्दी", "ราคา", "العمل", "作业", "ใต้", "שלום"])
def test_letters_of_every_script_stay_good(name: str) -> None:
    assert name_problem(name) is None
    assert user_name_problem(name) is None


def test_new_app_and_job_of_such_a_name_are_refused(admin: httpx.Client) -> None:
    assert admin.post("/api/app", json=APP).text == "true"
    for name in (ODD, DECOMPOSED):
        answer = admin.post("/api/app", json={**APP, "appName": name})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "appName")
        answer = admin.post("/api/job/register", json={**JOB, "jobName": name})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "jobName")


def test_app_and_job_that_have_such_a_name_already_stay_reachable(
    server: MemoryServer, admin: httpx.Client
) -> None:
    app = AppConfiguration(app_name=ODD, app_url="http://host/a", bootstrap_script="b")
    job = JobConfiguration(
        job_name=DECOMPOSED,
        app_name=ODD,
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=1,
        cpu_count=1.0,
        memory_mb=64.0,
    )
    for command in (PublishApp(app), RegisterJob(job, disabled=False)):
        submit = server.scheduler.submit(command)
        with pytest.raises(StopIteration):
            submit.send(None)

    assert admin.get(f"/api/app/{ODD}").json()["appName"] == ODD
    assert admin.put("/api/app", json={"appName": ODD, "cpuCount": 2}).text == "true"
    assert admin.post("/api/job/register", json={**JOB, "appName": ODD}).text == "true"
    assert admin.get(f"/api/job/jobs/{DECOMPOSED}").json()["jobName"] == DECOMPOSED
    update = {**JOB, "appName": ODD, "jobName": DECOMPOSED, "cpuCount": 2}
    assert admin.put("/api/job/update", json=update).text == "true"
    assert admin.post("/api/job/trigger", content=DECOMPOSED.encode()).text == "true"
    assert admin.delete(f"/api/job/{DECOMPOSED}/deregister").text == "true"
    assert admin.delete(f"/api/app/{ODD}").text == "true"


@pytest.mark.parametrize("name", ["root\u200b", "ro\u3164ot", " root", "ro\not", DECOMPOSED])
def test_user_whose_name_looks_like_another_keeps_the_server_from_starting(name: str) -> None:
    with pytest.raises(StartError, match=r"guest.username"):
        load_settings({"guest_username": name}, None)


@pytest.mark.parametrize("name", ["Ops Team", "me@example.com", "用户"])
def test_other_user_names_are_good(name: str) -> None:
    assert load_settings({"guest_username": name}, None).guest_username == name
