"""Options that choose jobs, as the API's list of jobs filters them."""

from enum import StrEnum
from typing import Annotated

import typer

SearchFilter = Annotated[
    str | None,
    typer.Option(
        "--search", help="Only jobs with this in name, app's name or description.", show_default=False
    ),
]
AppNameFilter = Annotated[
    str | None, typer.Option("--app-name", "-a", help="Only the jobs of this app.", show_default=False)
]


class JobStateName(StrEnum):
    """The states that a list of jobs may be filtered by."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    DROPPED = "DROPPED"


StateFilter = Annotated[
    JobStateName | None,
    typer.Option(
        "--state",
        case_sensitive=False,
        help="Only jobs that are enabled or disabled, that run or wait, or whose last run ended so.",
        show_default=False,
    ),
]
