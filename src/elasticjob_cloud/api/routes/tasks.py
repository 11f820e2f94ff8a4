# ruff: noqa: FAST003 - ruff does not see the alias inside a named Annotated type
"""`/api/job/tasks`: what runs, and what waits."""

import asyncio
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request, Response

from elasticjob_cloud.api.access.masked import sees_secrets
from elasticjob_cloud.api.answers.responses import done, json_response
from elasticjob_cloud.api.answers.tasks import task_view
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
from elasticjob_cloud.api.openapi.tasks import TASK_DETAIL
from elasticjob_cloud.api.requests.known import check_task_id
from elasticjob_cloud.api.requests.raw.query import refuse_query
from elasticjob_cloud.service.port import KillTask, SchedulerPort

TaskIdentifier = Annotated[str, Path(alias="taskId")]

_META_INFO = object_of({"jobName": TEXT, "shardingItems": array_of(INTEGER)})
_RUNNING = object_of({"id": TEXT, "metaInfo": _META_INFO, "type": TEXT, "slaveId": TEXT, "idle": BOOLEAN})
_READY = object_of({"jobName": TEXT, "times": TEXT, "reason": TEXT}, optional=("reason",))
_FAILOVER = object_of({"taskInfo": _META_INFO, "originalTaskId": TEXT})


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

    @router.get("/{taskId}", **described(TASK_DETAIL, errors=(404,)))
    async def read_task(task_id: TaskIdentifier, request: Request) -> Response:
        """Give one task, live or ended, with its status traces and the attempts around it; guests see secrets as `***`."""
        refuse_query(request)
        task = await scheduler.runs.task(check_task_id(task_id))
        zone, shows_secrets = ZoneInfo(scheduler.default_time_zone()), sees_secrets(request)
        # In a thread: its texts may be long, and its job may have ten thousand parameters.
        return json_response(await asyncio.to_thread(task_view, task, zone, shows_secrets=shows_secrets))

    @router.post("/{taskId}/kill", **described(TRUE, errors=(404, 409)))
    async def kill_task(task_id: TaskIdentifier) -> Response:
        """Kill one live task."""
        await scheduler.submit(KillTask(check_task_id(task_id)))
        return done()

    return router
