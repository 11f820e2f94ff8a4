"""Rules, channels, silences, alerts and deliveries in the OpenAPI document, and examples of what is sent."""

from typing import Final

from elasticjob_cloud.api.openapi.alert_rule import one_of, optional_fields
from elasticjob_cloud.api.openapi.documents import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    Document,
    array_of,
    described_body,
    object_of,
    reference,
)
from elasticjob_cloud.model.alerting.alert import AlertState, Resolution
from elasticjob_cloud.model.alerting.channel import ChannelType
from elasticjob_cloud.model.alerting.conditions import Condition, Severity
from elasticjob_cloud.model.alerting.delivery import DeliveryState
from elasticjob_cloud.model.alerting.message import MessageKind

_TEXTS: Final = array_of(TEXT)

_CHANNEL_FIELDS: Final[dict[str, Document]] = {
    "type": one_of(ChannelType),
    "url": TEXT,
    "secret": TEXT,
    "password": TEXT,
    "keyword": TEXT,
    "headers": {"type": "object", "additionalProperties": TEXT},
    "mentions": _TEXTS,
    "host": TEXT,
    "port": {"anyOf": [INTEGER, TEXT]},
    "tls": {"enum": ["ssl", "starttls", "none"]},
    "username": TEXT,
    "from": TEXT,
    "to": _TEXTS,
}
CHANNEL_BODY: Final = optional_fields(
    {**_CHANNEL_FIELDS, "port": {"type": "integer", "minimum": 1, "maximum": 65_535}}, "type"
)
CHANNEL: Final = optional_fields({"name": TEXT, **_CHANNEL_FIELDS}, "name", "type")
PROBE: Final = object_of({"delivered": BOOLEAN, "error": TEXT})
SILENCE_BODY: Final = optional_fields(
    {
        "startTime": {**INTEGER, "description": "milliseconds since 1970; now by default"},
        "endTime": {**INTEGER, "description": "milliseconds since 1970; or `minutes`"},
        "minutes": {**NUMBER, "description": "how long from its start; or `endTime`"},
        "appName": TEXT,
        "jobName": TEXT,
        "condition": one_of(Condition),
        "comment": TEXT,
    }
)
SILENCE: Final = object_of(
    {
        "id": TEXT,
        "startTime": INTEGER,
        "endTime": INTEGER,
        "appName": TEXT,
        "jobName": TEXT,
        "condition": one_of(Condition, ""),
        "createdBy": TEXT,
        "comment": TEXT,
    }
)
ALERT: Final = object_of(
    {
        "id": TEXT,
        "condition": one_of(Condition),
        "state": one_of(AlertState),
        "severity": one_of(Severity),
        "subject": {**TEXT, "description": "the job, host or disk that it is about"},
        "jobName": TEXT,
        "appName": TEXT,
        "runId": INTEGER,
        "firstRunId": INTEGER,
        "shardingItems": array_of(INTEGER),
        "where": TEXT,
        "summary": TEXT,
        "value": NUMBER,
        "count": INTEGER,
        "since": INTEGER,
        "firedTime": INTEGER,
        "lastTime": INTEGER,
        "acknowledgedBy": TEXT,
        "acknowledgedTime": INTEGER,
        "resolvedTime": INTEGER,
        "resolution": one_of(Resolution, ""),
        "channels": _TEXTS,
        "messageId": TEXT,
        "messageTime": INTEGER,
    }
)
DELIVERY: Final = object_of(
    {
        "id": INTEGER,
        "messageId": TEXT,
        "kind": one_of(MessageKind),
        "total": {**INTEGER, "description": "how many alerts the message is about"},
        "channel": TEXT,
        "state": one_of(DeliveryState),
        "attempts": INTEGER,
        "createdTime": INTEGER,
        "nextTryTime": INTEGER,
        "endedTime": INTEGER,
        "lastError": TEXT,
    }
)


def page_of(row: Document) -> Document:
    """Describe a page: its rows, and the cursor of the next page or null."""
    return object_of({"rows": array_of(row), "next": {"type": ["string", "null"]}})


RULE: Final = reference("AlertRule")
RULE_REQUEST: Final = described_body(RULE, {"conditions": {"RUN_FAILED": {"after": 3}}, "language": "zh"})
CHANNEL_REQUEST: Final = described_body(
    CHANNEL_BODY, {"type": "webhook", "url": "https://hooks.example.org/jobs", "secret": "a secret"}
)
SILENCE_REQUEST: Final = described_body(
    SILENCE_BODY, {"jobName": "my_job", "minutes": 60, "comment": "maintenance"}
)
