# ruff: noqa: FAST003 - ruff does not see the alias inside a named Annotated type
"""`/api/job/runs` and `/api/job/executions`: what ran, runs and waits."""

from collections.abc import Callable
from functools import partial
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request, Response

from elasticjob_cloud.api.access.masked import sees_secrets
from elasticjob_cloud.api.answers.responses import encoded_list, json_response
from elasticjob_cloud.api.answers.runs import (
    configuration_view,
    daemon_execution_view,
    run_view,
    shard_view,
    shards_of,
)
from elasticjob_cloud.api.openapi.documents import described
from elasticjob_cloud.api.openapi.runs import EXECUTION_PAGE, RUN_DETAIL, RUN_PAGE
from elasticjob_cloud.api.requests.query import parse_interval_ms, read_query
from elasticjob_cloud.api.requests.runs import (
    DaemonExecutionParameters,
    RunParameters,
    read_run_id,
    run_query,
)
from elasticjob_cloud.service.port import SchedulerPort

RunIdentifier = Annotated[str, Path(alias="runId")]


def run_routes(scheduler: SchedulerPort, wall_ms: Callable[[], int]) -> APIRouter:
    """Give the routes of runs."""
    router = APIRouter(prefix="/api/job", tags=["runs"])

    def zone() -> ZoneInfo:
        return ZoneInfo(scheduler.default_time_zone())

    @router.get("/runs", **described(RUN_PAGE, query=RunParameters))
    async def list_runs(request: Request) -> Response:
        """Give a page of runs, newest first: those of the last 24 hours, or all that wait or run now with that `state`."""
        given = read_query(request, RunParameters)
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

    @router.get("/executions", **described(EXECUTION_PAGE, query=DaemonExecutionParameters))
    async def list_daemon_executions(request: Request) -> Response:
        """Give a page of executions of daemon jobs, newest first: each counts like a run of one shard."""
        given = read_query(request, DaemonExecutionParameters)
        interval = parse_interval_ms(given.start_time, given.end_time, zone())
        page = await scheduler.runs.daemon_executions(run_query(given, interval, wall_ms()))
        rows = await encoded_list(partial(daemon_execution_view, zone=zone()), page.rows)
        return json_response({"rows": rows, "next": page.next})

    return router
