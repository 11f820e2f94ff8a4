# ruff: noqa: FAST003 - ruff does not see the alias inside a named Annotated type
"""`/api/job/runs`, `/api/job/executions` and `/api/job/trigger`: what ran, runs and waits, and what starts, ends and repeats it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request, Response

from elasticjob_cloud.api.access.masked import caller_name, keep_masked, sees_secrets
from elasticjob_cloud.api.answers.responses import done, encoded_list, json_response
from elasticjob_cloud.api.answers.runs import (
    configuration_view,
    daemon_execution_view,
    run_view,
    shard_view,
    shards_of,
)
from elasticjob_cloud.api.openapi.documents import TRUE, described, described_by_job_name
from elasticjob_cloud.api.openapi.runs import (
    EXECUTION_PAGE,
    RERUN,
    RUN_DETAIL,
    RUN_ID,
    RUN_ID_HEADER,
    RUN_PAGE,
)
from elasticjob_cloud.api.requests.raw.body import BodyReader
from elasticjob_cloud.api.requests.raw.query import parse_interval_ms, read_query
from elasticjob_cloud.api.requests.run_commands import (
    RerunRequest,
    TriggerRequest,
    new_script_size_errors,
)
from elasticjob_cloud.api.requests.runs import (
    ExecutionFilters,
    RunFilters,
    read_run_id,
    run_query,
)
from elasticjob_cloud.api.requests.validation import check_fields
from elasticjob_cloud.model.errors import (
    InvalidRequestError,
    NotFoundError,
)
from elasticjob_cloud.model.fire import FireSource
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.service.port import (
    RunParameters,
    SchedulerPort,
    ShardChoice,
    TriggerJob,
)

_SHORT_PAGE: Final = 10  # masking takes its time, and details are long
RunIdentifier = Annotated[str, Path(alias="runId")]


def run_routes(scheduler: SchedulerPort, bodies: BodyReader, wall_ms: Callable[[], int]) -> APIRouter:
    """Give the routes of runs."""
    router = APIRouter(prefix="/api/job", tags=["runs"])

    def zone() -> ZoneInfo:
        return ZoneInfo(scheduler.default_time_zone())

    async def trigger_command(sent: str | dict[str, Any], request: Request) -> TriggerJob:
        triggered_by = caller_name(request)
        if isinstance(sent, str):
            return TriggerJob(sent, triggered_by=triggered_by)
        stored = await _stored_job(scheduler, sent.get("jobName"))
        given = check_fields(TriggerRequest, keep_masked(sent, stored))
        parameters = given.to_parameters()
        _check_script_size(stored, parameters)
        return TriggerJob(given.job_name, parameters, triggered_by, given.idempotency_key)

    @router.post(
        "/trigger", **described_by_job_name(TRUE, body=TriggerRequest, errors=(404, 409), headers=RUN_ID)
    )
    async def trigger_job(request: Request) -> Response:
        """Run a transient job once now, apart from its cron. A trigger during a run is queued. The header `X-Run-Id` names the run."""
        sent = await bodies.job_name_or_object(request)
        run_id = await scheduler.submit(await trigger_command(sent, request))
        return json_response(content=True, headers={RUN_ID_HEADER: str(run_id)})

    @router.get("/runs", **described(RUN_PAGE, query=RunFilters))
    async def list_runs(request: Request) -> Response:
        """Give a page of runs, newest first: those of the last 24 hours, or all that wait or run now with that `state`."""
        given = read_query(request, RunFilters)
        interval = parse_interval_ms(given.start_time, given.end_time, zone())
        query = run_query(given, interval, wall_ms())
        page = await scheduler.runs.page(query)
        view = partial(run_view, zone=zone(), with_shards=query.with_shards)
        rows = await encoded_list(view, page.rows, short=_SHORT_PAGE)
        return json_response({"rows": rows, "next": page.next})

    @router.get("/runs/{runId}", **described(RUN_DETAIL, errors=(404,)))
    async def read_run(run_id: RunIdentifier, request: Request) -> Response:
        """Give one run, the configuration it ran under, and its shards with all attempts; guests see secrets as `***`."""
        detail = await scheduler.runs.run(read_run_id(run_id))
        if detail.run.source is FireSource.DAEMON:
            message = f"{run_id} is no run: '{detail.run.job_name}' is a daemon job, of which GET /api/job/executions lists the executions."
            raise NotFoundError(message)
        shows_secrets = sees_secrets(request)
        view = partial(shard_view, zone=zone(), shows_secrets=shows_secrets)
        # In threads: there may be ten thousand shards, and settings of 256 KiB.
        configuration = await asyncio.to_thread(
            configuration_view, detail.configuration, shows_secrets=shows_secrets
        )
        shards = await asyncio.to_thread(shards_of, detail)
        return json_response(
            {
                "run": run_view(detail.run, zone()),
                "configuration": configuration,
                "shards": await encoded_list(view, shards, short=0),
            }
        )

    @router.post("/runs/{runId}/kill", **described(TRUE, errors=(400, 404, 409)))
    async def kill_run(run_id: RunIdentifier, request: Request) -> Response:
        """Kill what runs of a run, or drop it while it waits. Nothing of it starts again."""
        await scheduler.runs.kill(read_run_id(run_id), caller_name(request))
        return done()

    @router.post("/runs/{runId}/rerun", **described(RERUN, body=RerunRequest, errors=(404, 409, 502)))
    async def rerun_shards(run_id: RunIdentifier, request: Request) -> Response:
        """Run shards of a run that has ended again, under the job's present settings. Answers the new run's id."""
        number = read_run_id(run_id)
        given = check_fields(RerunRequest, await bodies.object(request))
        shards = ShardChoice(given.items) if isinstance(given.items, str) else given.items
        return json_response({"runId": await scheduler.runs.rerun(number, shards, caller_name(request))})

    @router.get("/executions", **described(EXECUTION_PAGE, query=ExecutionFilters))
    async def list_daemon_executions(request: Request) -> Response:
        """Give a page of executions of daemon jobs, newest first: each counts like a run of one shard."""
        given = read_query(request, ExecutionFilters)
        interval = parse_interval_ms(given.start_time, given.end_time, zone())
        page = await scheduler.runs.daemon_executions(run_query(given, interval, wall_ms()))
        rows = await encoded_list(partial(daemon_execution_view, zone=zone()), page.rows, short=0)
        return json_response({"rows": rows, "next": page.next})

    return router


async def _stored_job(scheduler: SchedulerPort, job_name: Any) -> JobConfiguration | None:
    with suppress(NotFoundError):  # then the command says so
        return (await scheduler.job(job_name)).configuration if isinstance(job_name, str) else None
    return None


def _check_script_size(stored: JobConfiguration | None, parameters: RunParameters) -> None:
    errors = [] if stored is None else new_script_size_errors(stored, parameters)
    if errors:
        raise InvalidRequestError.of(*errors)
