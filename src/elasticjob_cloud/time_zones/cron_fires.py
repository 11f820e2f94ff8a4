"""What a cron expression means, for people who write one. Quick to import."""

import datetime as dt
from zoneinfo import ZoneInfo

from elasticjob_cloud.cron import CronExpression, InvalidCronError
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.time_zones.machine import time_zone_problem


def next_cron_fires(cron: str, time_zone: str, after_ms: int, count: int) -> list[dt.datetime]:
    """Give the fires strictly after an instant (epoch milliseconds), in the zone; fewer than `count` when they end.

    Raises:
        InvalidRequestError: it is no Quartz cron expression, or there is no such time zone.
    """
    problem = time_zone_problem(time_zone)
    if problem:
        raise InvalidRequestError.of(FieldError("timeZone", f"'{time_zone}' is none: it {problem}"))
    zone = ZoneInfo(time_zone)
    try:
        expression = CronExpression.parse(cron)
    except InvalidCronError as error:
        raise InvalidRequestError(str(error)) from None
    return [
        dt.datetime.fromtimestamp(fire_ms / 1000, zone)
        for fire_ms in expression.fires_ms(after_ms, zone, count=count)
    ]


def numbered_weekdays(cron: str) -> tuple[str, str] | None:
    """Give the weekdays of an expression as they are written and in names, `1-5` and `SUN-THU`; None without numbers."""
    try:
        return CronExpression.parse(cron).numbered_weekdays
    except InvalidCronError:
        return None
