"""`elasticjob-cloud task`: what runs, what waits, and what it prints."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elasticjob_cloud.cli.following import ask_patiently, wait_a_moment
from elasticjob_cloud.cli.options import JsonOption, TaskIdArgument, UrlOption, connect
from elasticjob_cloud.cli.output import print_json, print_table, say, write_raw

if TYPE_CHECKING:
    from elasticjob_cloud.cli.connection import Connection

LOG_PART_BYTES = 256 * 1024

app = typer.Typer(no_args_is_help=True, help="Tasks: the shards that run, wait, or are to be started again.")


class Stream(StrEnum):
    """Which of a task's two outputs."""

    STDOUT = "stdout"
    STDERR = "stderr"


JobNameFilter = Annotated[
    str | None, typer.Option("--job-name", "-j", help="Only this job's.", show_default=False)
]
StreamOption = Annotated[Stream, typer.Option("--stream", "-s", help="Which output to show.")]
FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the task has ended.")]


@app.command("list", epilog="\b\nExample: elasticjob-cloud task list --job-name my_job")
def list_tasks(job_name: JobNameFilter = None, json: JsonOption = False, url: UrlOption = None) -> None:
    """List what runs, and what waits.

    Tasks that run, jobs that wait for room, and shards that wait to be started again.
    """
    with connect(url) as scheduler:
        tasks = {
            kind: [row for row in scheduler.get("job", "tasks", kind) if job_name in (None, _job_of(row))]
            for kind in ("running", "ready", "failover")
        }
    if json:
        print_json(tasks)
    elif not any(tasks.values()):
        say("No task runs or waits. Start a run: elasticjob-cloud job trigger JOB_NAME")
    else:
        _print_running(tasks["running"])
        _print_waiting(tasks["ready"], tasks["failover"])


def _info_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    info: Mapping[str, Any] = row.get("metaInfo") or row.get("taskInfo") or row
    return info


def _job_of(row: Mapping[str, Any]) -> object:
    return _info_of(row).get("jobName")


def _items_of(row: Mapping[str, Any]) -> str:
    return ",".join(str(item) for item in _info_of(row).get("shardingItems") or ())


def _print_running(rows: Iterable[Mapping[str, Any]]) -> None:
    # The id alone tells job, shard, type and agent; in separate columns they would leave it too narrow.
    lines = [("idle" if row.get("idle") else "running", row.get("id")) for row in rows]
    if lines:
        print_table(("STATE", "TASK ID"), lines, folded=("TASK ID",))


def _print_waiting(ready: Iterable[Mapping[str, Any]], failover: Iterable[Mapping[str, Any]]) -> None:
    runs = [(row.get("jobName"), row.get("times"), row.get("reason", "")) for row in ready]
    if runs:
        print_table(("READY JOB", "RUNS", "WHY IT WAITS"), runs, folded=("WHY IT WAITS",))
    shards = [(_job_of(row), _items_of(row), row.get("originalTaskId")) for row in failover]
    if shards:
        print_table(("FAILOVER OF", "ITEM", "IN PLACE OF"), shards, folded=("IN PLACE OF",))


@app.command(epilog="\b\nExample: elasticjob-cloud task log 'my_job@-@0@-@READY@-@agent@-@uuid' --follow")
def log(
    task_id: TaskIdArgument,
    stream: StreamOption = Stream.STDOUT,
    follow: FollowOption = False,
    url: UrlOption = None,
) -> None:
    """Show what a task printed, also while it runs."""
    with connect(url) as scheduler:
        offset, generation = 0, ""
        while True:
            ask = partial(_read_part, scheduler, task_id, stream, offset, generation)
            part = ask_patiently(ask, patient=follow)
            generation = str(part.get("generation") or "")
            content = str(part.get("content", ""))
            write_raw(content)
            start, offset = offset, int(part.get("nextOffset", offset + len(content.encode())))
            at_end = offset == start or offset >= int(part.get("size", offset))
            if at_end and (part.get("ended") or not follow):
                break
            if at_end:
                wait_a_moment()
    if part.get("truncated"):
        say("The output is not whole: a part of it could not be kept, or is beyond output_limit_bytes.")


def _read_part(
    scheduler: "Connection", task_id: str, stream: Stream, offset: int, generation: str
) -> Mapping[str, Any]:
    part: Mapping[str, Any] = scheduler.get(
        "job",
        "tasks",
        task_id,
        "log",
        query={
            "stream": stream.value,
            "offset": offset,
            "limit": LOG_PART_BYTES,
            "generation": generation or None,
        },
    )
    return part


@app.command(epilog="\b\nExample: elasticjob-cloud task kill 'my_job@-@0@-@READY@-@agent@-@uuid'")
def kill(task_id: TaskIdArgument, url: UrlOption = None) -> None:
    """Kill one running task."""
    with connect(url) as scheduler:
        scheduler.post("job", "tasks", task_id, "kill")
    say(f"Killed {task_id}.")
