"""`/api/job/events`: what has happened, from the trace tables."""

from typing import Annotated, Any, Final, Literal, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import BeforeValidator, Field

from elasticjob_cloud.api.documents import INTEGER, array_of, described, object_of
from elasticjob_cloud.api.query import QueryParameters, parse_time_ms, read_query
from elasticjob_cloud.api.responses import json_response
from elasticjob_cloud.api.views import shown_time
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.history import EXECUTION_FILTERS, STATUS_TRACE_FILTERS, HistoryPage, HistoryQuery
from elasticjob_cloud.model.masking import mask_message
from elasticjob_cloud.model.requests import ShortText
from elasticjob_cloud.service.port import SchedulerPort

_TIMES: Final = frozenset({"startTime", "completeTime", "creationTime"})
_MESSAGES: Final = ("failureCause", "message")
_PAGE: Final = object_of({"total": INTEGER, "rows": array_of({"type": "object"})})


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class HistoryParameters(QueryParameters):
    """What both trace tables can be asked."""

    per_page: int = Field(10, ge=1, le=1000, alias="per_page")
    page: int = Field(1, ge=1, le=2**31 - 1)
    order: Annotated[Literal["ASC", "DESC"], BeforeValidator(_upper)] | None = None
    start_time: str = Field("", description="ISO 8601 or `yyyy-MM-dd HH:mm:ss`; included")
    end_time: str = Field("", description="ISO 8601 or `yyyy-MM-dd HH:mm:ss`; included")
    job_name: ShortText | None = None
    task_id: ShortText | None = None


class ExecutionParameters(HistoryParameters):
    """`GET /api/job/events/executions`."""

    sort: (
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
        | None
    ) = None
    ip: ShortText | None = None
    is_success: Annotated[Literal["true", "false"], BeforeValidator(_lower)] | None = None


class StatusTraceParameters(HistoryParameters):
    """`GET /api/job/events/statusTraces`."""

    sort: (
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
        | None
    ) = None
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
        start_ms = parse_time_ms("startTime", given.start_time, zone) if given.start_time else None
        end_ms = parse_time_ms("endTime", given.end_time, zone) if given.end_time else None
        if start_ms is not None and end_ms is not None and end_ms < start_ms:
            raise InvalidRequestError.of(FieldError("endTime", "must not be before startTime."))
        values = given.model_dump(by_alias=True, exclude_none=True)
        return HistoryQuery(
            page=given.page,
            per_page=given.per_page,
            sort=given.sort or "",
            # As in SQL: ascending unless told otherwise, where a column is named.
            ascending=given.order == "ASC" or (given.order is None and given.sort is not None),
            start_ms=start_ms,
            end_ms=end_ms,
            filters={name: values[name] for name in filters if name in values},
        )

    @router.get("/executions", **described(_PAGE, query=ExecutionParameters))
    async def list_executions(request: Request) -> Response:
        """Give a page of executions, the newest first unless sorted otherwise."""
        query = read_history_query(request, ExecutionParameters, EXECUTION_FILTERS)
        return _page(await scheduler.executions(query), scheduler.default_time_zone())

    @router.get("/statusTraces", **described(_PAGE, query=StatusTraceParameters))
    async def list_status_traces(request: Request) -> Response:
        """Give a page of status changes, the newest first unless sorted otherwise."""
        query = read_history_query(request, StatusTraceParameters, STATUS_TRACE_FILTERS)
        return _page(await scheduler.status_traces(query), scheduler.default_time_zone())

    return router


def _page(page: HistoryPage, zone_name: str) -> Response:
    zone = ZoneInfo(zone_name)
    return json_response({"total": page.total, "rows": [_shown(row, zone) for row in page.rows]})


def _shown(row: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    shown = {
        name: shown_time(value, zone) if name in _TIMES and isinstance(value, int) else value
        for name, value in row.items()
    }
    # They quote what jobs and scripts say: URLs and options with secrets in them, for one.
    masked = {name: mask_message(shown[name]) for name in _MESSAGES if isinstance(shown.get(name), str)}
    return {**shown, **masked}
