"""`GET /api/job/jobs`: all jobs, or a page of them."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import BeforeValidator, Field

from elasticjob_cloud.api.answers.job_rows import job_rows
from elasticjob_cloud.api.answers.responses import json_response
from elasticjob_cloud.api.answers.streams import streamed_list
from elasticjob_cloud.api.answers.views import is_long_job, job_view
from elasticjob_cloud.api.openapi.documents import BOOLEAN, INTEGER, array_of, described, object_of, reference
from elasticjob_cloud.api.openapi.job_row import JOB_ROW
from elasticjob_cloud.api.openapi.parts import told
from elasticjob_cloud.api.requests.models import ShortText
from elasticjob_cloud.api.requests.raw.query import QueryParameters, default_for_zero, read_query
from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder, JobSort, JobState
from elasticjob_cloud.service.port import SchedulerPort

States = Literal["ENABLED", "DISABLED", "RUNNING", "WAITING", "SUCCEEDED", "FAILED", "KILLED", "DROPPED"]
Sorts = Literal["jobName", "appName", "state", "lastRun", "nextFire", "runningShards"]
_ROWS = 50
MAXIMUM_ROWS = 100


class JobListQuery(QueryParameters):
    """`GET /api/job/jobs`."""

    page: Annotated[Annotated[int, Field(ge=1, le=2**31 - 1)] | None, BeforeValidator(default_for_zero)] = (
        Field(None, description="from 1; asks for a page")
    )
    per_page: Annotated[
        Annotated[int, Field(ge=1, le=MAXIMUM_ROWS)] | None, BeforeValidator(default_for_zero)
    ] = Field(None, alias="per_page", description="rows of a page; 50 by default; asks for a page")
    search: Annotated[
        ShortText, Field(description="part of a name, an app's name or a description, in any case")
    ] = ""
    app_name: ShortText = ""
    state: States | None = Field(
        None, description="RUNNING, WAITING: it has such a run; the last four: how its last run ended"
    )
    sort: Sorts = Field("jobName", description="jobs for which it says nothing come last, in either order")
    order: Annotated[Literal["asc", "desc"], BeforeValidator(str.lower)] = "asc"
    limit: str = Field("", description="ignored, as upstream does")
    offset: str = Field("", description="ignored, as upstream does")
    q: str = Field("", description="ignored, as upstream does")

    @property
    def wanted(self) -> JobFilter:
        """Which jobs."""
        return JobFilter(self.search, self.app_name, None if self.state is None else JobState(self.state))

    @property
    def ordered(self) -> JobOrder:
        """In which order."""
        return JobOrder(JobSort(self.sort), self.order == "desc")


_COMPLETE = told(
    BOOLEAN,
    "false for a while after a start: the last results that it is sorted or filtered by are still being read",
)
_PAGE = object_of({"total": INTEGER, "rows": array_of(JOB_ROW), "complete": _COMPLETE})


def job_list_routes(scheduler: SchedulerPort) -> APIRouter:
    """Give the routes of the list of jobs."""
    router = APIRouter(prefix="/api/job", tags=["jobs"])
    answers = {"oneOf": [array_of(reference("JobConfiguration")), _PAGE]}

    @router.get("/jobs", **described(answers, query=JobListQuery))
    async def list_jobs(request: Request) -> Response:
        """Give all jobs as an array; with `page` or `per_page`, a page of them with their last results. Secrets are `***`."""
        given = read_query(request, JobListQuery)
        if given.page is None and given.per_page is None:
            names = await scheduler.reading.job_names(given.wanted, given.ordered)
            rules = await scheduler.alerts.rules()
            return await streamed_list(
                lambda job: job_view(job, rules), scheduler.reading.job_records(names), is_long_job
            )
        page = await scheduler.reading.job_page(
            given.wanted, given.ordered, given.page or 1, given.per_page or _ROWS
        )
        zone = ZoneInfo(scheduler.default_time_zone())
        rows = await job_rows(page.rows, zone)
        return json_response({"total": page.total, "rows": rows, "complete": page.complete})

    return router
