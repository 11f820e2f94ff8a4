"""`POST /api/job/bulk`: one change to many jobs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from elasticjob_cloud.api.access.masked import caller_name
from elasticjob_cloud.api.answers.streams import streamed_object
from elasticjob_cloud.api.openapi.documents import BOOLEAN, INTEGER, TEXT, array_of, described, object_of
from elasticjob_cloud.api.requests.bulk import BulkRequest
from elasticjob_cloud.api.requests.raw.body import BodyReader
from elasticjob_cloud.api.requests.validation import check_fields
from elasticjob_cloud.model.errors import FieldError
from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder
from elasticjob_cloud.service.bulk import BulkOutcome, carry_out_bulk
from elasticjob_cloud.service.port import SchedulerPort

_OUTCOME = object_of(
    {"jobName": TEXT, "done": BOOLEAN, "status": INTEGER, "message": TEXT}, optional=("status", "message")
)
_ANSWER = object_of(
    {"results": array_of(_OUTCOME), "total": INTEGER, "done": INTEGER, "failed": INTEGER, "dryRun": BOOLEAN}
)


def bulk_routes(scheduler: SchedulerPort, bodies: BodyReader) -> APIRouter:
    """Give the route of changes to many jobs."""
    router = APIRouter(prefix="/api/job", tags=["jobs"])

    async def named_jobs(given: BulkRequest) -> list[str]:
        if given.filter is not None:
            wanted = JobFilter(given.filter.search, given.filter.app_name, given.filter.state)
            return await scheduler.reading.job_names(wanted, JobOrder())
        return list(dict.fromkeys(given.names or ()))

    @router.post("/bulk", **described(_ANSWER, body=BulkRequest, errors=(502,)))
    async def change_jobs(request: Request) -> Response:
        """Enable, disable, trigger or deregister many jobs, some at a time. Each job's outcome is its own; a caller that goes away ends it."""
        given = check_fields(BulkRequest, await bodies.object(request), _check_choice)
        names = await named_jobs(given)
        count = _Count(is_dry_run=given.dry_run)
        outcomes = (
            _nothing_done(scheduler, names)
            if given.dry_run
            else carry_out_bulk(scheduler.submit, given.action, names, caller_name(request))
        )
        return streamed_object("results", count.view, outcomes, count.totals)

    return router


class _Count:
    """Counts what is shown."""

    def __init__(self, *, is_dry_run: bool) -> None:
        self._is_dry_run = is_dry_run
        self._total = self._done = self._failed = 0

    def view(self, outcome: BulkOutcome) -> dict[str, Any]:
        """Show what became of a job."""
        error = outcome.error
        self._total += 1
        if error is not None:
            self._failed += 1
            return {
                "jobName": outcome.job_name,
                "done": False,
                "status": error.status,
                "message": str(error),
            }
        self._done += not self._is_dry_run
        return {"jobName": outcome.job_name, "done": not self._is_dry_run}

    def totals(self) -> dict[str, Any]:
        """Give the counts, once all was shown."""
        return {
            "total": self._total,
            "done": self._done,
            "failed": self._failed,
            "dryRun": self._is_dry_run,
        }


async def _nothing_done(scheduler: SchedulerPort, names: Sequence[str]) -> AsyncIterator[list[BulkOutcome]]:
    async for piece in scheduler.reading.pieces(names):
        yield [BulkOutcome(name, None) for name in piece]


def _check_choice(payload: Mapping[str, Any]) -> list[FieldError]:
    """Refuse what names jobs in two ways or none: a filter without a field would be every job, by an oversight."""
    names, wanted = payload.get("names"), payload.get("filter")
    if (names is None) == (wanted is None):
        return [FieldError("names", "is needed, or `filter`, and not both.")]
    if isinstance(wanted, dict) and not any(wanted.values()):
        return [
            FieldError(
                "filter",
                "needs search, appName or state; every job is enabled or disabled: {'state': 'ENABLED'}.",
            )
        ]
    return []
