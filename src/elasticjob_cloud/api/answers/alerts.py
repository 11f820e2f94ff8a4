"""What queries about alerts answer. Times are epoch milliseconds, 0 for never."""

from typing import Any

from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.json.channel_fields import channel_fields
from elasticjob_cloud.model.alerting.queries import ListedDelivery
from elasticjob_cloud.model.masking import mask_message


def alert_view(alert: Alert) -> dict[str, Any]:
    """Show an alert."""
    return {
        "id": alert.alert_id,
        "condition": alert.condition.value,
        "state": alert.state.value,
        "severity": alert.severity.value,
        "subject": alert.subject,
        "jobName": alert.job_name,
        "appName": alert.app_name,
        "runId": alert.run_id,
        "firstRunId": alert.first_run_id,
        "shardingItems": list(alert.items),
        "where": alert.where,
        # It quotes what jobs say: URLs and options with secrets in them, for one.
        "summary": mask_message(alert.summary),
        "value": alert.value,
        "count": alert.count,
        "since": alert.since_ms,
        "firedTime": alert.fired_ms,
        "lastTime": alert.last_ms,
        "acknowledgedBy": alert.acknowledged_by,
        "acknowledgedTime": alert.acknowledged_ms,
        "resolvedTime": alert.resolved_ms,
        "resolution": alert.resolution.value if alert.resolution else "",
        "channels": list(alert.channels),
        "messageId": alert.message_id,
        "messageTime": alert.announced_ms,
    }


def channel_view(channel: Channel) -> dict[str, Any]:
    """Show a channel; its secrets are `***`, for everybody."""
    return {"name": channel.name, **channel_fields(channel)}


def delivery_view(listed: ListedDelivery) -> dict[str, Any]:
    """Show a delivery."""
    delivery = listed.delivery
    return {
        "id": delivery.sequence,
        "messageId": delivery.message_id,
        "kind": listed.kind.value,
        "total": listed.total,
        "channel": delivery.channel,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "createdTime": delivery.created_ms,
        "nextTryTime": delivery.next_try_ms,
        "endedTime": delivery.ended_ms,
        "lastError": delivery.last_error,
    }
