"""What a new leader must know of alerts, and what lists show of rules and silences."""

from sqlalchemy import Connection, select, text

from elasticjob_cloud.model.alerting.changes import AlertSnapshot
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.store.alerts import rows, tables


def load_alerts(connection: Connection) -> AlertSnapshot:
    """Give what the book of alerts begins with."""
    live = select(tables.alert).where(text(tables.LIVE_ALERT)).order_by(tables.alert.c.alert_id)
    health = select(tables.job_health).order_by(tables.job_health.c.job_name)
    return AlertSnapshot(
        rules=alert_rules(connection),
        silences=silences(connection),
        health=[rows.health_of(row) for row in connection.execute(health)],
        alerts=[rows.alert_of(row) for row in connection.execute(live)],
    )


def alert_rules(connection: Connection) -> dict[str, AlertRule]:
    """Give all rules, by scope."""
    found = connection.execute(select(tables.alert_rule).order_by(tables.alert_rule.c.scope))
    return {row[0]: rows.rule_of(row) for row in found}


def silences(connection: Connection) -> list[Silence]:
    """Give all silences, those that begin first in front."""
    silence = tables.alert_silence
    found = connection.execute(select(silence).order_by(silence.c.start_ms, silence.c.silence_id))
    return [rows.silence_of(row) for row in found]
