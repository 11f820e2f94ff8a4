"""Whose output `logs` shows: the tasks of a job's last run, found by the history that the API has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticjob_cloud.model.errors import NotFoundError

if TYPE_CHECKING:
    from elasticjob_cloud.cli.connection import Connection

_PAGE_ROWS = 1000
_MOST_PAGES = 30  # of three rows for each of 10,000 shards
_FAILED_STATES = ("TASK_FAILED", "TASK_ERROR", "TASK_LOST")
_SEPARATOR = "@-@"


@dataclass(frozen=True)
class Shard:
    """One shard by its last attempt; `failure` says in a line why it failed, and is empty where it has not."""

    item: int
    task_id: str
    failure: str = ""


def find_shards(scheduler: "Connection", name: str, *, failed: bool) -> list[Shard]:
    """Give the shards of a task's id, or of a job's last run; `failed`: those that failed, of the last run that had any.

    Raises:
        NotFoundError: there is no such job, or it has not run.
    """
    failures = find_failures(scheduler, name)
    if _SEPARATOR in name:
        return [Shard(_item_of(name), name, failures.get(name, ""))]
    attempts = _last_attempts(scheduler, name, failures if failed else {})
    shards = [Shard(_item_of(task_id), task_id, failures.get(task_id, "")) for task_id in attempts]
    return sorted((it for it in shards if it.failure or not failed), key=lambda it: it.item)


def _last_attempts(scheduler: "Connection", job_name: str, failures: Mapping[str, str]) -> list[str]:
    """Give the last task of each shard in the last run, or in the run of the newest failure."""
    newest = next(iter(failures), "")
    started = next(_rows(scheduler, "statusTraces", {"taskId": newest, **_STARTED}), None) if newest else None
    if started is None:
        rows = list(_rows(scheduler, "statusTraces", {"jobName": job_name, **_STARTED}, pages=1))
        if not rows:
            _refuse(scheduler, job_name)
        if _is_daemon(scheduler, job_name):
            return _newest_of_each_item(rows)
        started = next((row for row in rows if not row.get("originalTaskId")), rows[-1])
    root = _root_time(scheduler, started)
    since = _rows(scheduler, "statusTraces", {"jobName": job_name, "startTime": root, **_STARTED})
    return _attempts_of_run(list(since), root)


_STARTED = {"state": "TASK_STAGING"}


def _root_time(scheduler: "Connection", row: Mapping[str, Any]) -> str:
    """Give when the run of this task started its shards: all at once, while a failover starts one later."""
    while original := row.get("originalTaskId"):
        before = next(_rows(scheduler, "statusTraces", {"taskId": str(original), **_STARTED}), None)
        if before is None:
            break
        row = before
    return str(row.get("creationTime"))


def _attempts_of_run(rows: Sequence[Mapping[str, Any]], root: str) -> list[str]:
    last: dict[str, str] = {}  # by the first task of the shard
    first: dict[str, str] = {}
    for row in reversed(rows):
        task_id, original = str(row.get("taskId")), str(row.get("originalTaskId") or "")
        if original in first:
            first[task_id] = first[original]
        elif row.get("creationTime") == root:
            first[task_id] = task_id
        else:
            continue
        last[first[task_id]] = task_id
    return list(last.values())


def _newest_of_each_item(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    newest: dict[int, str] = {}
    for row in rows:
        newest.setdefault(_item_of(str(row.get("taskId"))), str(row.get("taskId")))
    return list(newest.values())


def find_failures(scheduler: "Connection", name: str) -> dict[str, str]:
    """Give why a task, or tasks of a job, failed, the newest failure first: by their state, or a failed execution."""
    query = {"taskId" if _SEPARATOR in name else "jobName": name}
    found = [
        (str(row.get("completeTime")), str(row.get("taskId")), _last_line(row.get("failureCause")))
        for row in _rows(scheduler, "executions", {**query, "isSuccess": "false"}, pages=1)
    ]
    for state in _FAILED_STATES:
        for row in _rows(scheduler, "statusTraces", {**query, "state": state}, pages=1):
            reason = _last_line(row.get("message")) or state
            found.append((str(row.get("creationTime")), str(row.get("taskId")), reason))
    failures: dict[str, str] = {}
    for _, task_id, reason in sorted(found, reverse=True):
        failures.setdefault(task_id, reason or "failed")
    return failures


def _rows(
    scheduler: "Connection", table: str, query: Mapping[str, str], pages: int = _MOST_PAGES
) -> Iterator[Mapping[str, Any]]:
    """Give rows of the history, the newest first."""
    for page in range(1, pages + 1):
        asked: dict[str, str | int | None] = {**query, "per_page": _PAGE_ROWS, "page": page}
        rows = scheduler.get("job", "events", table, query=asked).get("rows") or []
        yield from rows
        if len(rows) < _PAGE_ROWS:
            return


def _is_daemon(scheduler: "Connection", job_name: str) -> bool:
    try:
        return bool(scheduler.get("job", "jobs", job_name).get("jobExecutionType") == "DAEMON")
    except NotFoundError:
        return False  # deregistered since


def _refuse(scheduler: "Connection", job_name: str) -> None:
    scheduler.get("job", "jobs", job_name)  # raises where there is none
    raise NotFoundError(f"{job_name} has not run yet. To run it now: elasticjob-cloud job trigger {job_name}")


def _item_of(task_id: str) -> int:
    parts = task_id.split(_SEPARATOR)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else 0


def _last_line(text: object) -> str:
    lines = [line.strip() for line in str(text or "").splitlines() if line.strip()]
    return lines[-1] if lines else ""
