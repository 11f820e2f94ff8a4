"""Options and arguments that many commands share."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
TaskIdArgument = Annotated[
    str, typer.Argument(metavar="TASK_ID", help="The task's id, as `task list` shows it.", show_default=False)
]


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
