"""`/api/job/statistics`: what was counted over time, in upstream's shapes."""

import datetime as dt
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import Field

from elasticjob_cloud.api.documents import INTEGER, TEXT, array_of, described, object_of
from elasticjob_cloud.api.query import QueryParameters, read_query, refuse_query
from elasticjob_cloud.api.responses import json_response
from elasticjob_cloud.api.text import shown
from elasticjob_cloud.api.views import shown_time
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.statistics import (
    JobRegisterStatistics,
    RunningStatistics,
    StatisticsPeriod,
    TaskResultStatistics,
)
from elasticjob_cloud.service.port import SchedulerPort

_RESULT: Final = object_of(
    {"successCount": INTEGER, "failedCount": INTEGER, "statisticInterval": TEXT, "statisticsTime": TEXT}
)
_RUNNING: Final = object_of({"runningCount": INTEGER, "statisticsTime": TEXT})
_EXECUTION_TYPE: Final = object_of({"transientJobCount": INTEGER, "daemonJobCount": INTEGER})
_REGISTER: Final = object_of({"registeredCount": INTEGER, "statisticsTime": TEXT})


class LastDayQuery(QueryParameters):
    """`GET /api/job/statistics/tasks/results`."""

    since: Literal["last24hours"] = Field("last24hours", description="there is one value")


class LastWeekQuery(QueryParameters):
    """`GET /api/job/statistics/tasks/running` and `.../jobs/running`."""

    since: Literal["lastWeek"] = Field("lastWeek", description="there is one value")


def statistics_routes(scheduler: SchedulerPort) -> APIRouter:
    """Give the routes of the statistics."""
    router = APIRouter(prefix="/api/job/statistics", tags=["statistics"])

    @router.get("/tasks/results", **described(array_of(_RESULT), query=LastDayQuery))
    async def list_task_results(request: Request) -> Response:
        """Give the results of each full hour of the last 24, oldest first."""
        read_query(request, LastDayQuery)
        results = await scheduler.statistics.task_results_of_last_day()
        return json_response([_result_view(result, _zone(scheduler)) for result in results])

    @router.get("/tasks/results/{period}", **described(_RESULT, errors=(400,)))
    async def show_task_result(request: Request, period: str) -> Response:
        """Sum up results: `online` (all), `lastWeek`, `lastHour` (the last full hour), `lastMinute` (likewise)."""
        refuse_query(request)
        result = await scheduler.statistics.task_result(_period(period))
        return json_response(_result_view(result, _zone(scheduler)))

    @router.get("/tasks/running", **described(array_of(_RUNNING), query=LastWeekQuery))
    async def list_running_tasks(request: Request) -> Response:
        """Give how many tasks ran in each minute of the last week, oldest first."""
        read_query(request, LastWeekQuery)
        samples = await scheduler.statistics.running_tasks()
        return json_response([_running_view(sample, _zone(scheduler)) for sample in samples])

    @router.get("/jobs/running", **described(array_of(_RUNNING), query=LastWeekQuery))
    async def list_running_jobs(request: Request) -> Response:
        """Give how many jobs ran in each minute of the last week, oldest first."""
        read_query(request, LastWeekQuery)
        samples = await scheduler.statistics.running_jobs()
        return json_response([_running_view(sample, _zone(scheduler)) for sample in samples])

    @router.get("/jobs/executionType", **described(_EXECUTION_TYPE))
    async def show_execution_types(request: Request) -> Response:
        """Give how many jobs of each kind are registered now."""
        refuse_query(request)
        types = await scheduler.statistics.execution_types()
        return json_response(
            {"transientJobCount": types.transient_job_count, "daemonJobCount": types.daemon_job_count}
        )

    @router.get("/jobs/register", **described(array_of(_REGISTER)))
    async def list_registered_jobs(request: Request) -> Response:
        """Give how many jobs were registered on each day, oldest first."""
        refuse_query(request)
        days = await scheduler.statistics.registered_jobs()
        return json_response([_register_view(day, _zone(scheduler)) for day in days])

    return router


def _period(name: str) -> StatisticsPeriod:
    try:
        return StatisticsPeriod(name)
    except ValueError:
        allowed = ", ".join(period.value for period in StatisticsPeriod)
        error = FieldError("period", f"is one of {allowed}, not '{shown(name)}'.")
        raise InvalidRequestError.of(error) from None


def _zone(scheduler: SchedulerPort) -> dt.tzinfo:
    return ZoneInfo(scheduler.default_time_zone())


def _result_view(result: TaskResultStatistics, zone: dt.tzinfo) -> dict[str, Any]:
    return {
        "successCount": result.success_count,
        "failedCount": result.failed_count,
        "statisticInterval": result.statistic_interval.value,
        "statisticsTime": shown_time(result.statistics_ms, zone),
    }


def _running_view(sample: RunningStatistics, zone: dt.tzinfo) -> dict[str, Any]:
    return {
        "runningCount": sample.running_count,
        "statisticsTime": shown_time(sample.statistics_ms, zone),
    }


def _register_view(day: JobRegisterStatistics, zone: dt.tzinfo) -> dict[str, Any]:
    return {
        "registeredCount": day.registered_count,
        "statisticsTime": shown_time(day.statistics_ms, zone),
    }
