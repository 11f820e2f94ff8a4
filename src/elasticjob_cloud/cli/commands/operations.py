"""`elasticjob-cloud agents`, `schedulers`, `reconcile` and `events`: who is there, and what happened."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from elasticjob_cloud.cli.options import (
    EndTimeOption,
    JsonOption,
    StartTimeOption,
    UrlOption,
    WideOption,
    connect,
)
from elasticjob_cloud.cli.output import (
    Failure,
    local_time,
    number,
    print_json,
    print_table,
    say,
    seconds_between,
)

events = typer.Typer(no_args_is_help=True, help="What happened: executions of job code, and states of tasks.")

JobNameFilter = Annotated[
    str | None, typer.Option("--job-name", "-j", help="Only this job's.", show_default=False)
]
TaskIdFilter = Annotated[str | None, typer.Option("--task-id", help="Only this task's.", show_default=False)]
StateFilter = Annotated[
    str | None, typer.Option("--state", help="Only this state, such as TASK_FAILED.", show_default=False)
]
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
            ("AGENT", "CPUS", "MEMORY MB", "TASKS", "LAST SEEN", "HOST", "EXECUTORS"),
            [_agent(row) for row in rows],
            folded=("HOST", "EXECUTORS"),
        )


def _agent(row: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        row.get("id"),
        _share(row, "cpus"),
        _share(row, "memoryMB"),
        f"{row.get('taskCount')}, draining" if row.get("draining") else row.get("taskCount"),
        local_time(row.get("lastSeen")),
        row.get("hostname"),
        ", ".join(str(name) for name in row.get("executors") or ()),
    )


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
                    row.get("id"),
                    row.get("address"),
                    "leader" if row.get("leader") else "standby",
                )
                for row in rows
            ],
        )


def reconcile(
    clock: Annotated[
        bool,
        typer.Option("--clock", help="Let jobs fire again that are silent because the clock was ahead."),
    ] = False,
    url: UrlOption = None,
) -> None:
    """Ask all agents what they hold and settle what differs; or, with --clock, repair after a wrong clock."""
    with connect(url) as scheduler:
        scheduler.post("operate", "reconcile", "clock" if clock else "explicit")
    say("Jobs that the clock had silenced fire again." if clock else "The agents are asked what they hold.")


@events.command(epilog="\b\nExample: elasticjob-cloud events executions --job-name my_job --failed")
def executions(
    job_name: JobNameFilter = None,
    task_id: TaskIdFilter = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    start_time: StartTimeOption = None,
    end_time: EndTimeOption = None,
    page: PageOption = 1,
    per_page: PerPageOption = 20,
    json: JsonOption = False,
    wide: WideOption = False,
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
        per_page=per_page,
        titles=("STARTED", "SECONDS", "JOB", "ITEM", "SUCCESS", *(("TASK ID",) if wide else ()), "FAILURE"),
        rows=[
            (
                local_time(row.get("startTime")),
                seconds_between(row.get("startTime"), row.get("completeTime")),
                row.get("jobName"),
                row.get("shardingItem"),
                row.get("isSuccess"),
                *((row.get("taskId"),) if wide else ()),
                Failure(row.get("failureCause") or ""),
            )
            for row in found["rows"]
        ],
    )


@events.command(epilog="\b\nExample: elasticjob-cloud events traces --job-name my_job --state TASK_FAILED")
def traces(
    job_name: JobNameFilter = None,
    task_id: TaskIdFilter = None,
    state: StateFilter = None,
    start_time: StartTimeOption = None,
    end_time: EndTimeOption = None,
    page: PageOption = 1,
    per_page: PerPageOption = 20,
    json: JsonOption = False,
    wide: WideOption = False,
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
        per_page=per_page,
        # The task's id tells its job and shard.
        titles=("TIME", "STATE", "TASK ID", *(("IN PLACE OF",) if wide else ()), "MESSAGE"),
        rows=[
            (
                local_time(row.get("creationTime")),
                _state_of(row),
                row.get("taskId"),
                *((row.get("originalTaskId"),) if wide else ()),
                row.get("message") or row.get("summary"),
            )
            for row in found["rows"]
        ],
    )


def _state_of(trace: Mapping[str, Any]) -> str:
    """Show as a failure what ended as one: a task finishes although its job code raised, unless its handler throws."""
    state = str(trace.get("state"))
    is_failure = trace.get("success") is False and state not in {"TASK_KILLED", "TASK_DROPPED"}
    return Failure(state) if is_failure else state


def _print_page(
    found: Mapping[str, Any],
    *,
    json: bool,
    page: int,
    per_page: int,
    titles: tuple[str, ...],
    rows: list[tuple[object, ...]],
) -> None:
    if json:
        print_json(found)
        return
    total = int(found["total"])
    last = -(-total // per_page)
    if not rows and total:
        say(f"There is no page {page}: the last is {last}, of {total} rows in all.")
        return
    if not rows:
        say("Nothing of that kind is recorded. Run a job: elasticjob-cloud job trigger JOB_NAME")
        return
    print_table(titles, rows, folded=("FAILURE", "MESSAGE", "TASK ID", "IN PLACE OF"))
    if total > len(rows):
        following = f"The next: --page {page + 1}" if page < last else "It is the last."
        say(f"Page {page}: {len(rows)} of {total} rows. {following}")
