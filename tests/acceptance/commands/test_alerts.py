"""`elasticjob-cloud alert`: what is wrong, who is told, and for how long nobody is."""

import json
from pathlib import Path

from elasticjob_cloud.model.alerting.alert import Alert, AlertState
from elasticjob_cloud.model.alerting.conditions import Condition, Severity
from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState
from elasticjob_cloud.model.alerting.message import MessageKind
from elasticjob_cloud.model.alerting.queries import AlertQuery, ListedDelivery
from tests.acceptance.commands.conftest import Run
from tests.acceptance.commands.recorded_api import RecordedApi

ALERT = Alert(
    alert_id="a1",
    condition=Condition.RUN_FAILED,
    subject="my_job",
    severity=Severity.CRITICAL,
    state=AlertState.FIRING,
    since_ms=1_795_000_000_000,
    fired_ms=1_795_000_000_000,
    last_ms=1_795_000_000_000,
    job_name="my_job",
    count=3,
    summary="quota exceeded",
)


def test_what_is_wrong_is_listed_and_what_is_over_only_on_demand(run: Run, scheduler: RecordedApi) -> None:
    alerts = scheduler.memory.alerts
    outcome = run("alert", "list")
    assert outcome.code == 0
    assert "Nothing is wrong." in outcome.err
    alerts.rows = [ALERT]
    outcome = run("alert", "list", "--job", "my_job", "--condition", "RUN_FAILED", "--limit", "5")
    for shown in ("FIRING", "CRITICAL", "RUN_FAILED", "my_job", "quota exceeded", "a1"):
        assert shown in outcome.out
    assert "--cursor 5.a" in outcome.err
    run("alert", "list", "--all", "--app", "my_app", "--cursor", "5.a")
    run("alert", "list", "--state", "RESOLVED")
    assert alerts.queries == [
        AlertQuery(is_open=True),
        AlertQuery(is_open=True, job_name="my_job", condition=Condition.RUN_FAILED, limit=5),
        AlertQuery(app_name="my_app", cursor="5.a"),
        AlertQuery(state=AlertState.RESOLVED),
    ]
    assert run("alert", "list", "--json").json["rows"][0]["id"] == "a1"


def test_an_alert_is_shown_and_acknowledged(run: Run, scheduler: RecordedApi) -> None:
    scheduler.memory.alerts.rows = [ALERT]
    assert "quota exceeded" in run("alert", "show", "a1").out
    assert run("alert", "show", "a1", "--json").json["count"] == 3
    assert run("alert", "ack", "a1").code == 0
    assert scheduler.memory.alerts.rows[0].state is AlertState.ACKNOWLEDGED
    outcome = run("alert", "ack", "none")
    assert outcome.code == 2
    assert "There is no alert 'none'" in outcome.err


def test_a_silence_is_made_listed_and_ended(run: Run, scheduler: RecordedApi) -> None:
    command = ("alert", "silence", "--job", "my_job", "--condition", "LATE", "--minutes", "60")
    outcome = run(*command, "--comment", "moving")
    assert outcome.code == 0
    assert scheduler.calls[-1].body == {
        "minutes": 60.0,
        "jobName": "my_job",
        "condition": "LATE",
        "comment": "moving",
    }
    (silence_id,) = scheduler.memory.alerts.silence_of
    assert f"alert unsilence {silence_id}" in outcome.err
    listed = run("alert", "silences").out
    for shown in (silence_id, "my_job", "LATE", "moving"):
        assert shown in listed
    assert run("alert", "silences", "--json").json[0]["id"] == silence_id
    assert run("alert", "unsilence", silence_id).code == 0
    assert "There is no silence." in run("alert", "silences").err
    assert run("alert", "unsilence", silence_id).code == 2
    assert run("alert", "silence", "--job", "my_job").code == 2  # a silence has an end


def test_a_channel_is_set_tried_and_deleted(run: Run, scheduler: RecordedApi, tmp_path: Path) -> None:
    assert "There is no channel." in run("alert", "channels", "list").err
    outcome = run(
        "alert", "channels", "set", "ops", "--type", "slack", "--address", "https://hooks.example.org/T"
    )
    assert outcome.code == 0, outcome.err
    file = tmp_path / "hook.json"
    file.write_text(json.dumps({"type": "webhook", "url": "http://h/x", "secret": "hunter2"}))
    assert run("alert", "channels", "set", "hook", "--file", str(file)).code == 0
    listed = run("alert", "channels", "list")
    assert "slack" in listed.out
    for outcome in (
        listed,
        run("alert", "channels", "show", "hook"),
        run("alert", "channels", "list", "--json"),
    ):
        assert outcome.code == 0
        assert "hunter2" not in outcome.out
    assert "delivered to ops" in run("alert", "test", "ops").err
    scheduler.memory.alerts.trouble = "HTTP 503"
    outcome = run("alert", "test", "ops")
    assert (outcome.code, "HTTP 503" in outcome.err) == (1, True)
    outcome = run("alert", "test", "ops", "--json")
    assert (outcome.code, outcome.json) == (1, {"delivered": False, "error": "HTTP 503"})
    assert run("alert", "channels", "delete", "ops", "--yes").code == 0
    assert run("alert", "channels", "delete", "ops", "--yes").code == 2
    assert run("alert", "channels", "set", "x").code == 2


def test_a_rule_is_set_shown_and_deleted(run: Run, scheduler: RecordedApi, tmp_path: Path) -> None:
    scheduler.register("my_job")
    assert "There is no rule" in run("alert", "rules", "list").err
    outcome = run("alert", "rules", "set", "global", "--channel", "ops")
    assert outcome.code == 2
    assert "elasticjob-cloud alert channels set NAME" in outcome.err
    run("alert", "channels", "set", "ops", "--type", "slack", "--address", "http://h/x")
    assert run("alert", "rules", "set", "global", "--channel", "ops", "--language", "zh").code == 0
    file = tmp_path / "rule.toml"
    file.write_text("[conditions.RUN_FAILED]\nafter = 3\n")
    assert run("alert", "rules", "set", "job:my_job", "--file", str(file)).code == 0
    assert run("alert", "rules", "list", "--json").json == {
        "global": {"channels": ["ops"], "language": "zh"},
        "job:my_job": {"conditions": {"RUN_FAILED": {"after": 3}}},
    }
    assert "RUN_FAILED" in run("alert", "rules", "list").out
    assert run("alert", "rules", "show", "job:my_job", "--json").json == {
        "conditions": {"RUN_FAILED": {"after": 3}}
    }
    assert "zh" in run("alert", "rules", "show", "global").out
    assert run("alert", "rules", "delete", "global", "--yes").code == 0
    assert run("alert", "rules", "show", "global").code == 2
    assert run("alert", "rules", "set", "global").code == 2


def test_deliveries_tell_what_was_not_sent(run: Run, scheduler: RecordedApi) -> None:
    assert "No message" in run("alert", "deliveries").err
    delivery = Delivery(
        sequence=1,
        message_id="m1",
        channel="ops",
        created_ms=1_795_000_000_000,
        state=DeliveryState.FAILED,
        attempts=9,
        last_error="HTTP 400",
    )
    scheduler.memory.alerts.delivery_rows = [ListedDelivery(delivery, MessageKind.FIRE, 2)]
    listed = run("alert", "deliveries", "--channel", "ops", "--state", "FAILED").out
    for shown in ("m1", "ops", "FIRE", "FAILED", "HTTP 400"):
        assert shown in listed
    assert run("alert", "deliveries", "--json").json["rows"][0]["attempts"] == 9
