"""The tables of alerts, as `store/tables.py` has all others."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Double, Index, Integer, SmallInteger, Table, Text, text

from elasticjob_cloud.store.tables import metadata

# SQLite numbers rows by itself only where the type is exactly INTEGER.
_ID = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, *, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _keyed_by_text(name: str, key: str, *columns: Column[Any]) -> Table:
    return Table(name, metadata, _text(key, primary_key=True), *columns, sqlite_with_rowid=False)


# `Alert`, field by field. `host` is its `where`; `items` and `channels` are JSON.
alert: Final = _keyed_by_text(
    "alert",
    "alert_id",
    _text("condition"),
    _text("subject"),
    _text("severity"),
    _text("state"),
    _number("since_ms"),
    _number("fired_ms"),
    _number("last_ms"),
    _number("count"),
    _text("job_name"),
    _text("app_name"),
    _text("host"),
    _number("first_run_id"),
    _number("run_id"),
    _text("items"),
    _text("summary"),
    Column("value", Double, nullable=False),
    _text("acknowledged_by"),
    _number("acknowledged_ms"),
    _number("resolved_ms"),
    _text("resolution"),
    _text("channels"),
    _text("message_id"),
    _number("announced_ms"),
    _number("told_ms"),
    _number("closed_ms"),
    Column("is_live", SmallInteger, nullable=False),
)
alert_rule: Final = _keyed_by_text("alert_rule", "scope", _text("rule"))
# `Channel` as JSON, with its secrets: the database is as secret as they are.
alert_channel: Final = _keyed_by_text("alert_channel", "name", _text("channel"))
alert_silence: Final = _keyed_by_text(
    "alert_silence",
    "silence_id",
    _number("start_ms"),
    _number("end_ms"),
    _text("app_name"),
    _text("job_name"),
    _text("condition"),
    _text("created_by"),
    _text("comment"),
)
# What alerts must know of a job's past: `JobHealth` as JSON. Jobs that are well have no row.
job_health: Final = _keyed_by_text("job_health", "job_name", _text("health"))
# The outbox: each message once (`AlertMessage` as JSON), and a delivery for each of its channels.
alert_message: Final = _keyed_by_text(
    "alert_message", "message_id", _text("kind"), _number("created_ms"), _number("total"), _text("message")
)
alert_delivery: Final = Table(
    "alert_delivery",
    metadata,
    Column("sequence", _ID, primary_key=True, nullable=False),
    _text("message_id"),
    _text("channel"),
    _number("created_ms"),
    _text("state"),
    _number("attempts"),
    _number("next_try_ms"),
    _number("ended_ms"),
    _text("last_error"),
)

LIVE_ALERT: Final = "is_live = 1"
OPEN_ALERT: Final = "state <> 'RESOLVED'"
CLOSED_ALERT: Final = "is_live = 0"
PENDING_DELIVERY: Final = "state = 'PENDING'"
ENDED_DELIVERY: Final = "state <> 'PENDING'"


def _index(name: str, *columns: Column[Any], where: str | None = None) -> None:
    condition = None if where is None else text(where)
    Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


_ALERT = alert.c
_ORDER = (_ALERT.fired_ms, _ALERT.alert_id)
_index("alert_live", _ALERT.alert_id, where=LIVE_ALERT)
_index("alert_closed", _ALERT.closed_ms, where=CLOSED_ALERT)
# Lists walk one of these from its end; those of jobs and apps have what else is asked for.
_index("alert_fired", *_ORDER)
_index("alert_open", *_ORDER, where=OPEN_ALERT)
_index("alert_condition", _ALERT.condition, *_ORDER)
_index("alert_job_name", _ALERT.job_name, *_ORDER, _ALERT.condition, _ALERT.state)
_index("alert_app_name", _ALERT.app_name, *_ORDER, _ALERT.condition, _ALERT.state)
_index("alert_message_created", alert_message.c.created_ms)
_DELIVERY = alert_delivery.c
_index("alert_delivery_pending", _DELIVERY.channel, _DELIVERY.sequence, where=PENDING_DELIVERY)
_index("alert_delivery_ended", _DELIVERY.ended_ms, where=ENDED_DELIVERY)
_index("alert_delivery_message", _DELIVERY.message_id)
_index("alert_delivery_channel", _DELIVERY.channel, _DELIVERY.sequence)
_index("alert_delivery_state", _DELIVERY.state, _DELIVERY.sequence)
