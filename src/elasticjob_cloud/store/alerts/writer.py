"""How the alerts of a turn are written, in its commit."""

from typing import Any

from sqlalchemy import bindparam, insert

from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.changes import AlertChanges
from elasticjob_cloud.model.alerting.health import JobHealth
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.store.alerts import rows, tables
from elasticjob_cloud.store.databases.batch import Batch
from elasticjob_cloud.store.databases.database import Database
from elasticjob_cloud.store.keyed import KeyedTable, single_key


class AlertsWriter:
    """Writes an `AlertChanges` in a batch, whose transaction is its caller's."""

    def __init__(self, database: Database) -> None:
        self._alerts = KeyedTable[str, Alert](
            database, tables.alert, lambda _, alert: rows.alert_row(alert), single_key
        )
        self._health = KeyedTable[str, JobHealth](database, tables.job_health, rows.health_row, single_key)
        self._rules = KeyedTable[str, AlertRule](database, tables.alert_rule, rows.rule_row, single_key)
        self._silences = KeyedTable[str, Silence](
            database, tables.alert_silence, rows.silence_row, single_key
        )
        message, delivery = tables.alert_message, tables.alert_delivery
        self._messages = database.insert_many(insert(message), list(message.c))
        # The database counts the sequence, in the order of the rows: that of sending.
        columns = [column for column in delivery.c if column is not delivery.c.sequence]
        values: dict[str, Any] = {column.name: bindparam(column.name) for column in columns}
        self._deliveries = database.insert_many(insert(delivery).values(values), columns)

    def write(self, batch: Batch, changes: AlertChanges) -> None:
        """Write all rows."""
        self._alerts.write(batch, changes.alerts)
        self._health.write(batch, changes.health)
        self._rules.write(batch, changes.rules)
        self._silences.write(batch, changes.silences)
        messages = changes.messages
        batch.execute_many(self._messages, [rows.message_row(message) for message in messages])
        batch.execute_many(
            self._deliveries, [row for message in messages for row in rows.delivery_rows(message)]
        )
