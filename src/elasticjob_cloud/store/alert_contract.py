"""What every store promises about alerts. As in `store/contract.py`: all methods may block, and raise `StoreUnavailableError`.

Rules, silences and alerts are written by commits of turns alone, and read here. Channels are no matter of the core.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.delivery import Delivery
from elasticjob_cloud.model.alerting.message import AlertMessage
from elasticjob_cloud.model.alerting.queries import AlertPage, AlertQuery, DeliveryPage, DeliveryQuery
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.alerting.silence import Silence


class DueDelivery(NamedTuple):
    """A delivery that is due. `channel`: as it is set now; None: there is none of that name (any more)."""

    delivery: Delivery
    message: AlertMessage
    channel: Channel | None


class AlertStore(Protocol):
    """Alerts as people, the API and the sender see them."""

    def rules(self) -> dict[str, AlertRule]:
        """Give all rules, by scope."""

    def silences(self) -> list[Silence]:
        """Give all silences that are kept, those that are over included; the first to begin is first."""

    def events(self, query: AlertQuery) -> AlertPage:
        """Give a page of alerts, those that fired last first. Raises `InvalidRequestError`."""

    def event(self, alert_id: str) -> Alert | None:
        """Give an alert, or None when there is none of this id (any more)."""

    def channels(self) -> list[Channel]:
        """Give all channels with their secrets, by name."""

    def put_channel(self, channel: Channel) -> None:
        """Write a channel over the one of its name."""

    def drop_channel(self, name: str) -> bool:
        """Delete a channel; False: there is none of this name."""

    def deliveries(self, query: DeliveryQuery) -> DeliveryPage:
        """Give a page of deliveries, the newest first. Raises `InvalidRequestError`."""

    def due_deliveries(self, epoch: int, now_ms: int, busy: AbstractSet[str]) -> Sequence[DueDelivery]:
        """Give the oldest PENDING delivery of each channel that is not busy, if its `next_try_ms` has come.

        Nothing is changed. Empty when `epoch` does not lead.
        """

    def record_delivery(self, epoch: int, delivery: Delivery) -> None:
        """Write what became of a delivery over its row, if that is PENDING.

        A failure is written only while `epoch` leads: the next leader judges for itself.
        """

    def prune(self, before_ms: int, limit: int) -> int:
        """Delete at most `limit` rows of alerts, deliveries, messages and silences that were over before this.

        Gives how many. Alerts that are live, and messages that are still to be sent, stay.
        """
