"""Whose output `logs` shows: the shards of a run, of a job's last run, or of a daemon job."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from elasticjob_cloud.model.errors import NotFoundError

if TYPE_CHECKING:
    from elasticjob_cloud.cli.connection import Connection, Query

_EVER: Final = "1970-01-01"
_RUNS_LOOKED_THROUGH: Final = 100
_ROWS: Final = 1000
_SEPARATOR: Final = "@-@"


@dataclass(frozen=True)
class Shard:
    """One shard by its last attempt.

    `failure` says in a line why it failed, and is empty where it has not. `run_id`: of its run; of a daemon's shard, and
    of one that was named by its task's id, empty.
    """

    item: int
    task_id: str
    failure: str = ""
    run_id: str = ""


def find_shards(scheduler: "Connection", name: str, *, failed: bool) -> list[Shard]:
    """Give the shards of a task's id, of a run's id, or of a job's last run; `failed`: only those that failed.

    Of a job with `failed`, that is the last run that failed.

    Raises:
        NotFoundError: there is no such job or run, or it has not run.
    """
    if _SEPARATOR in name:
        return [Shard(_item_of(name), name, _failure_of_task(scheduler, name))]
    if name.isdecimal() and not _is_job(scheduler, name):
        return _shards_of_run(scheduler, name, failed=failed)
    state = "FAILED" if failed else None
    query: Query = {"jobName": name, "startTime": _EVER, "limit": _RUNS_LOOKED_THROUGH, "state": state}
    page = scheduler.get("job", "runs", query=query)
    last = next((run["runId"] for run in page["rows"] if run["startTime"]), None)
    if last is not None:
        return _shards_of_run(scheduler, str(last), failed=failed)
    job = scheduler.get("job", "jobs", name)  # raises where there is none
    if job["jobExecutionType"] == "DAEMON":
        return _shards_of_daemon(scheduler, name, failed=failed)
    if failed:
        return []
    raise NotFoundError(f"{name} has not run yet. To run it now: elasticjob-cloud job trigger {name}")


def with_failures(scheduler: "Connection", shards: Sequence[Shard]) -> list[Shard]:
    """Give the same shards with what is known by now of their failures."""
    runs = {shard.run_id for shard in shards if shard.run_id}
    known = {
        shard.task_id: shard for run_id in runs for shard in _shards_of_run(scheduler, run_id, failed=False)
    }
    return [
        known.get(shard.task_id, shard)
        if shard.run_id
        else replace(shard, failure=_failure_of_task(scheduler, shard.task_id))
        for shard in shards
    ]


def _is_job(scheduler: "Connection", name: str) -> bool:
    try:
        scheduler.get("job", "jobs", name)
    except NotFoundError:
        return False
    return True


def _shards_of_run(scheduler: "Connection", run_id: str, *, failed: bool) -> list[Shard]:
    detail = scheduler.get("job", "runs", run_id)
    shards = [
        Shard(shard["item"], shard["attempts"][-1]["taskId"], _failure_of(shard["attempts"][-1]), run_id)
        for shard in detail["shards"]
        if shard["attempts"]
    ]
    return [shard for shard in shards if shard.failure or not failed]


def _failure_of(attempt: Mapping[str, Any]) -> str:
    return str(attempt["summary"] or attempt["state"]) if attempt["success"] is False else ""


def _shards_of_daemon(scheduler: "Connection", job_name: str, *, failed: bool) -> list[Shard]:
    """Give the tasks that each shard has or had last; with `failed`, those of the last execution that failed."""
    query: Query = {"jobName": job_name, "startTime": _EVER, "limit": _ROWS}
    failures = scheduler.get("job", "executions", query={**query, "state": "FAILED"})["rows"]
    if failed:
        return _newest(Shard(row["item"], row["taskId"], row["summary"] or "failed") for row in failures)
    traces = scheduler.get("job", "events", "statusTraces", query={"jobName": job_name, "per_page": _ROWS})
    causes = {row["taskId"]: row["summary"] or "failed" for row in reversed(failures)}
    return _newest(
        Shard(row["shardingItem"], row["taskId"], causes.get(row["taskId"], "")) for row in traces["rows"]
    )


def _newest(shards: Iterable[Shard]) -> list[Shard]:
    """Give the first of each shard, by item."""
    newest: dict[int, Shard] = {}
    for shard in shards:
        newest.setdefault(shard.item, shard)
    return [newest[item] for item in sorted(newest)]


def _failure_of_task(scheduler: "Connection", task_id: str) -> str:
    """Say why a task failed, or an execution of it, by its history: nothing else goes by a task's id."""
    executions = scheduler.get(
        "job", "events", "executions", query={"taskId": task_id, "isSuccess": "false", "per_page": 1}
    )
    for row in executions["rows"]:
        return _last_line(row.get("failureCause")) or "failed"
    traces = scheduler.get("job", "events", "statusTraces", query={"taskId": task_id, "per_page": 1})
    for row in traces["rows"]:
        if row["state"] in {"TASK_FAILED", "TASK_ERROR", "TASK_LOST"}:
            return _last_line(row.get("message")) or str(row["state"])
    return ""


def _item_of(task_id: str) -> int:
    parts = task_id.split(_SEPARATOR)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else 0


def _last_line(text: object) -> str:
    lines = [line.strip() for line in str(text or "").splitlines() if line.strip()]
    return lines[-1] if lines else ""
