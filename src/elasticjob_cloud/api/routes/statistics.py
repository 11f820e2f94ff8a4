"""`/api/job/statistics`: what was counted over time, in upstream's shapes."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import Field

from elasticjob_cloud.api.answers.responses import json_response
from elasticjob_cloud.api.answers.views import shown_time
from elasticjob_cloud.api.openapi.documents import INTEGER, TEXT, array_of, described, object_of
from elasticjob_cloud.api.requests.raw.query import QueryParameters, read_query, refuse_query
from elasticjob_cloud.model.jobs.job import STREAMING_PROCESS, JobConfiguration
from elasticjob_cloud.model.queries.statistics import (
    JobRegisterStatistics,
    RunningStatistics,
    StatisticInterval,
    StatisticsPeriod,
    TaskResultStatistics,
)
from elasticjob_cloud.service.port import SchedulerPort

_RESULT: Final = object_of(
    {"successCount": INTEGER, "failedCount": INTEGER, "statisticInterval": TEXT, "statisticsTime": TEXT}
)
_RUNNING: Final = object_of({"runningCount": INTEGER, "statisticsTime": TEXT})
_EXECUTION_TYPE: Final = object_of({"transientJobCount": INTEGER, "daemonJobCount": INTEGER})
_JOB_TYPE: Final = object_of(
    {"scriptJobCount": INTEGER, "simpleJobCount": INTEGER, "dataflowJobCount": INTEGER}
)
_REGISTER: Final = object_of({"registeredCount": INTEGER, "statisticsTime": TEXT})

LAST_DAY: Final = "last24hours"
LAST_WEEK: Final = "lastWeek"


class LastDayQuery(QueryParameters):
    """`GET /api/job/statistics/tasks/results`."""

    since: str = Field(LAST_DAY, description=f"`{LAST_DAY}`; for any other there is nothing")


class LastWeekQuery(QueryParameters):
    """`GET /api/job/statistics/tasks/running` and `.../jobs/running`."""

    since: str = Field(LAST_WEEK, description=f"`{LAST_WEEK}`; for any other there is nothing")


def statistics_routes(scheduler: SchedulerPort, wall_ms: Callable[[], int]) -> APIRouter:
    """Give the routes of the statistics."""
    router = APIRouter(prefix="/api/job/statistics", tags=["statistics"])

    @router.get("/tasks/results", **described(array_of(_RESULT), query=LastDayQuery))
    async def list_task_results(request: Request) -> Response:
        """Give the results of each full hour of the last 24, oldest first."""
        if read_query(request, LastDayQuery).since != LAST_DAY:
            return json_response([])
        results = await scheduler.statistics.task_results_of_last_day()
        return json_response([_result_view(result, _zone(scheduler)) for result in results])

    @router.get("/tasks/results/{period}", **described(_RESULT, errors=(400,)))
    async def show_task_result(request: Request, period: str) -> Response:
        """Sum up results: `online` (all), `lastWeek`, `lastHour` (the last full hour), `lastMinute` (likewise).

        Any other period has counts of zero, as in upstream.
        """
        refuse_query(request)
        known = _period(period)
        nothing = TaskResultStatistics(0, 0, StatisticInterval.DAY, wall_ms())
        result = nothing if known is None else await scheduler.statistics.task_result(known)
        return json_response(_result_view(result, _zone(scheduler)))

    @router.get("/tasks/running", **described(array_of(_RUNNING), query=LastWeekQuery))
    async def list_running_tasks(request: Request) -> Response:
        """Give how many tasks ran in each minute of the last week, oldest first."""
        if read_query(request, LastWeekQuery).since != LAST_WEEK:
            return json_response([])
        samples = await scheduler.statistics.running_tasks()
        return json_response([_running_view(sample, _zone(scheduler)) for sample in samples])

    @router.get("/jobs/running", **described(array_of(_RUNNING), query=LastWeekQuery))
    async def list_running_jobs(request: Request) -> Response:
        """Give how many jobs ran in each minute of the last week, oldest first."""
        if read_query(request, LastWeekQuery).since != LAST_WEEK:
            return json_response([])
        samples = await scheduler.statistics.running_jobs()
        return json_response([_running_view(sample, _zone(scheduler)) for sample in samples])

    @router.get("/jobs/executionType", **described(_EXECUTION_TYPE))
    async def show_execution_types(request: Request) -> Response:
        """Give how many jobs of each kind are registered now."""
        refuse_query(request)
        types = await scheduler.reading.execution_types()
        return json_response(
            {"transientJobCount": types.transient_job_count, "daemonJobCount": types.daemon_job_count}
        )

    @router.get("/jobs/type", **described(_JOB_TYPE))
    async def show_job_types(request: Request) -> Response:
        """Give how many jobs of each of 2.x's types are registered now: `dataflow` are those with `streaming.process`."""
        refuse_query(request)
        return json_response(_type_view(record.configuration for record in await scheduler.jobs()))

    @router.get("/jobs/register", **described(array_of(_REGISTER)))
    async def list_registered_jobs(request: Request) -> Response:
        """Give how many jobs were registered on each day, oldest first."""
        refuse_query(request)
        days = await scheduler.statistics.registered_jobs()
        return json_response([_register_view(day, _zone(scheduler)) for day in days])

    return router


def _period(name: str) -> StatisticsPeriod | None:
    return next((period for period in StatisticsPeriod if period.value == name), None)


def _type_view(jobs: Iterable[JobConfiguration]) -> dict[str, int]:
    types = Counter(_job_type(job) for job in jobs)
    return {f"{name}JobCount": types[name] for name in ("script", "simple", "dataflow")}


def _job_type(job: JobConfiguration) -> str:
    """Tell which of 2.x's types a job has; what its code does the scheduler cannot know, only what `props` say."""
    if job.is_script:
        return "script"
    return "dataflow" if STREAMING_PROCESS in job.props else "simple"


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
