"""Lists of alerts and of deliveries, newest first. An older page begins below the last row of the page before."""

from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, func, select, text, tuple_

from elasticjob_cloud.model.alerting.alert import Alert, AlertState
from elasticjob_cloud.model.alerting.message import MessageKind
from elasticjob_cloud.model.alerting.queries import (
    MOST_ROWS,
    AlertPage,
    AlertQuery,
    DeliveryPage,
    DeliveryQuery,
    ListedDelivery,
)
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.store.alerts import rows, tables
from elasticjob_cloud.store.rows import storable_text

_NUMBER_LIMIT: Final = 2**63  # what a database takes for an integer
_ALERT = tables.alert.c
_DELIVERY = tables.alert_delivery.c


def alert_page(connection: Connection, query: AlertQuery) -> AlertPage:
    """Give a page of alerts.

    Raises:
        InvalidRequestError: the limit, the interval or the cursor cannot be.
    """
    _check_limit(query.limit)
    _check_times(query)
    conditions = _alert_conditions(query)
    if query.cursor:
        conditions.append(tuple_(_ALERT.fired_ms, _ALERT.alert_id) < tuple_(*_place_of(query.cursor)))
    found = connection.execute(
        select(tables.alert)
        .where(*conditions)
        .order_by(_ALERT.fired_ms.desc(), _ALERT.alert_id.desc())
        .limit(query.limit + 1)
    ).fetchall()
    alerts = [rows.alert_of(row) for row in found[: query.limit]]
    has_more = len(found) > query.limit
    return AlertPage(alerts, f"{alerts[-1].fired_ms}.{alerts[-1].alert_id}" if has_more else None)


def find_alert(connection: Connection, alert_id: str) -> Alert | None:
    """Give an alert, or None where there is none of this id (any more)."""
    row = connection.execute(select(tables.alert).where(_ALERT.alert_id == storable_text(alert_id))).first()
    return None if row is None else rows.alert_of(row)


def delivery_page(connection: Connection, query: DeliveryQuery) -> DeliveryPage:
    """Give a page of deliveries.

    Raises:
        InvalidRequestError: the limit or the cursor cannot be.
    """
    _check_limit(query.limit)
    conditions: list[ColumnElement[bool]] = []
    if query.message_id:
        conditions.append(_DELIVERY.message_id == storable_text(query.message_id))
    if query.channel:
        conditions.append(_DELIVERY.channel == storable_text(query.channel))
    if query.state is not None:
        # One index leads to the rows; a better one than the state's is there where a channel or message is named.
        state = _unindexed(_DELIVERY.state) if conditions else _DELIVERY.state
        conditions.append(state == query.state.value)
    if query.cursor:
        conditions.append(_DELIVERY.sequence < _sequence_of(query.cursor))
    message = tables.alert_message.c
    found = connection.execute(
        select(*_DELIVERY, message.kind, message.total)
        .join(tables.alert_message, message.message_id == _DELIVERY.message_id)
        .where(*conditions)
        .order_by(_DELIVERY.sequence.desc())
        .limit(query.limit + 1)
    ).fetchall()
    listed = [
        ListedDelivery(rows.delivery_of(row), MessageKind(kind), total)
        for *row, kind, total in found[: query.limit]
    ]
    has_more = len(found) > query.limit
    return DeliveryPage(listed, str(listed[-1].delivery.sequence) if has_more else None)


def _alert_conditions(query: AlertQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    # Those that are open are few: their index is the best one, whatever else is asked for.
    if query.is_open or query.state in {AlertState.FIRING, AlertState.ACKNOWLEDGED}:
        conditions.append(text(tables.OPEN_ALERT))  # type: ignore[arg-type]  # it is a condition
    for column, value in (
        (_ALERT.job_name, query.job_name),
        (_ALERT.app_name, query.app_name),
        (_ALERT.condition, query.condition or ""),
    ):
        if value:
            leading = _unindexed(column) if conditions else column
            conditions.append(leading == storable_text(str(value)))
    if query.state is not None:
        conditions.append(_ALERT.state == query.state.value)
    if query.start_ms is not None:
        conditions.append(_ALERT.fired_ms >= query.start_ms)
    if query.end_ms is not None:
        conditions.append(_ALERT.fired_ms <= query.end_ms)
    return conditions


def _unindexed(column: Column[str]) -> ColumnElement[str]:
    """Give a column so that no index on it is used: a better one was chosen."""
    return func.coalesce(column, "")


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MOST_ROWS:
        raise InvalidRequestError.of(FieldError("limit", f"must be from 1 to {MOST_ROWS}."))


def _check_times(query: AlertQuery) -> None:
    for field, number in (("startTime", query.start_ms), ("endTime", query.end_ms)):
        if number is not None and abs(number) >= _NUMBER_LIMIT:
            raise InvalidRequestError.of(FieldError(field, "is out of range."))


def _place_of(cursor: str) -> tuple[int, str]:
    time, _, alert_id = cursor.partition(".")
    return _number_of(time), storable_text(alert_id)


def _sequence_of(cursor: str) -> int:
    return _number_of(cursor)


def _number_of(digits: str) -> int:
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else _NUMBER_LIMIT
    if number >= _NUMBER_LIMIT:
        raise InvalidRequestError.of(FieldError("cursor", "is not the `next` of an earlier page."))
    return number
