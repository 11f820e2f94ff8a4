"""The body of `POST /api/job/bulk`."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from elasticjob_cloud.api.requests.models import RequestBody, ShortText
from elasticjob_cloud.model.queries.jobs import JobState
from elasticjob_cloud.service.bulk import BulkAction

MAXIMUM_NAMES: Final = 10_000


class BulkFilter(BaseModel):
    """Which jobs, as `GET /job/jobs` filters them."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    search: ShortText = ""
    app_name: Annotated[ShortText, Field(alias="appName")] = ""
    state: JobState | None = None


class BulkRequest(RequestBody):
    """`POST /api/job/bulk`: `names`, or a `filter` with at least one field."""

    action: Annotated[BulkAction, Field(strict=False)]
    # What cannot be a name is a job that there is not, and its line of the answer says so.
    names: Annotated[list[str], Field(max_length=MAXIMUM_NAMES)] | None = None
    filter: Annotated[BulkFilter, Field(strict=False)] | None = None
    dry_run: Annotated[bool, Field(description="say which jobs these are, and change nothing")] = False
