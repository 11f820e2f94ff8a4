"""`GET /api/job/failures`: what failed in a time, grouped by what it says."""

from collections.abc import Callable
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import Field

from elasticjob_cloud.api.answers.responses import encoded_list, json_response
from elasticjob_cloud.api.answers.views import shown_time
from elasticjob_cloud.api.openapi.documents import (
    BOOLEAN,
    INTEGER,
    TEXT,
    array_of,
    described,
    nullable,
    object_of,
)
from elasticjob_cloud.api.openapi.parts import TIME, told
from elasticjob_cloud.api.requests.models import ShortText
from elasticjob_cloud.api.requests.raw.query import QueryParameters, parse_interval_ms, read_query
from elasticjob_cloud.api.requests.runs import DAY_MS
from elasticjob_cloud.model.masking import mask_message
from elasticjob_cloud.model.queries.failures import FailureGroup, FailureQuery
from elasticjob_cloud.service.port import SchedulerPort

_GROUP: Final = object_of(
    {
        "summary": told(TEXT, "with `#` for numbers and ids"),
        "count": INTEGER,
        "jobs": told(INTEGER, "how many jobs failed so"),
        "lastTime": TIME,
        "lastRunId": told(nullable(INTEGER), "null: the last one was an execution of a daemon job"),
        "lastJobName": TEXT,
        "lastSummary": told(TEXT, "as it was"),
    }
)
_FAILURES: Final = object_of(
    {
        "startTime": TIME,
        "endTime": TIME,
        "rows": told(array_of(_GROUP), "the largest group first, at most 100"),
        "lookedAt": told(INTEGER, "how many failures were counted"),
        "complete": told(BOOLEAN, "false: only the latest failures were looked at, or there are more groups"),
    }
)


class FailureParameters(QueryParameters):
    """`GET /api/job/failures`."""

    start_time: str = Field(
        "", description="ISO 8601 or `yyyy-MM-dd HH:mm:ss`, included; 24 hours before the end by default"
    )
    end_time: str = Field("", description="ISO 8601 or `yyyy-MM-dd HH:mm:ss`, included; now by default")
    job_name: ShortText = ""
    app_name: ShortText = ""


def failure_routes(scheduler: SchedulerPort, wall_ms: Callable[[], int]) -> APIRouter:
    """Give the route of failures."""
    router = APIRouter(prefix="/api/job", tags=["runs"])

    @router.get("/failures", **described(_FAILURES, query=FailureParameters))
    async def list_failures(request: Request) -> Response:
        """Give the runs and executions of daemon jobs that failed in a time, grouped by their summary."""
        zone = ZoneInfo(scheduler.default_time_zone())
        given = read_query(request, FailureParameters)
        start_ms, end_ms = parse_interval_ms(given.start_time, given.end_time, zone)
        end_ms = wall_ms() if end_ms is None else end_ms
        start_ms = end_ms - DAY_MS if start_ms is None else start_ms
        found = await scheduler.runs.failure_groups(
            FailureQuery(start_ms, end_ms, given.job_name, given.app_name)
        )

        def view(group: FailureGroup) -> dict[str, Any]:
            return {
                "summary": mask_message(group.summary),
                "count": group.count,
                "jobs": group.jobs,
                "lastTime": shown_time(group.last_ms, zone),
                "lastRunId": group.last_run_id or None,
                "lastJobName": group.last_job_name,
                "lastSummary": mask_message(group.last_summary),
            }

        return json_response(
            {
                "startTime": shown_time(start_ms, zone),
                "endTime": shown_time(end_ms, zone),
                "rows": await encoded_list(view, found.rows, short=0),
                "lookedAt": found.looked_at,
                "complete": found.complete,
            }
        )

    return router
