# ruff: noqa: FAST003 - ruff does not see the alias inside a named Annotated type
"""`/api/job`: register, change, trigger and remove jobs."""

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from elasticjob_cloud.api.access.masked import keep_masked, sees_secrets
from elasticjob_cloud.api.answers.responses import done, json_response
from elasticjob_cloud.api.answers.views import job_view
from elasticjob_cloud.api.openapi.documents import (
    BOOLEAN,
    TEXT,
    TRUE,
    array_of,
    described,
    described_by_job_name,
    object_of,
    reference,
)
from elasticjob_cloud.api.requests.alerts import known_rule
from elasticjob_cloud.api.requests.dry_runs import check_changed_job, check_new_job
from elasticjob_cloud.api.requests.known import check_job_name
from elasticjob_cloud.api.requests.models import JobRequest
from elasticjob_cloud.api.requests.raw.body import BodyReader
from elasticjob_cloud.api.requests.raw.query import QueryParameters, parse_time_ms, read_query
from elasticjob_cloud.api.requests.schedules import cron_view, schedule_errors
from elasticjob_cloud.api.requests.validation import check_fields
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.errors import InvalidRequestError, NotFoundError
from elasticjob_cloud.model.jobs.error_handlers import error_handler_errors
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.scripts.script_size import script_size_errors
from elasticjob_cloud.service.port import (
    DeregisterJob,
    RegisterJob,
    SchedulerPort,
    SetJobDisabled,
    UpdateJob,
)

JobName = Annotated[str, Path(alias="jobName")]


class FiresQuery(QueryParameters):
    """`GET /api/job/cron/fires`."""

    cron: str = Field(description="a Quartz expression")
    time_zone: str = Field("", description="IANA name; the scheduler's zone by default")
    start: str = Field("", description="ISO 8601; now by default")
    count: int = Field(10, ge=1, le=100)


class ChangeQuery(QueryParameters):
    """`POST /api/job/register` and `PUT /api/job/update`."""

    dry_run: bool = Field(default=False, description="say whether it would be done, and change nothing")


class JobQuery(QueryParameters):
    """`GET /api/job/jobs/{jobName}`."""

    masked: bool = Field(default=False, description="show secrets as `***` to an admin too, as the list does")


def job_routes(scheduler: SchedulerPort, bodies: BodyReader, wall_ms: Callable[[], int]) -> APIRouter:
    """Give the routes of jobs."""
    router = APIRouter(prefix="/api/job", tags=["jobs"])

    def check_job(payload: dict[str, Any], stored: JobConfiguration | None = None) -> JobRequest:
        given = check_fields(
            JobRequest,
            payload,
            lambda fields: schedule_errors(fields, scheduler.default_time_zone(), wall_ms(), stored),
            stored,
        )
        for find_errors in (script_size_errors, error_handler_errors):
            errors = find_errors(given.to_configuration())
            if errors and (stored is None or not find_errors(stored)):
                raise InvalidRequestError.of(*errors)
        return given

    async def alert_rule(given: JobRequest) -> AlertRule | None:
        if given.alerts is None:
            return None
        names = {channel.name for channel in await scheduler.alerts.channels()}
        return known_rule(given.alerts, names, "alerts.")

    async def stored_job(job_name: Any) -> JobConfiguration | None:
        with suppress(NotFoundError):  # then the command says so
            return (await scheduler.job(job_name)).configuration if isinstance(job_name, str) else None
        return None

    @router.post("/register", **described(TRUE, body=JobRequest, query=ChangeQuery, errors=(404, 409)))
    async def register_job(request: Request) -> Response:
        """Register a job under a published app."""
        asked = read_query(request, ChangeQuery)
        given = check_job(keep_masked(await bodies.object(request)))
        rule = await alert_rule(given)
        if asked.dry_run:
            await check_new_job(scheduler, given.to_configuration())
            return done()
        await scheduler.submit(
            RegisterJob(given.to_configuration(), disabled=bool(given.disabled), alerts=rule)
        )
        return done()

    @router.put("/update", **described(TRUE, body=JobRequest, query=ChangeQuery, errors=(404, 409)))
    async def update_job(request: Request) -> Response:
        """Replace a job's settings; its schedule starts afresh. Only what changes is checked. `***` where a list shows it keeps the secret."""
        asked = read_query(request, ChangeQuery)
        payload = await bodies.object(request)
        stored = await stored_job(payload.get("jobName"))
        given = check_job(keep_masked(payload, stored), stored)
        rule = await alert_rule(given)
        if asked.dry_run:
            await check_changed_job(scheduler, given.to_configuration())
            return done()
        await scheduler.submit(UpdateJob(given.to_configuration(), disabled=given.disabled, alerts=rule))
        return done()

    @router.delete("/deregister", **described_by_job_name(TRUE, errors=(404,)))
    async def deregister_job(request: Request) -> Response:
        """Remove a job and kill its tasks."""
        await scheduler.submit(DeregisterJob(await bodies.job_name(request)))
        return done()

    @router.delete("/{jobName}/deregister", **described(TRUE, errors=(404,)))
    async def deregister_named_job(job_name: JobName) -> Response:
        """Remove a job and kill its tasks."""
        await scheduler.submit(DeregisterJob(check_job_name(job_name)))
        return done()

    @router.get("/jobs/{jobName}", **described(reference("JobConfiguration"), query=JobQuery, errors=(404,)))
    async def read_job(job_name: JobName, request: Request) -> Response:
        """Give one job; guests see secrets as `***`."""
        is_masked = read_query(request, JobQuery).masked
        record = await scheduler.job(check_job_name(job_name))
        rules = await scheduler.alerts.rules()
        return json_response(job_view(record, rules, shows_secrets=sees_secrets(request) and not is_masked))

    @router.get("/{jobName}/disable", **described(BOOLEAN, errors=(404,)))
    async def is_job_disabled(job_name: JobName) -> Response:
        """Tell whether a job is disabled."""
        return json_response((await scheduler.job(check_job_name(job_name))).disabled)

    @router.post("/{jobName}/disable", **described(TRUE, errors=(404, 409)))
    async def disable_job(job_name: JobName) -> Response:
        """Stop scheduling a job and kill its running tasks."""
        await scheduler.submit(SetJobDisabled(check_job_name(job_name), disabled=True))
        return done()

    @router.delete("/{jobName}/disable", **described(TRUE, errors=(404, 409)))  # as ElasticJob 2.x has it
    @router.post("/{jobName}/enable", **described(TRUE, errors=(404, 409)))
    async def enable_job(job_name: JobName) -> Response:
        """Take a job up again."""
        await scheduler.submit(SetJobDisabled(check_job_name(job_name), disabled=False))
        return done()

    fires = object_of({"fires": array_of(TEXT), "weekdays": TEXT}, optional=("weekdays",))

    @router.get("/cron/fires", **described(fires, query=FiresQuery))
    async def list_cron_fires(request: Request) -> Response:
        """Give the next fires of an expression; fewer than asked for when it ends."""
        given = read_query(request, FiresQuery)
        default_zone = scheduler.default_time_zone()
        zone_name = given.time_zone or default_zone
        errors = schedule_errors({"cron": given.cron, "timeZone": zone_name}, default_zone, wall_ms())
        # Whether it fires is asked from `start` on, which cannot be read without the zone.
        if any(error.field == "timeZone" for error in errors):
            raise InvalidRequestError.of(*errors)
        start_ms = parse_time_ms("start", given.start, ZoneInfo(zone_name)) if given.start else wall_ms()
        errors = schedule_errors({"cron": given.cron, "timeZone": zone_name}, default_zone, start_ms)
        if errors:
            raise InvalidRequestError.of(*errors)
        return json_response(cron_view(given.cron, zone_name, start_ms, given.count))

    return router
