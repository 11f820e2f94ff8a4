"""`/healthz`, `/readyz` and `/metrics`: for those who watch the process, not the jobs. Outside `/api`, without tokens."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from elasticjob_cloud.api.answers.responses import json_response, text_response
from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.service.port import SchedulerPort


def probe_routes(scheduler: SchedulerPort, registry: CollectorRegistry) -> APIRouter:
    """Give the routes of probes and metrics."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def health() -> Response:
        return json_response({"status": "alive"})

    @router.api_route("/readyz", methods=["GET", "HEAD"])
    async def readiness() -> Response:
        reason = scheduler.not_ready_reason()
        if reason is not None:
            raise UnavailableError(reason)
        return json_response({"status": "ready"})

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return text_response(encode(registry), media_type)

    return router
