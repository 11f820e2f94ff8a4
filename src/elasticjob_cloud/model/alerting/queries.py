"""Questions about alerts and deliveries, and their answers (`GET /alert/events`, `GET /alert/deliveries`)."""

from dataclasses import dataclass
from typing import Final

from elasticjob_cloud.model.alerting.alert import Alert, AlertState
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState
from elasticjob_cloud.model.alerting.message import MessageKind

MOST_ROWS: Final = 1000  # of a page


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertQuery:
    """One page of alerts, those that fired last first. Empty, None and False: no such filter.

    `start_ms` and `end_ms` bound when they fired, both included. `cursor`: `next` of the page before.
    """

    state: AlertState | None = None
    is_open: bool = False
    condition: Condition | None = None
    job_name: str = ""
    app_name: str = ""
    start_ms: int | None = None
    end_ms: int | None = None
    limit: int = 50
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Alerts. `next`: the cursor of the next page; None when there is none."""

    rows: list[Alert]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQuery:
    """One page of deliveries, the newest first. Empty and None: no such filter."""

    channel: str = ""
    state: DeliveryState | None = None
    message_id: str = ""
    limit: int = 50
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class ListedDelivery:
    """A delivery, and of its message the kind and how many alerts it is about."""

    delivery: Delivery
    kind: MessageKind
    total: int


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Deliveries. `next`: the cursor of the next page; None when there is none."""

    rows: list[ListedDelivery]
    next: str | None
