# ruff: noqa: FAST003 - ruff does not see the alias inside a named Annotated type
"""`/api/job/runs`, `/api/job/executions` and `/api/job/trigger`: what ran, runs and waits, and what starts, ends and repeats it."""

import asyncio
from collections.abc import Callable, Sequence
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
from elasticjob_cloud.api.openapi.runs import EXECUTION_PAGE, RERUN, RUN_DETAIL, RUN_PAGE
from elasticjob_cloud.api.requests.body import BodyReader
from elasticjob_cloud.api.requests.query import parse_interval_ms, read_query
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
    ConflictError,
    FieldError,
    InvalidRequestError,
    NotFoundError,
)
from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.job import JobConfiguration
from elasticjob_cloud.model.queries.runs import ENDED_STATES, Run, RunDetail
from elasticjob_cloud.service.port import (
    KillRun,
    RerunShards,
    RunParameters,
    SchedulerPort,
    TriggerJob,
)

RUN_ID_HEADER: Final = "X-Run-Id"
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

    @router.post("/trigger", **described_by_job_name(TRUE, body=TriggerRequest, errors=(404, 409)))
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
        page = await scheduler.runs.page(run_query(given, interval, wall_ms()))
        rows = await encoded_list(partial(run_view, zone=zone()), page.rows)
        return json_response({"rows": rows, "next": page.next})

    @router.get("/runs/{runId}", **described(RUN_DETAIL, errors=(404,)))
    async def read_run(run_id: RunIdentifier, request: Request) -> Response:
        """Give one run, the configuration it ran under, and its shards with all attempts; guests see secrets as `***`."""
        detail = await scheduler.runs.detail(read_run_id(run_id))
        shows_secrets = sees_secrets(request)
        view = partial(shard_view, zone=zone(), shows_secrets=shows_secrets)
        return json_response(
            {
                "run": run_view(detail.run, zone()),
                "configuration": configuration_view(detail.configuration, shows_secrets=shows_secrets),
                "shards": await encoded_list(view, shards_of(detail)),
            }
        )

    @router.post("/runs/{runId}/kill", **described(TRUE, errors=(404, 409)))
    async def kill_run(run_id: RunIdentifier, request: Request) -> Response:
        """Kill what runs of a run, or drop it while it waits. Nothing of it starts again."""
        detail = await scheduler.runs.detail(read_run_id(run_id))
        await scheduler.submit(KillRun(detail.run.job_name, detail.run.run_id, caller_name(request)))
        return done()

    @router.post("/runs/{runId}/rerun", **described(RERUN, body=RerunRequest, errors=(404, 409, 502)))
    async def rerun_shards(run_id: RunIdentifier, request: Request) -> Response:
        """Run shards of a run that has ended again, under the job's present settings. Answers the new run's id."""
        number = read_run_id(run_id)
        given = check_fields(RerunRequest, await bodies.object(request))
        detail = await scheduler.runs.detail(number)
        items = await asyncio.to_thread(_items_to_rerun, detail, given.items)
        command = RerunShards(detail.run.job_name, number, items, caller_name(request))
        return json_response({"runId": await scheduler.submit(command)})

    @router.get("/executions", **described(EXECUTION_PAGE, query=ExecutionFilters))
    async def list_daemon_executions(request: Request) -> Response:
        """Give a page of executions of daemon jobs, newest first: each counts like a run of one shard."""
        given = read_query(request, ExecutionFilters)
        interval = parse_interval_ms(given.start_time, given.end_time, zone())
        page = await scheduler.runs.daemon_executions(run_query(given, interval, wall_ms()))
        rows = await encoded_list(partial(daemon_execution_view, zone=zone()), page.rows)
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


def _items_to_rerun(detail: RunDetail, wanted: str | list[int]) -> tuple[int, ...]:
    """Give the shards to run again; none stands for all that the job has by now.

    Raises:
        ConflictError: No shard of the run has failed, or that is not known.
        InvalidRequestError: A shard is none of the run's.
    """
    run = detail.run
    if wanted == "all":
        return detail.items
    shards = shards_of(detail)
    if wanted == "failed":
        failed = tuple(it.item for it in shards if it.state in {RunState.FAILED, RunState.KILLED})
        if not failed:
            raise ConflictError(_why_none_failed(run, is_known=bool(shards)))
        return failed
    items = {it.item for it in shards} or range(run.shards.total)
    unknown = [item for item in wanted if item not in items]
    if unknown:
        problem = f"shard {unknown[0]} is none of run {run.run_id}, which has {_in_words(sorted(items))}."
        raise InvalidRequestError.of(FieldError("items", problem))
    return tuple(int(item) for item in wanted)


def _why_none_failed(run: Run, *, is_known: bool) -> str:
    if run.state not in ENDED_STATES:
        return f"Run {run.run_id} of job '{run.job_name}' has not ended. Kill it first, or wait for its end."
    advice = 'Send {"items": "all"} to run all of them.'
    if run.state is RunState.DROPPED:
        return f"Run {run.run_id} was dropped ({run.reason}), so that no shard of it ran. {advice}"
    if not is_known:
        return f"It is not known which shards of run {run.run_id} failed. {advice}"
    return f"No shard of run {run.run_id} has failed. {advice}"


def _in_words(items: Sequence[int]) -> str:
    if not items:
        return "none"
    is_range = items[-1] - items[0] == len(items) - 1
    if is_range and len(items) > 1:
        return f"shards {items[0]} to {items[-1]}"
    return f"{'shard' if len(items) == 1 else 'shards'} {', '.join(map(str, items[:20]))}"
