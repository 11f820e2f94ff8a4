# ruff: noqa: FAST003 - ruff does not see the alias inside a named Annotated type
"""`/api/job/tasks`: what runs, what waits, and what it writes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from elasticjob_cloud.api.answers.logs import LONGEST_CHARACTER_BYTES, cut_at_character
from elasticjob_cloud.api.answers.responses import done, json_response, text_response
from elasticjob_cloud.api.answers.views import failover_task_view, ready_job_view, running_task_view
from elasticjob_cloud.api.openapi.documents import (
    BOOLEAN,
    INTEGER,
    TEXT,
    TRUE,
    array_of,
    described,
    object_of,
)
from elasticjob_cloud.api.requests.known import check_task_id
from elasticjob_cloud.api.requests.query import QueryParameters, read_query
from elasticjob_cloud.service.port import KillTask, SchedulerPort

MAXIMUM_LOG_BYTES = 1024 * 1024
TaskIdentifier = Annotated[str, Path(alias="taskId")]

_META_INFO = object_of({"jobName": TEXT, "shardingItems": array_of(INTEGER)})
_RUNNING = object_of({"id": TEXT, "metaInfo": _META_INFO, "type": TEXT, "slaveId": TEXT, "idle": BOOLEAN})
_READY = object_of({"jobName": TEXT, "times": TEXT, "reason": TEXT}, optional=("reason",))
_FAILOVER = object_of({"taskInfo": _META_INFO, "originalTaskId": TEXT})
_LOG = object_of(
    {
        "taskId": TEXT,
        "stream": TEXT,
        "offset": INTEGER,
        "nextOffset": INTEGER,
        "size": INTEGER,
        "ended": BOOLEAN,
        "truncated": BOOLEAN,
        "missing": INTEGER,
        "content": TEXT,
    }
)


class LogQuery(QueryParameters):
    """`GET /api/job/tasks/{taskId}/log`."""

    stream: Literal["stdout", "stderr"] = "stdout"
    offset: int = Field(
        0, ge=0, le=2**53, description="the byte to begin with: the `nextOffset` of the part before"
    )
    limit: int = Field(64 * 1024, ge=1, le=MAXIMUM_LOG_BYTES, description="how many bytes at most")


def task_routes(scheduler: SchedulerPort) -> APIRouter:
    """Give the routes of tasks."""
    router = APIRouter(prefix="/api/job/tasks", tags=["tasks"])

    @router.get("/running", **described(array_of(_RUNNING)))
    async def list_running_tasks() -> Response:
        """Give all live tasks."""
        return json_response([running_task_view(record) for record in await scheduler.running_tasks()])

    @router.get("/ready", **described(array_of(_READY)))
    async def list_ready_jobs() -> Response:
        """Give the jobs that wait to run; `reason` says why the next run of each has not started."""
        return json_response([ready_job_view(job) for job in await scheduler.ready_jobs()])

    @router.get("/failover", **described(array_of(_FAILOVER)))
    async def list_failover_tasks() -> Response:
        """Give the shards that wait to be started again."""
        return json_response([failover_task_view(record) for record in await scheduler.failover_tasks()])

    @router.post("/{taskId}/kill", **described(TRUE, errors=(404, 409)))
    async def kill_task(task_id: TaskIdentifier) -> Response:
        """Kill one live task."""
        await scheduler.submit(KillTask(check_task_id(task_id)))
        return done()

    plain_text = {"text/plain": {"schema": TEXT}}

    @router.get("/{taskId}/log", **described(_LOG, query=LogQuery, errors=(404,), more_results=plain_text))
    async def read_task_log(request: Request, task_id: TaskIdentifier) -> Response:
        """Give a part of a task's output, live while it runs; with `Accept: text/plain` the text alone."""
        check_task_id(task_id)
        given = read_query(request, LogQuery)
        limit = max(given.limit, LONGEST_CHARACTER_BYTES)
        chunk = await scheduler.task_log(task_id, given.stream, given.offset, limit)
        part = cut_at_character(chunk, given.limit)
        if _wants_text(request):
            headers = {
                "X-Next-Offset": str(part.next_offset),
                "X-Ended": "true" if chunk.ended else "false",
                "X-Truncated": "true" if chunk.truncated else "false",
            }
            return text_response(part.content, "text/plain; charset=utf-8", headers)
        return json_response(
            {
                "taskId": task_id,
                "stream": given.stream,
                "offset": given.offset,
                "nextOffset": part.next_offset,
                "size": chunk.size,
                "ended": chunk.ended,
                "truncated": chunk.truncated,
                "missing": chunk.missing,
                "content": part.content,
            }
        )

    return router


def _wants_text(request: Request) -> bool:
    accepted = request.headers.get("accept", "").lower()
    return "text/plain" in accepted and "application/json" not in accepted
