"""Keep alerts: their rules, channels and silences, what they must know of jobs, and the messages to send of them.

Revision 0008. A scheduler of 0007 does not look at these tables, and decides on no alerts. What happens while it leads is
found by the next leader as far as it still goes on then: runs that wait or go on, agents that are not there.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ALERT_ORDER = ["fired_ms", "alert_id"]


def upgrade() -> None:
    _create_alert()
    _create_keyed("alert_rule", _text("scope"), _text("rule"))
    _create_keyed("alert_channel", _text("name"), _text("channel"))
    _create_keyed(
        "alert_silence",
        _text("silence_id"),
        *_numbers("start_ms", "end_ms"),
        *_texts("app_name", "job_name", "condition", "created_by", "comment"),
    )
    _create_keyed("job_health", _text("job_name"), _text("health"))
    _create_outbox()


def _create_alert() -> None:
    _create_keyed(
        "alert",
        *_texts("alert_id", "condition", "subject", "severity", "state"),
        *_numbers("since_ms", "fired_ms", "last_ms", "count"),
        *_texts("job_name", "app_name", "host"),
        *_numbers("first_run_id", "run_id"),
        *_texts("items", "summary"),
        sa.Column("value", sa.Double(), nullable=False),
        _text("acknowledged_by"),
        *_numbers("acknowledged_ms", "resolved_ms"),
        *_texts("resolution", "channels", "message_id"),
        *_numbers("announced_ms", "told_ms", "closed_ms"),
        sa.Column("is_live", sa.SmallInteger(), nullable=False),
    )
    _create_index("alert_live", "alert", ["alert_id"], "is_live = 1")
    _create_index("alert_closed", "alert", ["closed_ms"], "is_live = 0")
    _create_index("alert_fired", "alert", _ALERT_ORDER)
    _create_index("alert_open", "alert", _ALERT_ORDER, "state <> 'RESOLVED'")
    _create_index("alert_condition", "alert", ["condition", *_ALERT_ORDER])
    _create_index("alert_job_name", "alert", ["job_name", *_ALERT_ORDER, "condition", "state"])
    _create_index("alert_app_name", "alert", ["app_name", *_ALERT_ORDER, "condition", "state"])


def _create_outbox() -> None:
    _create_keyed(
        "alert_message", *_texts("message_id", "kind"), *_numbers("created_ms", "total"), _text("message")
    )
    _create_index("alert_message_created", "alert_message", ["created_ms"])
    delivery = "alert_delivery"
    op.create_table(
        delivery,
        sa.Column("sequence", _ID, primary_key=True, nullable=False),
        *_texts("message_id", "channel"),
        *_numbers("created_ms"),
        _text("state"),
        *_numbers("attempts", "next_try_ms", "ended_ms"),
        _text("last_error"),
    )
    _create_index("alert_delivery_pending", delivery, ["channel", "sequence"], "state = 'PENDING'")
    _create_index("alert_delivery_ended", delivery, ["ended_ms"], "state <> 'PENDING'")
    _create_index("alert_delivery_message", delivery, ["message_id"])
    _create_index("alert_delivery_channel", delivery, ["channel", "sequence"])
    _create_index("alert_delivery_state", delivery, ["state", "sequence"])


def _create_keyed(name: str, key: sa.Column[str], *columns: sa.Column[Any]) -> None:
    op.create_table(name, key, *columns, sa.PrimaryKeyConstraint(key.name), sqlite_with_rowid=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [_text(name) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _create_index(name: str, table: str, columns: list[str], where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition)
