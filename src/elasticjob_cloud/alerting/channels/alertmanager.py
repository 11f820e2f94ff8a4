"""`alertmanager`: Prometheus' own, API v2. It groups, silences and sends for itself; alerts have the same labels at their end."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Final

from elasticjob_cloud.alerting.channels.letter import Format, JsonObject, Letter
from elasticjob_cloud.alerting.posting import Post
from elasticjob_cloud.alerting.rendering import describe
from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.message import MessageKind

_PATH: Final = "/api/v2/alerts"
# Without an end, Alertmanager takes an alert that is not repeated for over after five minutes.
_FIRES_FOR: Final = dt.timedelta(days=366)
_TEST_FOR: Final = dt.timedelta(minutes=1)


def write_alertmanager(letter: Letter) -> Sequence[Post]:
    """Give the request."""
    base = letter.channel.url.rstrip("/")
    url = base if base.endswith(_PATH) else base + _PATH
    if letter.message.kind is MessageKind.TEST:
        alerts = [_test_alert(letter)]
    else:
        alerts = [_alert(alert, letter) for alert in letter.message.alerts]
    return [Post(url, json.dumps(alerts).encode(), letter.channel.headers)]


def _alert(alert: Alert, letter: Letter) -> JsonObject:
    labels = {
        "alertname": f"ElasticJob_{alert.condition.value}",
        "severity": alert.severity.value.lower(),
        "subject": alert.subject,
        "app": alert.app_name,
    }
    ends = _time(alert.resolved_ms) if alert.resolved_ms else _time(letter.now_ms) + _FIRES_FOR
    entry: JsonObject = {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {
            "summary": describe(alert, letter.message),
            "description": alert.summary,
            "where": alert.where,
        },
        "startsAt": _time(alert.since_ms).isoformat(),
        "endsAt": ends.isoformat(),
    }
    if link := letter.head.link_to(alert):
        entry["generatorURL"] = link
    return entry


def _test_alert(letter: Letter) -> JsonObject:
    now = _time(letter.now_ms)
    return {
        "labels": {"alertname": "ElasticJob_TEST", "severity": "info"},
        "annotations": {"summary": letter.rendered.text},
        "startsAt": now.isoformat(),
        "endsAt": (now + _TEST_FOR).isoformat(),
    }


def _time(time_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC)


ALERTMANAGER = Format(write_alertmanager)
