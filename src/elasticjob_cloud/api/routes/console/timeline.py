"""`GET /api/job/timeline`: what ran in a time, and what is to run in it."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import Field

from elasticjob_cloud.api.answers.responses import encoded_list, json_response
from elasticjob_cloud.api.answers.views import shown_time
from elasticjob_cloud.api.openapi.documents import BOOLEAN, INTEGER, TEXT, array_of, described, object_of
from elasticjob_cloud.api.openapi.parts import LATER_TIME, TIME, one_of, told
from elasticjob_cloud.api.requests.models import ShortText
from elasticjob_cloud.api.requests.raw.query import QueryParameters, parse_interval_ms, read_query
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.timeline import PlannedFire, PlannedFires, TimelineQuery, TimelineRun
from elasticjob_cloud.service.port import SchedulerPort

_HOUR_MS: Final = 3_600_000
_DAYS: Final = 31
_STARTED: Final = (RunState.RUNNING, RunState.SUCCEEDED, RunState.FAILED, RunState.KILLED)
_RUN: Final = object_of(
    {
        "runId": INTEGER,
        "jobName": TEXT,
        "appName": TEXT,
        "startTime": TIME,
        "endTime": LATER_TIME,
        "state": one_of(_STARTED),
    }
)
_COMPLETE: Final = told(BOOLEAN, "false: there may be others")
_TIMELINE: Final = object_of(
    {
        "startTime": TIME,
        "endTime": TIME,
        "runs": told(
            object_of({"rows": array_of(_RUN), "complete": _COMPLETE}), "those that started last come first"
        ),
        "planned": told(
            object_of({"rows": array_of(object_of({"jobName": TEXT, "time": TIME})), "complete": _COMPLETE}),
            "fires from now on, the next first; not those of daemon jobs",
        ),
    }
)


class TimelineParameters(QueryParameters):
    """`GET /api/job/timeline`."""

    start_time: str = Field(
        "",
        description="ISO 8601 or `yyyy-MM-dd HH:mm:ss`, included; an hour before now or `endTime` by default",
    )
    end_time: str = Field(
        "", description="ISO 8601 or `yyyy-MM-dd HH:mm:ss`, included; an hour after now by default"
    )
    app_name: ShortText = ""
    job_name: ShortText = ""
    limit: int = Field(
        500, ge=1, le=10_000, description="runs, the latest, and fires, the next, at most so many each"
    )


def timeline_routes(scheduler: SchedulerPort, wall_ms: Callable[[], int]) -> APIRouter:
    """Give the route of the timeline."""
    router = APIRouter(prefix="/api/job", tags=["console"])

    @router.get("/timeline", **described(_TIMELINE, query=TimelineParameters))
    async def read_timeline(request: Request) -> Response:
        """Give the runs that ran at some moment of a time, and the fires that are planned in it."""
        zone = ZoneInfo(scheduler.default_time_zone())
        now_ms = wall_ms()
        query = _query(read_query(request, TimelineParameters), zone, now_ms)
        past = await scheduler.runs.past_runs(query)
        planned = PlannedFires([], complete=True)
        if query.end_ms >= now_ms:
            planned = await scheduler.reading.planned_fires(query)
        runs = await encoded_list(partial(_run_view, zone=zone), past.rows)
        fires = await encoded_list(partial(_fire_view, zone=zone), planned.rows)
        return json_response(
            {
                "startTime": shown_time(query.start_ms, zone),
                "endTime": shown_time(query.end_ms, zone),
                "runs": {"rows": runs, "complete": past.complete},
                "planned": {"rows": fires, "complete": planned.complete},
            }
        )

    return router


def _query(given: TimelineParameters, zone: ZoneInfo, now_ms: int) -> TimelineQuery:
    start_ms, end_ms = parse_interval_ms(given.start_time, given.end_time, zone)
    if start_ms is None:
        start_ms = min(now_ms, now_ms if end_ms is None else end_ms) - _HOUR_MS
    if end_ms is None:
        end_ms = max(now_ms, start_ms) + _HOUR_MS
    if end_ms - start_ms > _DAYS * 24 * _HOUR_MS:
        raise InvalidRequestError.of(FieldError("endTime", f"must be at most {_DAYS} days after startTime."))
    return TimelineQuery(start_ms, end_ms, given.job_name, given.app_name, given.limit)


def _run_view(run: TimelineRun, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "runId": run.run_id,
        "jobName": run.job_name,
        "appName": run.app_name,
        "startTime": shown_time(run.start_ms, zone),
        "endTime": shown_time(run.end_ms, zone) if run.end_ms else None,
        "state": run.state.value,
    }


def _fire_view(fire: PlannedFire, zone: ZoneInfo) -> dict[str, Any]:
    return {"jobName": fire.job_name, "time": shown_time(fire.due_ms, zone)}
