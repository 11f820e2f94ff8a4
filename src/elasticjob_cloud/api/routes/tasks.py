# ruff: noqa: FAST003 - ruff does not see the alias inside a named Annotated type
"""`/api/job/tasks`: what runs, what waits, and one task."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request, Response
from pydantic import ConfigDict, Field

from elasticjob_cloud.api.access.masked import sees_secrets
from elasticjob_cloud.api.answers.responses import done, json_response
from elasticjob_cloud.api.answers.streams import streamed_list
from elasticjob_cloud.api.answers.tasks import task_view
from elasticjob_cloud.api.answers.views import failover_task_view, ready_job_view, running_task_view
from elasticjob_cloud.api.openapi.documents import (
    BOOLEAN,
    INTEGER,
    TEXT,
    TRUE,
    Document,
    array_of,
    described,
    object_of,
)
from elasticjob_cloud.api.openapi.tasks import TASK_DETAIL
from elasticjob_cloud.api.requests.known import check_task_id
from elasticjob_cloud.api.requests.models import ShortText
from elasticjob_cloud.api.requests.raw.query import QueryParameters, read_query, refuse_query
from elasticjob_cloud.model.queries.queues import QueueFilter
from elasticjob_cloud.service.port import KillTask, SchedulerPort

TaskIdentifier = Annotated[str, Path(alias="taskId")]

_META_INFO = object_of({"jobName": TEXT, "shardingItems": array_of(INTEGER)})
_RUNNING = object_of({"id": TEXT, "metaInfo": _META_INFO, "type": TEXT, "slaveId": TEXT, "idle": BOOLEAN})
_READY = object_of({"jobName": TEXT, "times": TEXT, "reason": TEXT}, optional=("reason",))
_FAILOVER = object_of({"taskInfo": _META_INFO, "originalTaskId": TEXT})

_ROWS: Final = 50
_MAXIMUM_ROWS: Final = 500
Record = TypeVar("Record")


class QueueQuery(QueryParameters):
    """`GET /api/job/tasks/ready` and `failover`. Others are ignored: ElasticJob's consoles send those of their table."""

    model_config = ConfigDict(extra="ignore")

    page: int | None = Field(None, ge=1, le=2**31 - 1, description="from 1; asks for a page")
    per_page: int | None = Field(
        None,
        alias="per_page",
        ge=1,
        le=_MAXIMUM_ROWS,
        description="rows of a page; 50 by default; asks for a page",
    )
    job_name: ShortText = ""
    app_name: ShortText = ""

    @property
    def asks_for_page(self) -> bool:
        """Whether a page is asked for, and not all."""
        return self.page is not None or self.per_page is not None

    @property
    def number(self) -> int:
        """Which page."""
        return self.page or 1

    @property
    def size(self) -> int:
        """How many rows it has."""
        return self.per_page or _ROWS

    @property
    def wanted(self) -> QueueFilter:
        """What is asked for."""
        return QueueFilter(self.job_name, self.app_name)

    def part_of(self, records: Sequence[Record]) -> Sequence[Record]:
        """Give the rows of the page."""
        return records[(self.number - 1) * self.size : self.number * self.size]


class RunningTasksQuery(QueueQuery):
    """`GET /api/job/tasks/running`."""

    agent_id: ShortText = ""

    @property
    def wanted(self) -> QueueFilter:
        """What is asked for."""
        return QueueFilter(self.job_name, self.app_name, self.agent_id)


def list_or_page(row: Document) -> Document:
    """Describe an array of rows, or a page of them."""
    return {"oneOf": [array_of(row), object_of({"total": INTEGER, "rows": array_of(row)})]}


def task_routes(scheduler: SchedulerPort) -> APIRouter:
    """Give the routes of tasks."""
    router = APIRouter(prefix="/api/job/tasks", tags=["tasks"])

    @router.get("/running", **described(list_or_page(_RUNNING), query=RunningTasksQuery))
    async def list_running_tasks(request: Request) -> Response:
        """Give the live tasks; with `page` or `per_page`, a page of them."""
        given = read_query(request, RunningTasksQuery)
        tasks = await scheduler.reading.running_tasks(given.wanted)
        if not given.asks_for_page:
            return await streamed_list(running_task_view, scheduler.reading.pieces(tasks))
        return _page(len(tasks), map(running_task_view, given.part_of(tasks)))

    @router.get("/ready", **described(list_or_page(_READY), query=QueueQuery))
    async def list_ready_jobs(request: Request) -> Response:
        """Give the jobs that wait to run, with `page` or `per_page` a page of them; `reason` says why the next run of each has not started."""
        given = read_query(request, QueueQuery)
        if not given.asks_for_page:
            return await streamed_list(ready_job_view, scheduler.reading.ready_jobs(given.wanted))
        page = await scheduler.reading.ready_page(given.wanted, given.number, given.size)
        return _page(page.total, map(ready_job_view, page.rows))

    @router.get("/failover", **described(list_or_page(_FAILOVER), query=QueueQuery))
    async def list_failover_tasks(request: Request) -> Response:
        """Give the shards that wait to be started again; with `page` or `per_page`, a page of them."""
        given = read_query(request, QueueQuery)
        records = await scheduler.reading.failover_tasks(given.wanted)
        if not given.asks_for_page:
            return await streamed_list(failover_task_view, scheduler.reading.pieces(records))
        return _page(len(records), map(failover_task_view, given.part_of(records)))

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


def _page(total: int, rows: Iterable[dict[str, Any]]) -> Response:
    return json_response({"total": total, "rows": list(rows)})
