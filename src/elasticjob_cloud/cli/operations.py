"""`elasticjob-cloud agents`, `schedulers` and `events`: who is there, and what happened."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from elasticjob_cloud.cli.options import JsonOption, UrlOption, connect
from elasticjob_cloud.cli.output import local_time, number, print_json, print_table, say

events = typer.Typer(no_args_is_help=True, help="What happened: executions of job code, and states of tasks.")

JobNameFilter = Annotated[
    str | None, typer.Option("--job-name", "-j", help="Only this job's.", show_default=False)
]
TaskIdFilter = Annotated[str | None, typer.Option("--task-id", help="Only this task's.", show_default=False)]
StateFilter = Annotated[
    str | None, typer.Option("--state", help="Only this state, such as TASK_FAILED.", show_default=False)
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start-time", help="From this time on, such as 2026-11-22T15:00:00+08:00.", show_default=False
    ),
]
EndOption = Annotated[str | None, typer.Option("--end-time", help="Up to this time.", show_default=False)]
PageOption = Annotated[int, typer.Option("--page", min=1, help="Which page.")]
PerPageOption = Annotated[int, typer.Option("--per-page", min=1, help="Rows of a page.")]


def agents(json: JsonOption = False, url: UrlOption = None) -> None:
    """List the machines that run tasks, and their room."""
    with connect(url) as scheduler:
        rows = scheduler.get("operate", "agents")
    if json:
        print_json(rows)
    elif not rows:
        say(
            "No agent is there, so nothing can run. The scheduler's log says why; a standalone scheduler brings its own."
        )
    else:
        print_table(
            ("AGENT", "HOST", "IP", "CPUS", "MEMORY MB", "TASKS", "EXECUTORS", "LAST SEEN"), map(_agent, rows)
        )


def _agent(row: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        _first(row, "id", "agentId"),
        _first(row, "host", "hostname"),
        row.get("ip"),
        _share(row, "cpus"),
        _share(row, "memoryMB"),
        row.get("taskCount"),
        ", ".join(str(name) for name in row.get("executors") or ()),
        local_time(_first(row, "lastSeen", "lastSeenTime")),
    )


def _first(row: Mapping[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if name in row), None)


def _share(row: Mapping[str, Any], name: str) -> str:
    return f"{number(row.get(f'{name}Used'))} of {number(row.get(f'{name}Total'))}"


def schedulers(json: JsonOption = False, url: UrlOption = None) -> None:
    """List the schedulers: who leads, who stands by."""
    with connect(url) as scheduler:
        rows = scheduler.get("operate", "schedulers")
    if json:
        print_json(rows)
    elif not rows:
        say("No scheduler has registered itself yet.")
    else:
        print_table(
            ("SCHEDULER", "ADDRESS", "ROLE"),
            [
                (
                    _first(row, "id", "schedulerId"),
                    row.get("address"),
                    "leader" if row.get("leader") else "standby",
                )
                for row in rows
            ],
        )


@events.command(epilog="\b\nExample: elasticjob-cloud events executions --job-name my_job --failed")
def executions(
    job_name: JobNameFilter = None,
    task_id: TaskIdFilter = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    start_time: StartOption = None,
    end_time: EndOption = None,
    page: PageOption = 1,
    per_page: PerPageOption = 20,
    json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List executions of job code, the newest first."""
    query = {
        "jobName": job_name,
        "taskId": task_id,
        "isSuccess": "false" if failed else None,
        "startTime": start_time,
        "endTime": end_time,
        "page": page,
        "per_page": per_page,
    }
    with connect(url) as scheduler:
        found = scheduler.get("job", "events", "executions", query=query)
    _print_page(
        found,
        json=json,
        page=page,
        titles=("STARTED", "COMPLETED", "JOB", "ITEM", "SUCCESS", "HOST", "FAILURE"),
        rows=[
            (
                local_time(row.get("startTime")),
                local_time(row.get("completeTime")),
                row.get("jobName"),
                _first(row, "shardingItem", "shardingItems"),
                _first(row, "isSuccess", "success"),
                row.get("hostname"),
                row.get("failureCause"),
            )
            for row in found["rows"]
        ],
    )


@events.command(epilog="\b\nExample: elasticjob-cloud events traces --job-name my_job --state TASK_FAILED")
def traces(
    job_name: JobNameFilter = None,
    task_id: TaskIdFilter = None,
    state: StateFilter = None,
    start_time: StartOption = None,
    end_time: EndOption = None,
    page: PageOption = 1,
    per_page: PerPageOption = 20,
    json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List the states that tasks went through, the newest first."""
    query = {
        "jobName": job_name,
        "taskId": task_id,
        "state": state,
        "startTime": start_time,
        "endTime": end_time,
        "page": page,
        "per_page": per_page,
    }
    with connect(url) as scheduler:
        found = scheduler.get("job", "events", "statusTraces", query=query)
    _print_page(
        found,
        json=json,
        page=page,
        titles=("TIME", "STATE", "JOB", "ITEM", "SOURCE", "MESSAGE", "TASK ID"),
        rows=[
            (
                local_time(row.get("creationTime")),
                row.get("state"),
                row.get("jobName"),
                _first(row, "shardingItem", "shardingItems"),
                row.get("source"),
                row.get("message"),
                row.get("taskId"),
            )
            for row in found["rows"]
        ],
    )


def _print_page(
    found: Mapping[str, Any],
    *,
    json: bool,
    page: int,
    titles: tuple[str, ...],
    rows: list[tuple[object, ...]],
) -> None:
    if json:
        print_json(found)
        return
    if not rows:
        say("Nothing of that kind is recorded. Run a job: elasticjob-cloud job trigger JOB_NAME")
        return
    print_table(titles, rows, folded=("FAILURE", "MESSAGE", "TASK ID"))
    if int(found["total"]) > len(rows):
        say(f"Page {page}: {len(rows)} of {found['total']} rows. The next: --page {page + 1}")
