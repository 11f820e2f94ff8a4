"""`/api/operate`: what operators look at, and reconciliation on request."""

import math
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from pydantic import Field

from elasticjob_cloud.api.answers.responses import done, json_response
from elasticjob_cloud.api.answers.views import agent_view, sandbox_view, scheduler_view
from elasticjob_cloud.api.openapi.documents import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    TRUE,
    array_of,
    described,
    nullable,
    object_of,
)
from elasticjob_cloud.api.requests.known import check_app_name
from elasticjob_cloud.api.requests.raw.query import QueryParameters, read_query
from elasticjob_cloud.model.errors import ConflictError
from elasticjob_cloud.service.port import SchedulerPort

_SANDBOX = object_of(
    {
        "hostname": TEXT,
        "agentId": TEXT,
        "appName": TEXT,
        "path": TEXT,
        "taskIds": array_of(TEXT),
        "sizeBytes": INTEGER,
    }
)
_AGENT = object_of(
    {
        "id": TEXT,
        "hostname": TEXT,
        "ip": TEXT,
        "cpusTotal": NUMBER,
        "cpusUsed": NUMBER,
        "memoryMBTotal": NUMBER,
        "memoryMBUsed": NUMBER,
        "diskFreeMB": nullable(INTEGER),
        "diskTotalMB": nullable(INTEGER),
        "executors": array_of(TEXT),
        "taskCount": INTEGER,
        "lastSeen": TEXT,
        "draining": TEXT,
    }
)
_SCHEDULER = object_of({"id": TEXT, "address": TEXT, "leader": BOOLEAN, "epoch": INTEGER})


class SandboxQuery(QueryParameters):
    """`GET /api/operate/sandbox`."""

    app_name: str = Field(description="the app whose files are looked for")


def operation_routes(
    scheduler: SchedulerPort, interval_seconds: float, monotonic_seconds: Callable[[], float]
) -> APIRouter:
    """Give the routes of operations."""
    router = APIRouter(prefix="/api/operate", tags=["operations"])
    last_reconcile: float | None = None

    async def reconcile() -> Response:
        nonlocal last_reconcile
        before, now = last_reconcile, monotonic_seconds()
        if before is not None and now - before < interval_seconds:
            wait = math.ceil(before + interval_seconds - now)
            raise ConflictError(f"Reconciled less than {interval_seconds:g} s ago; try again in {wait} s.")
        last_reconcile = now
        try:
            await scheduler.reconcile()
        except Exception:
            # What did not happen does not count.
            last_reconcile = before
            raise
        return done()

    @router.post("/reconcile/explicit", **described(TRUE, errors=(409,)))
    async def reconcile_explicitly() -> Response:
        """Ask all agents what they hold, and settle what differs. At most once in 10 s, with the implicit one."""
        return await reconcile()

    @router.post("/reconcile/implicit", **described(TRUE, errors=(409,)))
    async def reconcile_implicitly() -> Response:
        """Do the same as the explicit one: there is one kind of reconciliation, under upstream's two names."""
        return await reconcile()

    @router.post("/reconcile/clock", **described(TRUE))
    async def reconcile_clock() -> Response:
        """Let jobs fire again that are silent because the clock was ahead. What fired meanwhile does not fire again."""
        await scheduler.reconcile_clock()
        return done()

    @router.get("/sandbox", **described(array_of(_SANDBOX), query=SandboxQuery, errors=(404,)))
    async def list_sandboxes(request: Request) -> Response:
        """Tell where the agents keep an app's files."""
        app_name = check_app_name(read_query(request, SandboxQuery).app_name)
        sandboxes = await scheduler.sandboxes(app_name)
        hostnames = {agent.agent_id: agent.hostname for agent in await scheduler.agents()}
        return json_response([sandbox_view(each, hostnames.get(each.agent_id, "")) for each in sandboxes])

    @router.get("/agents", **described(array_of(_AGENT)))
    async def list_agents() -> Response:
        """Give the agents that are there. `draining` says why an agent takes no new tasks; it is empty while it takes them."""
        return json_response([agent_view(agent) for agent in await scheduler.agents()])

    @router.get("/schedulers", **described(array_of(_SCHEDULER)))
    async def list_schedulers() -> Response:
        """Give the leader and the standbys."""
        return json_response([scheduler_view(each) for each in await scheduler.schedulers()])

    return router
