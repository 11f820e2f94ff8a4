"""`elasticjob-cloud run`: what ran, runs and waits, and what became of it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from elasticjob_cloud.cli.options import (
    EndTimeOption,
    FollowRunOption,
    JsonOption,
    RunIdArgument,
    StartTimeOption,
    UrlOption,
    WaitOption,
    WideOption,
    connect,
)
from elasticjob_cloud.cli.output import (
    Failure,
    local_time,
    print_fields,
    print_json,
    print_table,
    say,
    seconds_between,
)
from elasticjob_cloud.cli.run_end import failure_of, read_run, tell_run
from elasticjob_cloud.model.errors import InvalidRequestError
from elasticjob_cloud.model.masking import mask_configuration

app = typer.Typer(no_args_is_help=True, help="Runs of jobs: what ran, runs and waits, and why it failed.")


class State(StrEnum):
    """What a run can be."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    DROPPED = "DROPPED"


class Source(StrEnum):
    """What a run can come from."""

    CRON = "CRON"
    TRIGGER = "TRIGGER"
    RERUN = "RERUN"
    MISFIRE = "MISFIRE"


@app.command("list", epilog="\b\nExample: elasticjob-cloud run list --job-name my_job --state failed")
def list_runs(
    job_name: Annotated[
        str | None, typer.Option("--job-name", "-j", help="Only this job's.", show_default=False)
    ] = None,
    app_name: Annotated[
        str | None,
        typer.Option("--app-name", "-a", help="Only those of this app's jobs.", show_default=False),
    ] = None,
    state: Annotated[
        State | None,
        typer.Option(
            "--state", "-s", help="Only those in this state.", case_sensitive=False, show_default=False
        ),
    ] = None,
    source: Annotated[
        Source | None,
        typer.Option(
            "--source", help="Only those that came from this.", case_sensitive=False, show_default=False
        ),
    ] = None,
    start_time: StartTimeOption = None,
    end_time: EndTimeOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Rows of a page.")] = 50,
    cursor: Annotated[
        str | None,
        typer.Option("--cursor", help="The next page, as the one before names it.", show_default=False),
    ] = None,
    json: JsonOption = False,
    wide: WideOption = False,
    url: UrlOption = None,
) -> None:
    """List runs, the newest first: those of the last 24 hours, unless a time is given.

    With --state waiting or running: all of these.
    """
    query: dict[str, str | int | None] = {
        "jobName": job_name,
        "appName": app_name,
        "state": state,
        "source": source,
        "startTime": start_time,
        "endTime": end_time,
        "limit": limit,
        "cursor": cursor,
    }
    with connect(url) as scheduler:
        page = scheduler.get("job", "runs", query=query)
    if json:
        print_json(page)
    elif not page["rows"]:
        say("No such run. Without --start-time, only the last 24 hours are looked through.")
    else:
        _print_runs(page["rows"], wide=wide)
        if page["next"]:
            say(f"There are more. The next page: the same command with --cursor {page['next']}")


def _print_runs(rows: list[Mapping[str, Any]], *, wide: bool) -> None:
    more = ("APP", "DUE", "ENDED", "RERUN OF", "BY") if wide else ()
    print_table(
        ("RUN", "JOB", "STATE", "SOURCE", "STARTED", "SECONDS", "SHARDS", *more, "WHY"),
        [
            (
                row["runId"],
                row["jobName"],
                row["state"],
                row["source"],
                local_time(row["startTime"]),
                seconds_between(row["startTime"], row["endTime"]),
                _progress(row["shards"]),
                *(_more_of(row) if wide else ()),
                _why(row),
            )
            for row in rows
        ],
        folded=("WHY",),
    )


def _more_of(row: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        row["appName"],
        local_time(row["dueTime"]),
        local_time(row["endTime"]),
        row["rerunOf"],
        row["triggeredBy"],
    )


def _progress(shards: Mapping[str, int]) -> str:
    """Show how many shards succeeded, of all; nothing for runs of earlier versions."""
    return f"{shards['succeeded']}/{shards['total']}" if shards["total"] else ""


def _why(run: Mapping[str, Any]) -> str:
    if run["state"] == "FAILED":
        return Failure(run["summary"])
    several = f" ({run['count']} due times)" if run["count"] > 1 else ""
    return f"{run['reason']}{several}"


@app.command(epilog="\b\nExample: elasticjob-cloud run show 4711")
def show(
    run_id: RunIdArgument, json: JsonOption = False, wide: WideOption = False, url: UrlOption = None
) -> None:
    """Show one run, its shards, and the attempts at them."""
    with connect(url) as scheduler:
        detail = read_run(scheduler, run_id)
    if json:
        print_json(detail)
        return
    run = detail["run"]
    print_fields(_fields_of(run))
    if wide and detail["configuration"] is not None:
        print_fields(mask_configuration(detail["configuration"]))
    print_table(
        ("SHARD", "STATE", "ATTEMPT", "STARTED", "SECONDS", "EXIT", *(("TASK ID",) if wide else ()), "WHY"),
        [line for shard in detail["shards"] for line in _lines_of(shard, wide=wide)],
        folded=("WHY", "TASK ID"),
    )
    if run["state"] == "FAILED":
        say(
            f"Output: elasticjob-cloud logs {run_id} --failed\n"
            f"Run what failed again: elasticjob-cloud run rerun {run_id}"
        )


def _fields_of(run: Mapping[str, Any]) -> dict[str, object]:
    fields = {
        "run": run["runId"],
        "job": run["jobName"],
        "app": run["appName"],
        "state": run["state"],
        "why": _why(run),
        "source": f"{run['source']} of run {run['rerunOf']}" if run["rerunOf"] else run["source"],
        "triggered by": run["triggeredBy"],
        "due": local_time(run["dueTime"]),
        "started": local_time(run["startTime"]),
        "ended": local_time(run["endTime"]),
        "seconds": seconds_between(run["startTime"], run["endTime"]),
        "shards": ", ".join(f"{count} {name}" for name, count in run["shards"].items() if count),
    }
    return {name: value for name, value in fields.items() if value != ""}


def _lines_of(shard: Mapping[str, Any], *, wide: bool) -> list[tuple[object, ...]]:
    """Show a shard, a line for each attempt: the last one has the shard's state."""
    attempts = shard["attempts"]
    if not attempts:
        return [(shard["item"], shard["state"], "", "", "", "", *(("",) if wide else ()), "")]
    return [
        (
            shard["item"],
            shard["state"] if attempt is attempts[-1] else attempt["state"],
            attempt["attempt"],
            local_time(attempt["startTime"]),
            seconds_between(attempt["startTime"], attempt["endTime"]),
            _exit_of(attempt),
            *((attempt["taskId"],) if wide else ()),
            Failure(
                attempt["summary"] if attempt is not attempts[-1] else failure_of(shard) or attempt["summary"]
            ),
        )
        for attempt in attempts
    ]


def _exit_of(attempt: Mapping[str, Any]) -> object:
    return f"signal {attempt['signal']}" if attempt["signal"] else attempt["exitCode"]


@app.command(epilog="\b\nExample: elasticjob-cloud run kill 4711")
def kill(run_id: RunIdArgument, url: UrlOption = None) -> None:
    """Kill what runs of a run, or drop it while it waits."""
    with connect(url) as scheduler:
        scheduler.post("job", "runs", str(run_id), "kill")
    say(f"Killed run {run_id}. See: elasticjob-cloud run show {run_id}")


@app.command(
    epilog="\b\nExample: elasticjob-cloud run rerun 4711 --follow\n"
    "Only some shards: elasticjob-cloud run rerun 4711 --item 1 --item 4"
)
def rerun(
    run_id: RunIdArgument,
    item: Annotated[
        list[int] | None,
        typer.Option("--item", "-i", min=0, help="Only this shard; may be repeated.", show_default=False),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All its shards, also those that succeeded.")
    ] = False,
    wait: WaitOption = False,
    follow: FollowRunOption = False,
    json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Run the shards of a run that failed again, under what the job is today."""
    if item and everything:
        raise InvalidRequestError("Give --all or --item, not both.")
    items: list[int] | str = item or ("all" if everything else "failed")
    with connect(url) as scheduler:
        new_id = int(scheduler.post("job", "runs", str(run_id), "rerun", json={"items": items})["runId"])
        if not (wait or follow):
            say(f"Run {new_id} repeats run {run_id}. See: elasticjob-cloud run show {new_id}")
        tell_run(scheduler, new_id, wait=wait, follow=follow, json=json)
