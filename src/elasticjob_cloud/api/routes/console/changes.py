"""`GET /api/changes`: what a console polls."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from elasticjob_cloud.api.answers.responses import json_response
from elasticjob_cloud.api.openapi.documents import TEXT, described, object_of
from elasticjob_cloud.api.requests.raw.query import QueryParameters, read_query
from elasticjob_cloud.service.port import SchedulerPort
from elasticjob_cloud.service.revisions import Topic


class ChangesQuery(QueryParameters):
    """`GET /api/changes`."""

    since: str = Field(
        "", description="the `revision` of an earlier answer; all topics when it is none of this leader"
    )


_TOPICS = object_of({topic.value: TEXT for topic in Topic}, optional=tuple(Topic))
_CHANGES = object_of({"revision": TEXT, "topics": _TOPICS})


def changes_routes(scheduler: SchedulerPort) -> APIRouter:
    """Give the route of what has changed."""
    router = APIRouter(prefix="/api", tags=["console"])

    @router.get("/changes", **described(_CHANGES, query=ChangesQuery))
    async def read_changes(request: Request) -> Response:
        """Give the present revision, and the topics that have changed since another one. Answered from memory."""
        return json_response(scheduler.reading.changes(read_query(request, ChangesQuery).since))

    return router
