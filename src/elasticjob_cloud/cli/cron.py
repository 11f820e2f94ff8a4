"""`elasticjob-cloud cron`: when an expression fires, worked out here, without a scheduler."""

import datetime as dt
import time
import zoneinfo
from typing import Annotated

import typer

from elasticjob_cloud.cli.output import print_json, say
from elasticjob_cloud.cron import CronExpression, InvalidCronError
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.service.time_zone import machine_time_zone, time_zone_problem

MAXIMUM_COUNT = 1000


def cron(
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help="Six or seven fields, in quotes.", show_default=False)
    ],
    time_zone: Annotated[
        str | None,
        typer.Option(
            "--time-zone",
            help="Its zone, such as Asia/Shanghai; by default this machine's.",
            show_default=False,
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, max=MAXIMUM_COUNT, help="How many fires.")
    ] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Show when a cron expression fires next.

    Its fields: second minute hour day-of-month month day-of-week [year], as Quartz has them.
    """
    zone = zoneinfo.ZoneInfo(_known_zone(time_zone) if time_zone else machine_time_zone())
    try:
        parsed = CronExpression.parse(expression)
    except InvalidCronError as error:
        raise InvalidRequestError(str(error)) from None
    fires = [
        dt.datetime.fromtimestamp(fire_ms / 1000, zone)
        for fire_ms in parsed.fires_ms(time.time_ns() // 1_000_000, zone, count=count)
    ]
    if json:
        print_json({"fires": [fire.isoformat() for fire in fires]})
    elif not fires:
        say(f"'{expression}' never fires again.")
    else:
        for fire in fires:
            print(f"{fire:%a %Y-%m-%d %H:%M:%S} {fire.isoformat()[-6:]}")


def _known_zone(name: str) -> str:
    problem = time_zone_problem(name)
    if problem:
        raise InvalidRequestError.of(FieldError("timeZone", f"'{name}' is none: it {problem}"))
    return name
