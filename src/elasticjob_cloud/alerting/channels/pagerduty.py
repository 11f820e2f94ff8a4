"""`pagerduty`: Events API v2. One incident for each FIRE message, closed when all alerts of it are over."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Final

from elasticjob_cloud.alerting.channels.letter import Format, JsonObject, Letter
from elasticjob_cloud.alerting.channels.webhook import alert_fields
from elasticjob_cloud.alerting.posting import Post
from elasticjob_cloud.alerting.rendering import shorten
from elasticjob_cloud.model.alerting.conditions import Severity
from elasticjob_cloud.model.alerting.message import MessageKind

_SUMMARY_CHARACTERS: Final = 1_024
_TEXT_BYTES: Final = 20_000
_MOST_DETAILS: Final = 20
_SEVERITIES: Final = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical"}


def write_pagerduty(letter: Letter) -> Sequence[Post]:
    """Give the requests. Reminders are PagerDuty's own business: it escalates."""
    message = letter.message
    match message.kind:
        case MessageKind.FIRE:
            return [_trigger(letter)]
        case MessageKind.RESOLVE:
            return [_resolve(letter, message_id) for message_id in message.closed_ids]
        case MessageKind.TEST:
            return [_trigger(letter), _resolve(letter, message.message_id)]
        case MessageKind.REMIND:
            return []


def _trigger(letter: Letter) -> Post:
    message = letter.message
    created = dt.datetime.fromtimestamp(message.created_ms / 1000, dt.UTC)
    event: JsonObject = {
        "routing_key": letter.channel.secret,
        "event_action": "trigger",
        "dedup_key": message.message_id,
        "client": "ElasticJob-Cloud",
        "payload": {
            "summary": letter.rendered.title[:_SUMMARY_CHARACTERS],
            "source": next((alert.where for alert in message.alerts if alert.where), "")
            or "elasticjob-cloud",
            "severity": _SEVERITIES[message.severity],
            "timestamp": created.isoformat(),
            "custom_details": {
                "text": shorten(letter.rendered.text, _TEXT_BYTES),
                "total": message.total,
                "alerts": [
                    alert_fields(alert, message, letter.head) for alert in message.alerts[:_MOST_DETAILS]
                ],
            },
        },
    }
    if letter.rendered.link:
        event["client_url"] = letter.rendered.link
    return Post(letter.channel.url, json.dumps(event).encode())


def _resolve(letter: Letter, message_id: str) -> Post:
    event = {"routing_key": letter.channel.secret, "event_action": "resolve", "dedup_key": message_id}
    return Post(letter.channel.url, json.dumps(event).encode())


PAGERDUTY = Format(write_pagerduty)
