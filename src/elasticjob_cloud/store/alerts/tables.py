"""The tables of alerts, as `store/tables/` has all others."""

from typing import Any, Final

from sqlalchemy import Column, Double, Index, SmallInteger, Table, text

from elasticjob_cloud.store.tables.columns import ID, keyed_by_text, metadata, number_column, text_column

# `Alert`, field by field. `host` is its `where`; `items` and `channels` are JSON.
alert: Final = keyed_by_text(
    "alert",
    text_column("alert_id", primary_key=True),
    text_column("condition"),
    text_column("subject"),
    text_column("severity"),
    text_column("state"),
    number_column("since_ms"),
    number_column("fired_ms"),
    number_column("last_ms"),
    number_column("count"),
    text_column("job_name"),
    text_column("app_name"),
    text_column("host"),
    number_column("first_run_id"),
    number_column("run_id"),
    text_column("items"),
    text_column("summary"),
    Column("value", Double, nullable=False),
    text_column("acknowledged_by"),
    number_column("acknowledged_ms"),
    number_column("resolved_ms"),
    text_column("resolution"),
    text_column("channels"),
    text_column("message_id"),
    number_column("announced_ms"),
    number_column("told_ms"),
    number_column("closed_ms"),
    Column("is_live", SmallInteger, nullable=False),
)
alert_rule: Final = keyed_by_text("alert_rule", text_column("scope", primary_key=True), text_column("rule"))
# `Channel` as JSON, with its secrets: the database is as secret as they are.
alert_channel: Final = keyed_by_text(
    "alert_channel", text_column("name", primary_key=True), text_column("channel")
)
alert_silence: Final = keyed_by_text(
    "alert_silence",
    text_column("silence_id", primary_key=True),
    number_column("start_ms"),
    number_column("end_ms"),
    text_column("app_name"),
    text_column("job_name"),
    text_column("condition"),
    text_column("created_by"),
    text_column("comment"),
)
# What alerts must know of a job's past: `JobHealth` as JSON. Jobs that are well have no row.
job_health: Final = keyed_by_text(
    "job_health", text_column("job_name", primary_key=True), text_column("health")
)
# The outbox: each message once (`AlertMessage` as JSON), and a delivery for each of its channels.
alert_message: Final = keyed_by_text(
    "alert_message",
    text_column("message_id", primary_key=True),
    text_column("kind"),
    number_column("created_ms"),
    number_column("total"),
    text_column("message"),
)
alert_delivery: Final = Table(
    "alert_delivery",
    metadata,
    Column("sequence", ID, primary_key=True, nullable=False),
    text_column("message_id"),
    text_column("channel"),
    number_column("created_ms"),
    text_column("state"),
    number_column("attempts"),
    number_column("next_try_ms"),
    number_column("ended_ms"),
    text_column("last_error"),
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
