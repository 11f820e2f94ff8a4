"""`/api/job/events`: what has happened, from the trace tables."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final, Literal, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import BeforeValidator, Field

from elasticjob_cloud.api.answers.responses import json_response
from elasticjob_cloud.api.answers.views import execution_view, status_trace_view
from elasticjob_cloud.api.openapi.documents import INTEGER, array_of, described, object_of
from elasticjob_cloud.api.requests.models import ShortText
from elasticjob_cloud.api.requests.raw.query import (
    QueryParameters,
    default_for_zero,
    parse_interval_ms,
    read_query,
)
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.masking import mask_message
from elasticjob_cloud.model.queries.history import (
    EXECUTION_FILTERS,
    STATUS_TRACE_FILTERS,
    HistoryPage,
    HistoryQuery,
)
from elasticjob_cloud.service.port import SchedulerPort

_MESSAGES: Final = ("failureCause", "message", "summary")
# What ElasticJob's own consoles call these columns.
_EXECUTION_COLUMNS: Final = {"success": "isSuccess", "source": "executionSource"}
_STATUS_TRACE_COLUMNS: Final = {"shardingItems": "shardingItem"}
_TRUTHS: Final = {"1": "true", "0": "false"}
_ROWS: Final = 10
_SHORT_PAGE: Final = 20
_PAGE: Final = object_of({"total": INTEGER, "rows": array_of({"type": "object"})})


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _truth(value: Any) -> Any:
    return _TRUTHS.get(value, value.lower()) if isinstance(value, str) else value


PageSize = Annotated[int, Field(ge=1, le=1000)]
PageNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]


class HistoryParameters(QueryParameters):
    """What both trace tables can be asked."""

    per_page: Annotated[PageSize | None, BeforeValidator(default_for_zero)] = Field(
        None, alias="per_page", description="rows of a page; 10 by default"
    )
    page: Annotated[PageNumber | None, BeforeValidator(default_for_zero)] = Field(
        None, description="the first by default"
    )
    limit: Annotated[PageSize | None, BeforeValidator(default_for_zero)] = Field(
        None, description="another name for `per_page`"
    )
    offset: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        None, description="instead of `page`: how many rows to leave out, a multiple of `limit`"
    )
    q: str = Field("", description="ignored, as upstream does")
    order: Annotated[Literal["ASC", "DESC"], BeforeValidator(_upper)] | None = None
    start_time: str = Field("", description="ISO 8601 or `yyyy-MM-dd HH:mm:ss`; included")
    end_time: str = Field("", description="ISO 8601 or `yyyy-MM-dd HH:mm:ss`; included")
    job_name: ShortText | None = None
    task_id: ShortText | None = None


class ExecutionParameters(HistoryParameters):
    """`GET /api/job/events/executions`."""

    sort: Annotated[
        Literal[
            "id",
            "jobName",
            "taskId",
            "hostname",
            "ip",
            "shardingItem",
            "executionSource",
            "failureCause",
            "isSuccess",
            "startTime",
            "completeTime",
        ]
        | None,
        BeforeValidator(lambda name: _EXECUTION_COLUMNS.get(name, name)),
    ] = None
    ip: ShortText | None = None
    is_success: Annotated[Literal["true", "false"], BeforeValidator(_truth)] | None = None


class StatusTraceParameters(HistoryParameters):
    """`GET /api/job/events/statusTraces`."""

    sort: Annotated[
        Literal[
            "id",
            "jobName",
            "originalTaskId",
            "taskId",
            "slaveId",
            "source",
            "executionType",
            "shardingItem",
            "state",
            "message",
            "creationTime",
        ]
        | None,
        BeforeValidator(lambda name: _STATUS_TRACE_COLUMNS.get(name, name)),
    ] = None
    slave_id: ShortText | None = None
    source: ShortText | None = None
    execution_type: ShortText | None = None
    state: ShortText | None = None


SortedParameters = TypeVar("SortedParameters", ExecutionParameters, StatusTraceParameters)


def history_routes(scheduler: SchedulerPort) -> APIRouter:
    """Give the routes of the history."""
    router = APIRouter(prefix="/api/job/events", tags=["history"])

    def read_history_query(
        request: Request, model: type[SortedParameters], filters: tuple[str, ...]
    ) -> HistoryQuery:
        given = read_query(request, model)
        zone = ZoneInfo(scheduler.default_time_zone())
        start_ms, end_ms = parse_interval_ms(given.start_time, given.end_time, zone)
        values = given.model_dump(by_alias=True, exclude_none=True)
        page, per_page = _page_asked_for(given)
        return HistoryQuery(
            page=page,
            per_page=per_page,
            sort=given.sort or "",
            # As in SQL: ascending unless told otherwise, where a column is named. Upstream's console sends an order
            # always; without a column it means nothing.
            ascending=given.sort is not None and given.order != "DESC",
            start_ms=start_ms,
            end_ms=end_ms,
            filters={name: values[name] for name in filters if name in values},
        )

    @router.get("/executions", **described(_PAGE, query=ExecutionParameters))
    async def list_executions(request: Request) -> Response:
        """Give a page of executions, the newest first unless sorted otherwise."""
        query = read_history_query(request, ExecutionParameters, EXECUTION_FILTERS)
        return await _page(await scheduler.executions(query), scheduler.default_time_zone(), execution_view)

    @router.get("/statusTraces", **described(_PAGE, query=StatusTraceParameters))
    async def list_status_traces(request: Request) -> Response:
        """Give a page of status changes, the newest first unless sorted otherwise."""
        query = read_history_query(request, StatusTraceParameters, STATUS_TRACE_FILTERS)
        return await _page(
            await scheduler.status_traces(query), scheduler.default_time_zone(), status_trace_view
        )

    return router


def _page_asked_for(given: HistoryParameters) -> tuple[int, int]:
    """Give the page and its rows, from `page` and `per_page` or from `offset` and `limit`."""
    if given.per_page and given.limit and given.per_page != given.limit:
        raise InvalidRequestError.of(FieldError("limit", "says otherwise than per_page; give one of them."))
    per_page = given.per_page or given.limit or _ROWS
    if given.offset is None:
        return given.page or 1, per_page
    page, left = divmod(given.offset, per_page)
    if left:
        raise InvalidRequestError.of(
            FieldError("offset", f"must be a multiple of {per_page}, the rows of a page.")
        )
    if given.page not in {None, page + 1}:
        raise InvalidRequestError.of(FieldError("offset", "says otherwise than page; give one of them."))
    return page + 1, per_page


async def _page(
    page: HistoryPage, zone_name: str, view: Callable[[dict[str, Any], ZoneInfo], dict[str, Any]]
) -> Response:
    zone = ZoneInfo(zone_name)
    show = partial(_shown, view, zone)
    if len(page.rows) <= _SHORT_PAGE:
        rows = list(map(show, page.rows))
    else:  # masking long failures takes its time, and scheduling must go on meanwhile
        rows = await asyncio.to_thread(lambda: list(map(show, page.rows)))
    return json_response({"total": page.total, "rows": rows})


def _shown(
    view: Callable[[dict[str, Any], ZoneInfo], dict[str, Any]], zone: ZoneInfo, row: dict[str, Any]
) -> dict[str, Any]:
    row = view(row, zone)
    # They quote what jobs and scripts say: URLs and options with secrets in them, for one.
    return {**row, **{name: mask_message(row[name]) for name in _MESSAGES if isinstance(row.get(name), str)}}
