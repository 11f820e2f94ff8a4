"""Alerts in a SQL database."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.delivery import Delivery
from elasticjob_cloud.model.alerting.queries import AlertPage, AlertQuery, DeliveryPage, DeliveryQuery
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.store import lease
from elasticjob_cloud.store.alert_contract import DueDelivery
from elasticjob_cloud.store.alerts import channels, loading, outbox, pages
from elasticjob_cloud.store.databases.database import Database

_Transaction = Callable[[], AbstractContextManager[Connection]]


class SqlAlertStore:
    """An `AlertStore` (see `store/alert_contract.py`) that shares the connections of a `SqlStore`."""

    def __init__(
        self, database: Database, read: _Transaction, write: _Transaction, prune: Callable[[int, int], int]
    ) -> None:
        self._database = database
        self._read = read
        self._write = write
        self.prune = prune

    def rules(self) -> dict[str, AlertRule]:
        with self._read() as connection:
            return loading.alert_rules(connection)

    def silences(self) -> list[Silence]:
        with self._read() as connection:
            return loading.silences(connection)

    def events(self, query: AlertQuery) -> AlertPage:
        with self._read() as connection:
            return pages.alert_page(connection, query)

    def event(self, alert_id: str) -> Alert | None:
        with self._read() as connection:
            return pages.find_alert(connection, alert_id)

    def channels(self) -> list[Channel]:
        with self._read() as connection:
            return channels.all_channels(connection)

    def put_channel(self, channel: Channel) -> None:
        with self._write() as connection:
            lease.hold(connection)
            channels.put_channel(connection, self._database, channel)

    def drop_channel(self, name: str) -> bool:
        with self._write() as connection:
            lease.hold(connection)
            return channels.drop_channel(connection, name)

    def deliveries(self, query: DeliveryQuery) -> DeliveryPage:
        with self._read() as connection:
            return pages.delivery_page(connection, query)

    def due_deliveries(self, epoch: int, now_ms: int, busy: AbstractSet[str]) -> Sequence[DueDelivery]:
        with self._read() as connection:
            if not lease.is_of(connection, epoch):
                return []
            return outbox.due_deliveries(connection, now_ms, busy)

    def record_delivery(self, epoch: int, delivery: Delivery) -> None:
        with self._write() as connection:
            outbox.record_delivery(connection, epoch, delivery)
