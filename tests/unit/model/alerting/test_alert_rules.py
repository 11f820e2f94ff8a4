"""Rules, channels and silences: what is read, what is refused, what is shown, and which rule wins."""

import datetime as dt
from pathlib import Path

import pytest

from elasticjob_cloud.model.alerting.alert import TRANSITIONS, AlertState, may_become
from elasticjob_cloud.model.alerting.changes import AlertChanges
from elasticjob_cloud.model.alerting.channel import Channel, ChannelType
from elasticjob_cloud.model.alerting.conditions import (
    DEFAULT_SEVERITIES,
    DEFAULT_THRESHOLDS,
    THRESHOLDS_OF,
    Condition,
    Severity,
)
from elasticjob_cloud.model.alerting.json.channel_fields import channel_fields, read_channel
from elasticjob_cloud.model.alerting.json.rule_fields import (
    check_scope,
    effective_fields,
    read_rule,
    rule_fields,
)
from elasticjob_cloud.model.alerting.json.silence_fields import read_silence, silence_fields
from elasticjob_cloud.model.alerting.quiet_hours import QuietHours
from elasticjob_cloud.model.alerting.rule import AlertRule, Language, effective_rule
from elasticjob_cloud.model.errors import InvalidRequestError
from tests.alert_outbox import make_alert, make_message

FULL_RULE = {
    "channels": ["hook", "mail"],
    "conditions": {
        "RUN_FAILED": {"after": 2, "severity": "WARNING"},
        "LATE": {"seconds": 90},
        "STUCK": {"times": 3},
        "NO_SUCCESS": {"seconds": 86_400},
        "DROPPED": False,
        "FLAPPING": {"restarts": 3, "minutes": 5},
        "DISK_LOW": True,
    },
    "severity": "INFO",
    "language": "zh",
    "silenceMinutes": 10,
    "reminderMinutes": 60,
    "groupSeconds": 0,
    "quietHours": {"start": "22:00", "end": "07:00", "timeZone": "Asia/Shanghai"},
    "template": "$job failed",
}


def test_every_condition_is_in_each_table() -> None:
    assert set(DEFAULT_THRESHOLDS) == set(THRESHOLDS_OF) == set(DEFAULT_SEVERITIES) == set(Condition)
    assert all(threshold.enabled is not None for threshold in DEFAULT_THRESHOLDS.values())


def test_defaults_are_those_of_the_table() -> None:
    rule = effective_rule()
    off = {condition for condition in Condition if not rule.watches(condition)}
    assert off == {Condition.STUCK, Condition.NO_SUCCESS}
    assert rule.conditions[Condition.RUN_FAILED].after == 1
    assert rule.conditions[Condition.LATE].seconds == 60
    assert (rule.conditions[Condition.FLAPPING].restarts, rule.conditions[Condition.FLAPPING].minutes) == (
        5,
        10,
    )
    assert (rule.channels, rule.language, rule.silence_ms, rule.reminder_ms) == ((), Language.ENGLISH, 0, 0)


def test_rule_reads_back_what_it_shows() -> None:
    rule = read_rule(FULL_RULE)
    assert rule_fields(rule) == FULL_RULE
    assert read_rule(rule_fields(rule)) == rule
    assert read_rule({}) == AlertRule()


def test_nearest_rule_wins_field_by_field() -> None:
    job = read_rule({"conditions": {"LATE": {"seconds": 5}, "STUCK": {"seconds": 9}}, "language": "en"})
    app = read_rule({"channels": [], "conditions": {"LATE": False, "RUN_FAILED": {"severity": "INFO"}}})
    everywhere = read_rule({**FULL_RULE, "language": "zh"})
    rule = effective_rule(job, app, everywhere)
    assert (rule.language, rule.channels) == (Language.ENGLISH, ())
    assert rule.watches(Condition.LATE)
    assert rule.conditions[Condition.LATE].seconds == 5
    stuck = rule.conditions[Condition.STUCK]
    assert (stuck.seconds, stuck.times) == (9, 3)
    assert rule.conditions[Condition.RUN_FAILED].after == 2
    assert rule.severities[Condition.RUN_FAILED] is Severity.INFO
    assert not effective_rule(app, everywhere).watches(Condition.LATE)
    assert effective_fields(rule)["conditions"]["DROPPED"] is False
    assert effective_fields(rule)["conditions"]["LATE"] == {"seconds": 5, "severity": "INFO"}


@pytest.mark.parametrize(
    "fields, name",
    [
        ({"chanels": []}, "chanels"),
        ({"channels": "hook"}, "channels"),
        ({"channels": [1]}, "channels"),
        ({"conditions": []}, "conditions"),
        ({"conditions": {"LAET": True}}, "conditions.LAET"),
        ({"conditions": {"LATE": 60}}, "conditions.LATE"),
        ({"conditions": {"LATE": {"seconds": "60"}}}, "conditions.LATE.seconds"),
        ({"conditions": {"LATE": {"seconds": True}}}, "conditions.LATE.seconds"),
        ({"conditions": {"LATE": {"seconds": float("nan")}}}, "conditions.LATE.seconds"),
        ({"conditions": {"LATE": {"after": 3}}}, "conditions.LATE.after"),
        ({"conditions": {"RUN_FAILED": {"after": 1.5}}}, "conditions.RUN_FAILED.after"),
        ({"conditions": {"RUN_FAILED": {"after": 0}}}, "conditions.RUN_FAILED.after"),
        ({"conditions": {"STUCK": True}}, "conditions.STUCK"),
        ({"conditions": {"NO_SUCCESS": {}}}, "conditions.NO_SUCCESS.seconds"),
        ({"conditions": {"LATE": {"severity": "BAD"}}}, "conditions.LATE.severity"),
        ({"severity": "bad"}, "severity"),
        ({"language": "fr"}, "language"),
        ({"silenceMinutes": -1}, "silenceMinutes"),
        ({"quietHours": "22-07"}, "quietHours"),
        ({"quietHours": {"start": "22", "end": "07:00"}}, "quietHours.start"),
        ({"quietHours": {"start": "07:00", "end": "07:00"}}, "quietHours.end"),
        ({"quietHours": {"start": "22:00", "end": "07:00", "timeZone": "Mars"}}, "quietHours.timeZone"),
        ({"template": "x" * 16_001}, "template"),
    ],
)
def test_wrong_rule_is_refused_by_the_name_of_its_field(fields: dict[str, object], name: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_rule(fields)
    assert name in [error.field for error in caught.value.errors]


@pytest.mark.parametrize("scope", ["global", "app:my_app", "job:报表"])
def test_scopes(scope: str) -> None:
    check_scope(scope)


@pytest.mark.parametrize("scope", ["", "job", "job:", "team:x", "job:a b", "Global"])
def test_wrong_scopes_are_refused(scope: str) -> None:
    with pytest.raises(InvalidRequestError, match="scope"):
        check_scope(scope)


def instant(zone_hours: int, hour: int, minute: int = 0) -> int:
    zone = dt.timezone(dt.timedelta(hours=zone_hours))
    return int(dt.datetime(2027, 1, 5, hour, minute, tzinfo=zone).timestamp() * 1000)


def test_quiet_hours_over_midnight() -> None:
    quiet = QuietHours("22:00", "07:00", "Asia/Shanghai")
    assert quiet.quiet_until_ms(instant(8, 21, 59)) == 0
    assert quiet.quiet_until_ms(instant(8, 22)) == instant(8, 7) + 86_400_000
    assert quiet.quiet_until_ms(instant(8, 6, 59)) == instant(8, 7)
    assert quiet.quiet_until_ms(instant(8, 7)) == 0


def test_quiet_hours_within_a_day() -> None:
    quiet = QuietHours("12:00", "13:30")
    assert quiet.quiet_until_ms(instant(0, 11, 59)) == 0
    assert quiet.quiet_until_ms(instant(0, 12, 30)) == instant(0, 13, 30)
    assert quiet.quiet_until_ms(instant(0, 13, 30)) == 0


@pytest.mark.parametrize("state", AlertState)
@pytest.mark.parametrize("following", AlertState)
def test_table_of_transitions(state: AlertState, following: AlertState) -> None:
    allowed = {
        (AlertState.FIRING, AlertState.ACKNOWLEDGED),
        (AlertState.FIRING, AlertState.RESOLVED),
        (AlertState.ACKNOWLEDGED, AlertState.RESOLVED),
    }
    assert may_become(state, following) == ((state, following) in allowed)
    assert set(TRANSITIONS) == set(AlertState)


def test_channel_never_shows_its_secrets() -> None:
    channel = read_channel(
        "ding",
        {
            "type": "dingtalk",
            "url": "https://oapi.dingtalk.com/robot/send?access_token=abcdef",
            "secret": "SEC123",
            "mentions": ["13800000000"],
        },
    )
    shown = repr(channel) + repr(channel_fields(channel))
    assert "abcdef" not in shown
    assert "SEC123" not in shown
    assert channel_fields(channel)["url"] == "https://oapi.dingtalk.com/***"
    assert (
        channel.redact("POST /robot/send?access_token=abcdef with SEC123 failed")
        == "POST ***?*** with *** failed"
    )


def test_hook_shows_neither_headers_nor_password() -> None:
    channel = read_channel(
        "hook",
        {
            "type": "webhook",
            "url": "https://me:pass1234@host.example/in/xyz",
            "headers": {"Authorization": "Bearer t0ken"},
        },
    )
    shown = repr(channel) + repr(channel_fields(channel))
    assert not any(secret in shown for secret in ("pass1234", "t0ken", "xyz", "me:"))
    assert channel_fields(channel)["headers"] == {"Authorization": "***"}


def test_mail_channel_has_defaults_for_its_port() -> None:
    body = {"type": "mail", "host": "smtp.example", "from": "a@b", "to": ["c@d", "e@f"], "password": "pw"}
    channel = read_channel("mail", body)
    assert (channel.settings["port"], channel.settings["to"]) == ("465", "c@d,e@f")
    assert read_channel("mail", {**body, "tls": "none"}).settings["port"] == "25"
    assert channel_fields(channel)["password"] == "***"
    assert channel_fields(channel)["to"] == ["c@d", "e@f"]
    assert "pw" not in repr(channel)


@pytest.mark.parametrize(
    "body, name",
    [
        ({}, "type"),
        ({"type": "pigeon"}, "type"),
        ({"type": "webhook"}, "url"),
        ({"type": "webhook", "url": "ftp://x"}, "url"),
        ({"type": "webhook", "url": "http://x", "headers": {"A b": "c"}}, "headers"),
        ({"type": "webhook", "url": "http://x", "headers": {"A": "c\r\nB: d"}}, "headers"),
        ({"type": "slack", "url": "http://x", "secret": "s"}, "secret"),
        ({"type": "pagerduty"}, "secret"),
        ({"type": "mail", "host": "h", "from": "a@b"}, "to"),
        ({"type": "mail", "host": "h", "from": "a@b\nBcc: x@y", "to": ["c@d"]}, "from"),
        ({"type": "mail", "host": "h", "from": "a@b", "to": ["c@d"], "tls": "maybe"}, "tls"),
    ],
)
def test_wrong_channel_is_refused(body: dict[str, object], name: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_channel("x", body)
    assert name in [error.field for error in caught.value.errors]


def test_channel_has_a_name_as_jobs_have() -> None:
    for body in ({"type": "wecom", "url": "http://x/y"}, {}):
        with pytest.raises(InvalidRequestError, match="name"):
            read_channel("a b", body)


@pytest.mark.parametrize("url", ["http://[::1", "http://x:99999/", "http:///x", "http://x/a b", "x"])
def test_wrong_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError, match="url"):
        read_channel("x", {"type": "wecom", "url": url})


def test_pagerduty_has_a_url_of_its_own() -> None:
    channel = read_channel("x", {"type": "pagerduty", "secret": "routing-key"})
    assert channel_fields(channel) == {
        "type": "pagerduty",
        "url": "https://events.pagerduty.com/***",
        "secret": "***",
    }


def test_all_that_is_not_secret_is_shown() -> None:
    body = {"type": "wecom", "url": "http://x/y", "keyword": "job", "mentions": ["139"]}
    assert channel_fields(read_channel("x", body)) == {**body, "url": "http://x/***"}
    mail = {"type": "mail", "host": "h", "from": "a@b", "to": ["c@d"], "tls": "none", "username": "u"}
    channel = read_channel("x", mail)
    assert channel_fields(channel) == {**mail, "port": "25"}
    assert channel.shown_url == ""


def test_texts_in_mappings_only() -> None:
    with pytest.raises(InvalidRequestError, match="texts only"):
        read_channel("x", {"type": "webhook", "url": "http://x", "headers": {"A": 1}})


def test_message_is_as_severe_as_its_worst_alert() -> None:
    message = make_message(make_alert(Condition.LATE), make_alert(), make_alert(Condition.DROPPED))
    assert message.severity is Severity.CRITICAL
    assert make_message(make_alert(Condition.LATE)).severity is Severity.WARNING


def test_changes_tell_whether_there_are_any() -> None:
    assert not AlertChanges()
    assert AlertChanges(messages=[make_message()])


def test_each_type_of_channel_can_be_read() -> None:
    for kind in ChannelType:
        body: dict[str, object] = {"type": kind.value, "url": "http://127.0.0.1/x", "secret": "s"}
        if kind is ChannelType.MAIL:
            body = {"type": "mail", "host": "h", "from": "a@b", "to": ["c@d"]}
        elif kind in {ChannelType.WECOM, ChannelType.SLACK, ChannelType.TEAMS, ChannelType.ALERTMANAGER}:
            del body["secret"]
        assert isinstance(read_channel("x", body), Channel)


def test_silence_has_an_end() -> None:
    silence = read_silence(
        {"minutes": 30, "jobName": "a", "condition": "LATE"}, silence_id="s", created_by="root", now_ms=1000
    )
    assert (silence.start_ms, silence.end_ms) == (1000, 1_801_000)
    assert silence_fields(silence)["condition"] == "LATE"
    for body in ({}, {"minutes": 1, "endTime": 5000}, {"endTime": 999}, {"startTime": 5000, "endTime": 4000}):
        with pytest.raises(InvalidRequestError):
            read_silence(body, silence_id="s", created_by="root", now_ms=1000)


def test_the_page_draws_the_table_of_transitions_and_names_every_condition() -> None:
    page = (Path(__file__).parents[4] / "docs" / "alerts.md").read_text(encoding="utf-8")
    for state, followers in TRANSITIONS.items():
        drawn = {each for each in AlertState if f"    {state.value} --> {each.value}" in page}
        assert drawn == followers
    assert all(f"| `{condition.value}` |" in page for condition in Condition)
    for condition, names in THRESHOLDS_OF.items():
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{condition.value}` |"))
        for name in names:
            head, *rest = name.split("_")
            assert f"`{head + ''.join(word.capitalize() for word in rest)}`" in row
