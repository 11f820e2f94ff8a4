"""What makes a schedule a good one: a cron that fires, in a time zone that exists."""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from elasticjob_cloud.api.requests.raw.text import shown
from elasticjob_cloud.cron import CronExpression, InvalidCronError
from elasticjob_cloud.model.errors import FieldError
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.time_zones.hints import zone_hint
from elasticjob_cloud.time_zones.names import is_time_zone

_MAXIMUM_CRON_LENGTH: Final = 1024


def zone_problem(name: str) -> str | None:
    """Say what is wrong with the name of a time zone, or None."""
    if is_time_zone(name):
        return None
    return f"'{shown(name)}' is not the IANA name of a time zone{zone_hint(name)}"


def cron_problem(cron: str, zone_name: str, now_ms: int) -> str | None:
    """Say what is wrong with a cron expression, or None: it must be Quartz's, and fire at least once from now on."""
    if len(cron) > _MAXIMUM_CRON_LENGTH:
        return f"must have at most {_MAXIMUM_CRON_LENGTH:,} characters."
    try:
        expression = CronExpression.parse(cron)
    except InvalidCronError as error:
        return str(error)
    if expression.next_fire_ms(now_ms, ZoneInfo(zone_name)) is None:
        return f"'{shown(cron)}' never fires from now on."
    return None


def schedule_errors(
    fields: Mapping[str, Any], default_zone: str, now_ms: int, stored: JobConfiguration | None = None
) -> list[FieldError]:
    """Check `cron` and `timeZone` of a request; what is no string is left to others.

    An update may keep what is `stored`, such as a cron that has fired for the last time.
    """
    cron = fields.get("cron") or ""
    zone_name = fields.get("timeZone") or default_zone
    if stored is not None and (cron, zone_name) == (stored.cron, stored.time_zone or default_zone):
        return []
    errors: list[FieldError] = []
    problem = zone_problem(zone_name) if isinstance(zone_name, str) else None
    if problem is not None:
        errors.append(FieldError("timeZone", problem))
    if problem is not None or not isinstance(zone_name, str):
        # The expression can be read all the same, so that both fields' faults are told at once.
        zone_name = default_zone
    problem = cron_problem(cron, zone_name, now_ms) if isinstance(cron, str) and cron else None
    if problem is not None:
        errors.append(FieldError("cron", problem))
    return errors


def cron_view(cron: str, zone_name: str, start_ms: int, count: int) -> dict[str, Any]:
    """Show what an expression means: its next fires strictly after `start_ms`, and its weekdays in names where they are numbers."""
    expression = CronExpression.parse(cron)
    weekdays = expression.numbered_weekdays
    named = {} if weekdays is None else {"weekdays": weekdays[1]}
    fires = expression.next_fires(start_ms, ZoneInfo(zone_name), count)
    return {"fires": [fire.isoformat() for fire in fires], **named}
