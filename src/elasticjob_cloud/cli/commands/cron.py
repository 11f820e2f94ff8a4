"""`elasticjob-cloud cron`: when an expression fires, worked out here, without a scheduler."""

import time
from typing import Annotated

import typer

from elasticjob_cloud.cli.output import print_json, say
from elasticjob_cloud.time_zones.cron_fires import next_cron_fires, numbered_weekdays
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
    fires = next_cron_fires(expression, machine.name, time.time_ns() // 1_000_000, count)
    if machine.warning:
        say(f"Warning: {machine.warning}")
    if json:
        weekdays = numbered_weekdays(expression)
        named = {} if weekdays is None else {"weekdays": weekdays[1]}
        print_json({"fires": [fire.isoformat() for fire in fires], **named})
        return
    say_weekdays(expression)
    if not fires:
        say(f"'{expression}' never fires again.")
    else:
        for fire in fires:
            print(f"{fire:%a %Y-%m-%d %H:%M:%S} {fire.isoformat()[-6:]}")


def say_weekdays(expression: str) -> None:
    """Name the weekdays that an expression has as numbers: few people expect Sunday to be 1."""
    weekdays = numbered_weekdays(expression)
    if weekdays is not None:
        say(f"Note: the day of week {weekdays[0]} is {weekdays[1]}; Sunday is 1.")
