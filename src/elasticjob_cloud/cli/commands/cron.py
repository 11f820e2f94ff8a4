"""`elasticjob-cloud cron`: when an expression fires, worked out here, without a scheduler."""

import time
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from elasticjob_cloud.cli.output import print_json, say
from elasticjob_cloud.cron import CronExpression, InvalidCronError
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.time_zones.hints import time_zone_problem
from elasticjob_cloud.time_zones.machine import MachineZone, find_machine_zone

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
    machine = MachineZone(time_zone) if time_zone else find_machine_zone()
    zone = _zone(machine.name)
    parsed = _parsed(expression)
    fires = parsed.next_fires(time.time_ns() // 1_000_000, zone, count)
    if machine.warning:
        say(f"Warning: {machine.warning}")
    if json:
        weekdays = parsed.numbered_weekdays
        named = {} if weekdays is None else {"weekdays": weekdays[1]}
        print_json({"fires": [fire.isoformat() for fire in fires], **named})
        return
    say_weekdays(expression)
    if not fires:
        say(f"'{expression}' never fires again.")
    else:
        for fire in fires:
            print(f"{fire:%a %Y-%m-%d %H:%M:%S} {fire.isoformat()[-6:]}")


def _zone(name: str) -> ZoneInfo:
    problem = time_zone_problem(name)
    if problem:
        raise InvalidRequestError.of(FieldError("timeZone", f"'{name}' is none: it {problem}"))
    return ZoneInfo(name)


def _parsed(expression: str) -> CronExpression:
    try:
        return CronExpression.parse(expression)
    except InvalidCronError as error:
        raise InvalidRequestError(str(error)) from None


def say_weekdays(expression: str) -> None:
    """Name the weekdays that an expression has as numbers: few people expect Sunday to be 1."""
    try:
        weekdays = CronExpression.parse(expression).numbered_weekdays
    except InvalidCronError:
        return  # the scheduler or the agent reports it
    if weekdays is not None:
        say(f"Note: the day of week {weekdays[0]} is {weekdays[1]}; Sunday is 1.")
