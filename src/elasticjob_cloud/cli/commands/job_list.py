"""`elasticjob-cloud job list`: which jobs there are, how their last runs ended, and when they fire next."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elasticjob_cloud.cli.job_filters import AppNameFilter, SearchFilter, StateFilter
from elasticjob_cloud.cli.options import JsonOption, UrlOption, connect
from elasticjob_cloud.cli.output import local_time, print_json, print_table, say

if TYPE_CHECKING:
    from elasticjob_cloud.cli.connection import Connection, Query

_PAGE = 100


class SortName(StrEnum):
    """What the list may be sorted by."""

    JOB_NAME = "jobName"
    APP_NAME = "appName"
    STATE = "state"
    LAST_RUN = "lastRun"
    NEXT_FIRE = "nextFire"
    RUNNING_SHARDS = "runningShards"


def list_jobs(
    search: SearchFilter = None,
    app_name: AppNameFilter = None,
    state: StateFilter = None,
    sort: Annotated[SortName, typer.Option("--sort", help="What to sort by.")] = SortName.JOB_NAME,
    descending: Annotated[bool, typer.Option("--descending", "-d", help="Sort the other way round.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many to show; --json: all.")] = 500,
    json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List jobs, with the result of the last run and the next fire.

    With --json, the settings of all jobs that match.
    """
    query: dict[str, str | int | None] = {
        "search": search,
        "appName": app_name,
        "state": None if state is None else state.value,
        "sort": sort.value,
        "order": "desc" if descending else "asc",
    }
    with connect(url) as scheduler:
        if json:
            print_json(scheduler.get("job", "jobs", query=query))
            return
        total, rows = _read(scheduler, query, limit)
    if rows:
        _print(rows)
        if total > len(rows):
            say(
                f"{len(rows):,} of {total:,} jobs. For more: --limit; for fewer: --search, --app-name, --state."
            )
    elif search or app_name or state:
        say("No job matches.")
    else:
        say(
            "No jobs yet. Register one: elasticjob-cloud job register JOB_NAME --app-name APP_NAME --cron CRON"
        )


def _read(scheduler: "Connection", query: "Query", limit: int) -> tuple[int, list[dict[str, Any]]]:
    """Give how many jobs match, and the first of them."""
    rows: list[dict[str, Any]] = []
    total = 0
    for number in _page_numbers(limit):
        page = scheduler.get("job", "jobs", query={**query, "page": number, "per_page": _PAGE})
        total = page["total"]
        rows += page["rows"]
        if len(page["rows"]) < _PAGE:
            break
    return total, rows[:limit]


def _page_numbers(limit: int) -> Iterator[int]:
    return iter(range(1, -(-limit // _PAGE) + 1))


def _print(rows: list[dict[str, Any]]) -> None:
    print_table(
        ("JOB", "STATE", "LAST", "ENDED", "NEXT FIRE", "TYPE", "SHARDS", "CRON", "APP"),
        [
            (
                job.get("jobName"),
                _state(job),
                _last_result(job),
                local_time((job.get("lastRun") or {}).get("endTime")),
                local_time(job.get("nextFire")),
                job.get("jobExecutionType"),
                job.get("shardingTotalCount"),
                job.get("cron"),
                job.get("appName"),
            )
            for job in rows
        ],
        folded=("CRON", "APP"),
    )


def _state(job: dict[str, Any]) -> str:
    if job.get("disabled"):
        return "disabled"
    if job.get("runningShards"):
        return "running"
    return "waiting" if job.get("waitingReason") else "enabled"


def _last_result(job: dict[str, Any]) -> str:
    """Give how the last run or execution ended; of one that is under way, how the one before did."""
    recent = job.get("recent") or []
    return str(recent[0]) if recent else ""
