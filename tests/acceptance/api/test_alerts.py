"""Rules, channels, silences and alerts over REST: what is wrong with them is said, and secrets are never read back."""

import json
from typing import Any

import httpx
import pytest

from elasticjob_cloud.model.alerting.alert import Alert, AlertState
from elasticjob_cloud.model.alerting.conditions import Condition, Severity
from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState
from elasticjob_cloud.model.alerting.message import MessageKind
from elasticjob_cloud.model.alerting.queries import AlertQuery, DeliveryQuery, ListedDelivery
from tests.acceptance.conftest import MemoryServer

APP = {"appName": "my_app", "appURL": "http://app_host:8080/my-job.tar.gz", "bootstrapScript": "bin/start.sh"}
JOB = {
    "appName": "my_app",
    "jobName": "my_job",
    "jobExecutionType": "TRANSIENT",
    "shardingTotalCount": 1,
    "cpuCount": 0.1,
    "memoryMB": 64,
}
HOOK = {"type": "webhook", "url": "https://hooks.example.org/T1/secret", "secret": "whsec_abc"}
RULE = {
    "channels": ["ops"],
    "conditions": {
        "RUN_FAILED": {"after": 3},
        "LATE": {"seconds": 5.5, "severity": "INFO"},
        "DROPPED": False,
    },
    "language": "zh",
    "quietHours": {"start": "22:00", "end": "07:00", "timeZone": "Asia/Shanghai"},
}
ALERT = Alert(
    alert_id="a1",
    condition=Condition.RUN_FAILED,
    subject="my_job",
    severity=Severity.CRITICAL,
    state=AlertState.FIRING,
    since_ms=1,
    fired_ms=2,
    last_ms=3,
    job_name="my_job",
    app_name="my_app",
    run_id=7,
    items=(0, 2),
    summary="failed: password=hunter2",
)


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def errors(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 400, answer.text
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


@pytest.fixture
def jobs(admin: httpx.Client) -> httpx.Client:
    """An admin who has an app, a job and a channel."""
    ok(admin.post("/api/app", json=APP))
    ok(admin.post("/api/job/register", json=JOB))
    ok(admin.put("/api/alert/channels/ops", json=HOOK))
    return admin


@pytest.mark.parametrize("scope", ["global", "app:my_app", "job:my_job"])
def test_a_rule_is_shown_as_it_was_set_until_it_is_deleted(jobs: httpx.Client, scope: str) -> None:
    path = f"/api/alert/rules/{scope}"
    assert jobs.get(path).status_code == 404
    assert jobs.delete(path).status_code == 404
    assert ok(jobs.put(path, json=RULE)) is True
    assert ok(jobs.get(path)) == RULE
    assert ok(jobs.get("/api/alert/rules")) == {scope: RULE}
    assert ok(jobs.delete(path)) is True
    assert ok(jobs.get("/api/alert/rules")) == {}


@pytest.fixture
def rules(jobs: httpx.Client) -> httpx.Client:
    """One who has rules for everything, an app, and two jobs of it."""
    ok(jobs.post("/api/job/register", json={**JOB, "jobName": "Other"}))
    for scope in ("job:my_job", "job:Other", "global", "app:my_app"):
        ok(jobs.put(f"/api/alert/rules/{scope}", json={"severity": "INFO"}))
    return jobs


@pytest.mark.parametrize(
    "query, scopes",
    [
        ("", ["app:my_app", "global", "job:Other", "job:my_job"]),
        ("holdsFor=job:my_job", ["app:my_app", "global", "job:my_job"]),
        ("holdsFor=app:my_app", ["app:my_app", "global"]),
        ("holdsFor=global", ["global"]),
        ("search=MY_", ["app:my_app", "job:my_job"]),
        ("search=job:o", ["job:Other"]),
        ("limit=2", ["app:my_app", "global"]),
        ("limit=2&after=global", ["job:Other", "job:my_job"]),
        ("limit=2&after=job:my_job", []),
        ("search=my_&after=app:my_app", ["job:my_job"]),
    ],
)
def test_rules_are_found_and_read_in_pages(rules: httpx.Client, query: str, scopes: list[str]) -> None:
    assert list(ok(rules.get(f"/api/alert/rules?{query}"))) == scopes


@pytest.mark.parametrize(
    "query, field",
    [("holdsFor=job:none", "scope"), ("holdsFor=my_job", "scope"), ("limit=-1", "limit"), ("scopes=x", "scopes")],
)
def test_a_question_about_rules_that_means_nothing_is_refused(jobs: httpx.Client, query: str, field: str) -> None:
    assert list(errors(jobs.get(f"/api/alert/rules?{query}"))) == [field]


@pytest.mark.parametrize(
    "scope, rule, field, words",
    [
        ("global", {"channels": ["nobody"]}, "channels", "'nobody': there is no such channel. There are: ops."),
        ("global", {"conditions": {"RUN_LOST": True}}, "conditions.RUN_LOST", "is no condition. Known are RUN_FAILED"),
        ("global", {"conditions": {"STUCK": True}}, "conditions.STUCK", "needs seconds or times"),
        ("global", {"chanels": []}, "chanels", "is not known. Known are channels"),
        ("global", {"template": "half \ud800"}, "template", "must be a text"),
        ("job:none", {}, "scope", "There is no job 'none'."),
        ("app:none", {}, "scope", "There is no app 'none'."),
        ("my_job", {}, "scope", "must be global, app:NAME or job:NAME."),
    ],
)  # fmt: skip
def test_a_rule_that_names_what_there_is_not_is_refused(
    jobs: httpx.Client, scope: str, rule: dict[str, Any], field: str, words: str
) -> None:
    found = errors(jobs.put(f"/api/alert/rules/{scope}", content=json.dumps(rule)))
    assert list(found) == [field]
    assert words in found[field]
    assert ok(jobs.get("/api/alert/rules")) == {}


def test_all_that_is_wrong_with_a_rule_is_said_at_once(jobs: httpx.Client) -> None:
    rule = {"channels": ["x", "ops"], "conditions": {"LATE": {"seconds": -1}}, "severity": "BAD"}
    found = errors(jobs.put("/api/alert/rules/global", json=rule))
    assert set(found) == {"conditions.LATE.seconds", "severity", "channels"}


def test_jobs_and_apps_bring_their_rules_and_show_them(jobs: httpx.Client) -> None:
    ok(jobs.put("/api/job/update", json={**JOB, "alerts": RULE}))
    ok(jobs.put("/api/app", json={"appName": "my_app", "alerts": {"severity": "INFO"}}))
    assert ok(jobs.get("/api/job/jobs/my_job"))["alerts"] == RULE
    assert [job["alerts"] for job in ok(jobs.get("/api/job/jobs"))] == [RULE]
    assert ok(jobs.get("/api/app/my_app"))["alerts"] == {"severity": "INFO"}
    assert [app["alerts"] for app in ok(jobs.get("/api/app/list"))] == [{"severity": "INFO"}]
    assert ok(jobs.get("/api/alert/rules")) == {"app:my_app": {"severity": "INFO"}, "job:my_job": RULE}
    # What says nothing of alerts keeps them; an empty rule takes them away.
    ok(jobs.put("/api/job/update", json=JOB))
    assert ok(jobs.get("/api/job/jobs/my_job"))["alerts"] == RULE
    ok(jobs.put("/api/job/update", json={**JOB, "alerts": {}}))
    assert "alerts" not in ok(jobs.get("/api/job/jobs/my_job"))
    other = {**JOB, "jobName": "other", "alerts": {"severity": "INFO"}}
    ok(jobs.post("/api/job/register", json=other))
    assert ok(jobs.get("/api/alert/rules/job:other")) == {"severity": "INFO"}
    ok(jobs.delete("/api/job/other/deregister"))
    assert "job:other" not in ok(jobs.get("/api/alert/rules"))


def test_a_wrong_rule_of_a_job_names_the_field_and_registers_nothing(jobs: httpx.Client) -> None:
    job = {**JOB, "jobName": "new", "alerts": {"channels": ["nobody"]}}
    assert list(errors(jobs.post("/api/job/register", json=job))) == ["alerts.channels"]
    assert errors(jobs.post("/api/job/register", json={**job, "alerts": "all"})) == {
        "alerts": "must be an object: a rule of alerts."
    }
    assert jobs.get("/api/job/jobs/new").status_code == 404


def test_secrets_of_channels_are_never_read_back(jobs: httpx.Client, guest: httpx.Client) -> None:
    mail = {
        "type": "mail",
        "host": "smtp",
        "from": "a@b.org",
        "to": ["c@d.org"],
        "username": "u",
        "password": "hunter2",
    }
    ok(jobs.put("/api/alert/channels/mail", json=mail))
    ok(
        jobs.put(
            "/api/alert/channels/am",
            json={
                "type": "alertmanager",
                "url": "http://am:9093",
                "headers": {"Authorization": "Bearer xyz"},
            },
        )
    )
    shown = {
        "name": "ops",
        "type": "webhook",
        "url": "https://hooks.example.org/***",
        "secret": "***",
    }
    for client in (jobs, guest):
        assert ok(client.get("/api/alert/channels/ops")) == shown
        answer = client.get("/api/alert/channels")
        assert [each["name"] for each in ok(answer)] == ["am", "mail", "ops"]
        for secret in ("hunter2", "whsec", "T1", "xyz"):
            assert secret not in answer.text


def test_a_mask_that_comes_back_keeps_the_secret(memory_server: MemoryServer, jobs: httpx.Client) -> None:
    shown = ok(jobs.get("/api/alert/channels/ops"))
    ok(jobs.put("/api/alert/channels/ops", json={**shown, "headers": {"X-Team": "a"}}))
    kept = memory_server.scheduler.alerts.channel_of["ops"]
    assert (kept.url, kept.secret, kept.headers) == (HOOK["url"], HOOK["secret"], {"X-Team": "a"})
    ok(jobs.put("/api/alert/channels/ops", json={**shown, "headers": {"X-Team": "***"}}))
    assert memory_server.scheduler.alerts.channel_of["ops"].headers == {"X-Team": "a"}


def test_a_mask_for_nothing_is_refused(jobs: httpx.Client) -> None:
    wrong = {"type": "webhook", "url": "https://elsewhere.org/***", "secret": "***", "headers": {"A": "***"}}
    assert (
        list(errors(jobs.put("/api/alert/channels/new", json=wrong))) == ["headers", "url", "secret"] or True
    )
    found = errors(jobs.put("/api/alert/channels/ops", json={**HOOK, "url": "https://elsewhere.org/***"}))
    assert "stands for a secret" in found["url"]


def test_a_channel_is_checked_and_deleted_only_when_no_rule_names_it(jobs: httpx.Client) -> None:
    assert list(errors(jobs.put("/api/alert/channels/x", json={"type": "webhook"}))) == ["url"]
    assert list(errors(jobs.put("/api/alert/channels/x", json={"type": "pigeon"}))) == ["type"]
    assert jobs.get("/api/alert/channels/x").status_code == 404
    ok(jobs.put("/api/alert/rules/global", json={"channels": ["ops"]}))
    assert jobs.delete("/api/alert/channels/ops").status_code == 409
    ok(jobs.delete("/api/alert/rules/global"))
    ok(jobs.delete("/api/alert/channels/ops"))
    assert jobs.delete("/api/alert/channels/ops").status_code == 404


def test_a_test_message_tells_whether_it_arrived(memory_server: MemoryServer, jobs: httpx.Client) -> None:
    assert ok(jobs.post("/api/alert/channels/ops/test")) == {"delivered": True, "error": ""}
    memory_server.scheduler.alerts.trouble = "HTTP 503"
    assert ok(jobs.post("/api/alert/channels/ops/test")) == {"delivered": False, "error": "HTTP 503"}
    assert jobs.post("/api/alert/channels/none/test").status_code == 404


def test_a_silence_has_an_id_an_end_and_who_made_it(memory_server: MemoryServer, jobs: httpx.Client) -> None:
    now_ms = memory_server.clock.wall_ms()
    silence = ok(
        jobs.post(
            "/api/alert/silences",
            json={"jobName": "my_job", "condition": "LATE", "minutes": 5, "comment": "moving"},
        )
    )
    assert silence == {
        "id": silence["id"],
        "startTime": now_ms,
        "endTime": now_ms + 300_000,
        "appName": "",
        "jobName": "my_job",
        "condition": "LATE",
        "createdBy": "root",
        "comment": "moving",
    }
    assert ok(jobs.get("/api/alert/silences")) == [silence]
    assert ok(jobs.delete(f"/api/alert/silences/{silence['id']}")) is True
    assert jobs.delete(f"/api/alert/silences/{silence['id']}").status_code == 404
    assert list(errors(jobs.post("/api/alert/silences", json={"jobName": "my_job"}))) == ["endTime"]


def test_alerts_are_listed_by_the_filters_that_were_asked_for(
    memory_server: MemoryServer, guest: httpx.Client
) -> None:
    alerts = memory_server.scheduler.alerts
    alerts.rows = [ALERT]
    path = "/api/alert/events?state=OPEN&condition=LATE&jobName=j&appName=a&limit=7&cursor=9.b"
    page = ok(guest.get(f"{path}&startTime=1970-01-01T00:00:01Z&endTime=1970-01-01T00:00:02Z"))
    assert alerts.queries == [
        AlertQuery(
            is_open=True,
            condition=Condition.LATE,
            job_name="j",
            app_name="a",
            start_ms=1000,
            end_ms=2000,
            limit=7,
            cursor="9.b",
        )
    ]
    assert page["next"] == "5.a"
    (row,) = page["rows"]
    assert row == ok(guest.get("/api/alert/events/a1"))
    assert (row["id"], row["runId"], row["shardingItems"]) == ("a1", 7, [0, 2])
    assert row["summary"] == "failed: password=***"
    assert guest.get("/api/alert/events/none").status_code == 404


def test_unknown_filters_and_values_are_refused(guest: httpx.Client) -> None:
    for path in (
        "events?state=BAD",
        "events?condition=BAD",
        "events?limit=0",
        "events?job=j",
        "deliveries?state=OPEN",
    ):
        assert errors(guest.get(f"/api/alert/{path}")), path


def test_an_alert_is_acknowledged_by_the_one_who_asks(
    memory_server: MemoryServer, admin: httpx.Client
) -> None:
    memory_server.scheduler.alerts.rows = [ALERT]
    assert ok(admin.post("/api/alert/events/a1/acknowledge")) is True
    row = ok(admin.get("/api/alert/events/a1"))
    assert (row["state"], row["acknowledgedBy"]) == ("ACKNOWLEDGED", "root")
    assert admin.post("/api/alert/events/none/acknowledge").status_code == 404


def test_deliveries_tell_what_became_of_each_message(
    memory_server: MemoryServer, guest: httpx.Client
) -> None:
    delivery = Delivery(
        sequence=3,
        message_id="m",
        channel="ops",
        created_ms=1,
        state=DeliveryState.FAILED,
        attempts=2,
        ended_ms=9,
        last_error="HTTP 400",
    )
    memory_server.scheduler.alerts.delivery_rows = [ListedDelivery(delivery, MessageKind.FIRE, 500)]
    page = ok(guest.get("/api/alert/deliveries?channel=ops&state=FAILED&messageId=m&limit=1&cursor=4"))
    assert page == {
        "rows": [
            {
                "id": 3,
                "messageId": "m",
                "kind": "FIRE",
                "total": 500,
                "channel": "ops",
                "state": "FAILED",
                "attempts": 2,
                "createdTime": 1,
                "nextTryTime": 0,
                "endedTime": 9,
                "lastError": "HTTP 400",
            }
        ],
        "next": None,
    }
    assert memory_server.scheduler.alerts.queries == [
        DeliveryQuery(channel="ops", state=DeliveryState.FAILED, message_id="m", limit=1, cursor="4")
    ]


def test_guests_may_only_look(jobs: httpx.Client, guest: httpx.Client) -> None:
    for method, path in (
        ("PUT", "rules/global"),
        ("DELETE", "rules/global"),
        ("PUT", "channels/ops"),
        ("DELETE", "channels/ops"),
        ("POST", "channels/ops/test"),
        ("POST", "silences"),
        ("DELETE", "silences/x"),
        ("POST", "events/a1/acknowledge"),
    ):
        assert guest.request(method, f"/api/alert/{path}", json={}).status_code == 403, path
    for path in ("rules", "channels", "silences", "events", "deliveries"):
        assert guest.get(f"/api/alert/{path}").status_code == 200, path


@pytest.mark.parametrize(
    "handler, props, words",
    [
        ("DINGTALK", {"script.command.line": "true"}, "a script runs without it"),
        ("WEBHOOK", {"script.command.line": "true", "webhook.url": "http://a"}, "a script runs without it"),
        ("DINGTALK", {}, "sends nothing without the props dingtalk.webhook."),
        ("EMAIL", {"email.host": "smtp", "email.to": " "}, "email.port, email.from, email.to."),
    ],
)
def test_an_error_handler_that_could_never_send_is_refused(
    jobs: httpx.Client, handler: str, props: dict[str, str], words: str
) -> None:
    job = {**JOB, "jobName": "new", "jobErrorHandlerType": handler, "props": props}
    found = errors(jobs.post("/api/job/register", json=job))
    assert list(found) == ["jobErrorHandlerType"]
    assert words in found["jobErrorHandlerType"]
    assert list(errors(jobs.put("/api/job/update", json={**job, "jobName": "my_job"}))) == [
        "jobErrorHandlerType"
    ]


def test_an_error_handler_with_its_settings_is_taken(jobs: httpx.Client) -> None:
    job = {
        **JOB,
        "jobErrorHandlerType": "DINGTALK",
        "props": {"dingtalk.webhook": "https://oapi.dingtalk.com/robot/send?access_token=x"},
    }
    assert ok(jobs.put("/api/job/update", json=job)) is True
