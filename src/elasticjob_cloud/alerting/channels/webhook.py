"""`webhook`: JSON, signed as Standard Webhooks (standardwebhooks.com) have it, so that receivers need no code of ours."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from elasticjob_cloud.alerting.channels.letter import Format, Letter
from elasticjob_cloud.alerting.posting import Post
from elasticjob_cloud.alerting.rendering import Letterhead, describe
from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.message import AlertMessage

_PREFIX = "whsec_"


def write_webhook(letter: Letter) -> Sequence[Post]:
    """Give the request."""
    channel, message = letter.channel, letter.message
    body = json.dumps(webhook_body(letter)).encode()
    timestamp = str(letter.now_ms // 1000)
    headers = {**channel.headers, "webhook-id": message.message_id, "webhook-timestamp": timestamp}
    if channel.secret:
        headers["webhook-signature"] = sign(channel.secret, message.message_id, timestamp, body)
    return [Post(channel.url, body, headers)]


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Give the signature: HMAC-SHA256 of id, timestamp and body, with dots between."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key_of(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def webhook_body(letter: Letter) -> dict[str, Any]:
    """Give the JSON object."""
    message = letter.message
    return {
        "id": message.message_id,
        "kind": message.kind.value,
        "createdTime": message.created_ms,
        "severity": message.severity.value,
        "title": letter.rendered.title,
        "text": letter.rendered.text,
        "total": message.total,
        "alerts": [alert_fields(alert, message, letter.head) for alert in message.alerts],
    }


def alert_fields(alert: Alert, message: AlertMessage, head: Letterhead) -> dict[str, Any]:
    """Give an alert as a webhook has it."""
    return {
        "id": alert.alert_id,
        "condition": alert.condition.value,
        "state": alert.state.value,
        "severity": alert.severity.value,
        "description": describe(alert, message),
        "jobName": alert.job_name,
        "appName": alert.app_name,
        "runId": alert.run_id or None,
        "shardingItems": list(alert.items),
        "where": alert.where,
        "summary": alert.summary,
        "value": alert.value,
        "count": alert.count,
        "since": alert.since_ms,
        "resolvedTime": alert.resolved_ms or None,
        "resolution": alert.resolution.value if alert.resolution else None,
        "link": head.link_to(alert),
    }


def _key_of(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


WEBHOOK = Format(write_webhook)
