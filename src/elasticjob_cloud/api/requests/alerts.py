"""What callers send about alerts: the parameters of lists, and bodies that name what exists."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from pydantic import Field

from elasticjob_cloud.api.requests.raw.query import QueryParameters
from elasticjob_cloud.api.requests.raw.text import shown
from elasticjob_cloud.model.alerting.alert import AlertState
from elasticjob_cloud.model.alerting.channel import MASK, Channel
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.delivery import DeliveryState
from elasticjob_cloud.model.alerting.json.channel_fields import read_channel
from elasticjob_cloud.model.alerting.json.rule_fields import read_rule
from elasticjob_cloud.model.alerting.queries import MOST_ROWS
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError

OPEN: Final = "OPEN"  # instead of a state: FIRING or ACKNOWLEDGED
_STANDS_FOR: Final = f"has {MASK}, which stands for a secret that was not shown: write the whole value."


class AlertEventsQuery(QueryParameters):
    """`GET /api/alert/events`."""

    state: str = Field("", description=f"{', '.join(AlertState)}, or {OPEN} for those that are not RESOLVED")
    condition: str = Field("", description=f"one of {', '.join(Condition)}")
    job_name: str = Field("", description="only this job's")
    app_name: str = Field("", description="only this app's")
    start_time: str = Field("", description="fired then or later; ISO 8601")
    end_time: str = Field("", description="fired then or earlier")
    limit: int = Field(50, ge=1, le=MOST_ROWS, description="the most rows of the page")
    cursor: str = Field("", description="`next` of the page before")


class AlertRulesQuery(QueryParameters):
    """`GET /api/alert/rules`."""

    search: str = Field("", description="part of a scope, in any case")
    holds_for: str = Field("", description="a scope: only its rule and the farther ones that hold for it too")
    after: str = Field("", description="only scopes after this one; they are sorted")
    limit: int = Field(0, ge=0, le=MOST_ROWS, description="the most rules, 0 for all")


class DeliveriesQuery(QueryParameters):
    """`GET /api/alert/deliveries`."""

    channel: str = Field("", description="only to this channel")
    state: str = Field("", description=f"one of {', '.join(DeliveryState)}")
    message_id: str = Field("", description="only of this message")
    limit: int = Field(50, ge=1, le=MOST_ROWS, description="the most rows of the page")
    cursor: str = Field("", description="`next` of the page before")


def known_rule(payload: Mapping[str, object], channels: Collection[str], prefix: str = "") -> AlertRule:
    """Read a rule whose channels exist. `prefix`: where it is in the request.

    Raises:
        InvalidRequestError: Fields are wrong, or name what there is not; it lists all of them.
    """
    errors: list[FieldError] = []
    rule = AlertRule()
    try:
        rule = read_rule(payload)
    except InvalidRequestError as error:
        errors += error.errors
    named = payload.get("channels")
    named = named if isinstance(named, list) else []
    unknown = [name for name in named if isinstance(name, str) and name not in channels]
    if unknown:
        there = f"There are: {', '.join(sorted(channels)[:50])}." if channels else "There are none yet."
        names = ", ".join(f"'{shown(name)}'" for name in unknown)
        problem = f"{names}: there is no such channel. {there} Set one with PUT /api/alert/channels/NAME."
        errors.append(FieldError("channels", problem))
    if errors:
        raise InvalidRequestError.of(*(FieldError(prefix + each.field, each.message) for each in errors))
    return rule


def known_channel(name: str, payload: Mapping[str, Any], stored: Channel | None) -> Channel:
    """Read a channel, with stored secrets instead of their masks, as `GET` shows them.

    Raises:
        InvalidRequestError: Fields are wrong, or a mask stands for nothing that is stored.
    """
    given = dict(payload)
    errors: list[FieldError] = []
    for field in ("url", "secret", "password"):
        value = given.get(field)
        if isinstance(value, str) and MASK in value:
            given[field] = _unmasked(field, value, stored, errors)
    headers = given.get("headers")
    if isinstance(headers, dict) and MASK in headers.values():
        kept = {} if stored is None else stored.headers
        given["headers"] = {key: kept.get(key, MASK) if it == MASK else it for key, it in headers.items()}
        if any(it == MASK and key not in kept for key, it in headers.items()):
            errors.append(FieldError("headers", _STANDS_FOR))
    if errors:
        raise InvalidRequestError.of(*errors)
    return read_channel(name, given)


def _unmasked(field: str, value: str, stored: Channel | None, errors: list[FieldError]) -> str:
    known: str = "" if stored is None else getattr(stored, field)
    shown_as = stored.shown_url if stored is not None and field == "url" else MASK
    if known and value == shown_as:
        return known
    errors.append(FieldError(field, _STANDS_FOR))
    return value
