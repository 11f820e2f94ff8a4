"""Alerts, rules and messages to commit."""

from dataclasses import replace

from elasticjob_cloud.model.alerting.alert import Alert, AlertState, Resolution
from elasticjob_cloud.model.alerting.changes import AlertChanges
from elasticjob_cloud.model.alerting.conditions import Condition, Severity, Threshold
from elasticjob_cloud.model.alerting.health import JobHealth, Restart
from elasticjob_cloud.model.alerting.message import AlertMessage, MessageKind
from elasticjob_cloud.model.alerting.quiet_hours import QuietHours
from elasticjob_cloud.model.alerting.rule import AlertRule, Language
from elasticjob_cloud.model.alerting.silence import Silence


def alert(alert_id: str = "a", fired_ms: int = 1_000, **fields: object) -> Alert:
    """An alert about the job `report` of the app `finance`."""
    made = Alert(
        alert_id=alert_id,
        condition=Condition.RUN_FAILED,
        subject="report",
        severity=Severity.CRITICAL,
        state=AlertState.FIRING,
        since_ms=fired_ms,
        fired_ms=fired_ms,
        last_ms=fired_ms,
        job_name="report",
        app_name="finance",
    )
    return replace(made, **fields)  # type: ignore[arg-type]  # fields of any type


def closed_alert(alert_id: str, closed_ms: int) -> Alert:
    """One that is over."""
    return alert(
        alert_id,
        closed_ms,
        state=AlertState.RESOLVED,
        resolution=Resolution.RECOVERED,
        resolved_ms=closed_ms,
        closed_ms=closed_ms,
        is_live=False,
    )


FULL_ALERT = alert(
    "full",
    subject="host:/data",
    since_ms=900,
    last_ms=1_100,
    count=7,
    where="host",
    first_run_id=3,
    run_id=9,
    items=(0, 2),
    summary="KeyError: 'é'",
    value=0.25,
    state=AlertState.ACKNOWLEDGED,
    acknowledged_by="ada",
    acknowledged_ms=1_050,
    channels=("ops", "mail"),
    message_id="m",
    announced_ms=1_020,
    told_ms=1_030,
)
FULL_RULE = AlertRule(
    channels=("ops",),
    conditions={
        Condition.RUN_FAILED: Threshold(enabled=True, after=3),
        Condition.DROPPED: Threshold(enabled=False),
    },
    severity=Severity.WARNING,
    severities={Condition.LATE: Severity.INFO},
    language=Language.CHINESE,
    silence_minutes=5,
    reminder_minutes=60.5,
    group_seconds=0,
    quiet_hours=QuietHours("22:00", "07:00", "Asia/Shanghai"),
    template="$job: $what",
)
HEALTH = JobHealth(
    job_name="report",
    failures=2,
    failing_since_ms=900,
    success_ms=5,
    durations_ms=(10, 20),
    restarts=(Restart(0, 7), Restart(1, 8)),
)


def message(message_id: str, *channels: str, created_ms: int = 1_000) -> AlertMessage:
    """A message about one alert."""
    return AlertMessage(
        message_id=message_id,
        kind=MessageKind.FIRE,
        created_ms=created_ms,
        channels=channels or ("ops",),
        language=Language.CHINESE,
        template="$job",
        alerts=(FULL_ALERT,),
        total=1,
        closed_ids=("m0",),
    )


def silence(silence_id: str, start_ms: int = 0, end_ms: int = 10_000) -> Silence:
    """A silence for one condition of an app."""
    return Silence(
        silence_id=silence_id,
        start_ms=start_ms,
        end_ms=end_ms,
        app_name="finance",
        condition=Condition.LATE,
        created_by="ada",
        comment="maintenance",
    )


def alerts(*rows: Alert) -> AlertChanges:
    """What writes these alerts."""
    return AlertChanges(alerts={row.alert_id: row for row in rows})
