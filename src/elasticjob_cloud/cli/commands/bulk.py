"""`elasticjob-cloud job bulk`: one change to many jobs."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from elasticjob_cloud.cli.job_filters import AppNameFilter, SearchFilter, StateFilter
from elasticjob_cloud.cli.options import JsonOption, UrlOption, YesOption, confirm, connect
from elasticjob_cloud.cli.output import print_json, print_table, say
from elasticjob_cloud.model.errors import InvalidRequestError

_AT_ONCE = 2_000  # names of one call: their body stays below 1 MiB, whatever their letters
_NAMED = 5


class BulkActionName(StrEnum):
    """What can be done to many jobs."""

    ENABLE = "enable"
    DISABLE = "disable"
    TRIGGER = "trigger"
    DEREGISTER = "deregister"


def change_many(
    action: Annotated[BulkActionName, typer.Argument(help="What to do to each of them.", show_default=False)],
    search: SearchFilter = None,
    app_name: AppNameFilter = None,
    state: StateFilter = None,
    names_from: Annotated[
        Path | None,
        typer.Option(
            "--names-from",
            metavar="FILE",
            help="Instead: the jobs of a file, a name a line (- reads stdin).",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which jobs these are, and stop.")] = False,
    yes: YesOption = False,
    json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Enable, disable, trigger or deregister all jobs that match.

    It says how many there are, and asks. Each job's outcome is its own; those that failed are listed, and the exit code
    is 1 then.
    """
    filters = {"search": search, "appName": app_name, "state": None if state is None else state.value}
    given = {name: value for name, value in filters.items() if value}
    if bool(given) == (names_from is not None):
        raise InvalidRequestError("Choose jobs by --search, --app-name or --state, or else by --names-from.")
    with connect(url) as scheduler:
        if names_from is not None:
            names = _read_names(names_from)
        else:
            found = scheduler.post(
                "job", "bulk", json={"action": action.value, "filter": given, "dryRun": True}
            )
            names = [row["jobName"] for row in found["results"]]
        if dry_run or not names:
            _show_choice(action, names, json=json)
            return
        confirm(f"{action.value.capitalize()} {_counted(names)}?", yes=yes)
        results: list[dict[str, Any]] = []
        for start in range(0, len(names), _AT_ONCE):
            body = {"action": action.value, "names": names[start : start + _AT_ONCE]}
            results += scheduler.post("job", "bulk", json=body)["results"]
    _show_results(results, json=json)


def _read_names(path: Path) -> list[str]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"Cannot read {path}: {error}.") from None
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _counted(names: list[str]) -> str:
    named = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    return f"{len(names):,} job{'' if len(names) == 1 else 's'} ({named})"


def _show_choice(action: BulkActionName, names: list[str], *, json: bool) -> None:
    if json:
        print_json(names)
    elif not names:
        say("No job matches.")
    else:
        print_table(("JOB",), [(name,) for name in names])
        say(f"Without --dry-run: {action.value} {_counted(names)}.")


def _show_results(results: list[dict[str, Any]], *, json: bool) -> None:
    failed = [row for row in results if not row["done"]]
    if json:
        print_json(results)
    else:
        if failed:
            print_table(
                ("JOB", "STATUS", "WHY"),
                [(row["jobName"], row["status"], row["message"]) for row in failed],
                folded=("WHY",),
            )
        say(f"{len(results) - len(failed):,} done, {len(failed):,} failed.")
    if failed:
        raise typer.Exit(1)
