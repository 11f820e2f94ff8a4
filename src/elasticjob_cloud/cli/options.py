"""Options and arguments that many commands share."""

import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from elasticjob_cloud.cli.credentials import DEFAULT_URL, choose_login
from elasticjob_cloud.model.errors import CallerError

if TYPE_CHECKING:
    from elasticjob_cloud.cli.connection import Connection

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help=f"The scheduler to ask; else $ELASTICJOB_URL, that of the last log-in, or {DEFAULT_URL}.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
SecretsOption = Annotated[
    bool,
    typer.Option("--show-secrets", help="Show passwords and the like, which the table has as *** otherwise."),
]
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask first; required where no terminal is there to ask at.")
]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        help="Take the fields from a JSON or TOML file (- reads stdin); options go before it.",
        show_default=False,
    ),
]
AppNameArgument = Annotated[
    str, typer.Argument(metavar="APP_NAME", help="The app's name.", show_default=False)
]
JobNameArgument = Annotated[
    str, typer.Argument(metavar="JOB_NAME", help="The job's name.", show_default=False)
]
WideOption = Annotated[bool, typer.Option("--wide", "-w", help="Show more columns, such as ids.")]
WaitOption = Annotated[
    bool,
    typer.Option(
        "--wait",
        help="Wait until the run has ended: exit code 1 if it failed, 5 if it was killed or dropped.",
    ),
]
FollowRunOption = Annotated[
    bool, typer.Option("--follow", "-f", help="Wait, and print what its shards print.")
]
StartTimeOption = Annotated[
    str | None,
    typer.Option(
        "--start-time", help="From this time on, such as 2026-11-22T15:00:00+08:00.", show_default=False
    ),
]
EndTimeOption = Annotated[str | None, typer.Option("--end-time", help="Up to this time.", show_default=False)]
RunIdArgument = Annotated[
    int, typer.Argument(metavar="RUN_ID", help="The run's id, as `run list` shows it.", show_default=False)
]
TaskIdArgument = Annotated[
    str, typer.Argument(metavar="TASK_ID", help="The task's id, as `task list` shows it.", show_default=False)
]


def offer_ca_file(command: object) -> None:
    """Give each command that calls a scheduler the option `--ca-file`, which sets the variable of the same meaning."""
    if isinstance(command, TyperGroup):
        for member in command.commands.values():
            offer_ca_file(member)
    elif isinstance(command, TyperCommand) and any("--url" in option.opts for option in command.params):
        command.params.extend(_ca_file_sample().params)


def _note_ca_file(path: str | None) -> None:
    from elasticjob_cloud.model.trust import CA_FILE_VARIABLE  # noqa: PLC0415 - ssl: slow to import

    if path:
        os.environ[CA_FILE_VARIABLE] = path


@cache
def _ca_file_sample() -> TyperCommand:
    """Make a command that has the option alone, since Typer makes options of a function's parameters only."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def sample(
        ca_file: Annotated[
            str | None,
            typer.Option(
                "--ca-file",
                metavar="FILE",
                help="A PEM file of authorities to trust in addition to the system's; else $ELASTICJOB_CA_FILE.",
                show_default=False,
                expose_value=False,
                callback=_note_ca_file,
            ),
        ] = None,
    ) -> None:
        del ca_file

    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand), "one command is no group"
    return command


def connect(url: str | None) -> "Connection":
    """Open the scheduler that the options, the environment or the last log-in name."""
    # httpx takes longer to import than all else together: `--help` and `cron` do without.
    from elasticjob_cloud.cli.connection import Connection  # noqa: PLC0415

    return Connection(choose_login(url))


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is removed; end the command on a no, or where nobody is there to answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CallerError(f"{question} Nothing was removed: without a terminal to ask at, add --yes.")
    typer.confirm(question, abort=True, err=True)
