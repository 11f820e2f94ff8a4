"""What is asked about runs, and about executions of daemon jobs."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from elasticjob_cloud.api.requests.models import ShortText
from elasticjob_cloud.api.requests.raw.query import QueryParameters
from elasticjob_cloud.api.requests.raw.text import shown
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError, NotFoundError
from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.queries.runs import ENDED_STATES, RunQuery

DAY_MS: Final = 24 * 60 * 60 * 1000
RUNS_WITH_SHARDS: Final = 100
_RUN_ID_DIGITS: Final = 18  # fewer than a database's integers have


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class HistoryFilters(QueryParameters):
    """What runs and executions are filtered and paged by."""

    job_name: ShortText = ""
    app_name: ShortText = ""
    start_time: str = Field(
        "", description="ISO 8601 or `yyyy-MM-dd HH:mm:ss`, included; 24 hours before the end by default"
    )
    end_time: str = Field("", description="ISO 8601 or `yyyy-MM-dd HH:mm:ss`, included; now by default")
    limit: int = Field(50, ge=1, le=1000, description="rows of a page")
    cursor: ShortText = Field("", description="the `next` of the page before, with the same filters")


class RunFilters(HistoryFilters):
    """`GET /api/job/runs`."""

    state: Annotated[
        Literal["WAITING", "RUNNING", "SUCCEEDED", "FAILED", "KILLED", "DROPPED"] | None,
        BeforeValidator(_upper),
    ] = None
    source: Annotated[
        Literal["CRON", "TRIGGER", "RERUN", "MISFIRE"] | None,
        BeforeValidator(_upper),
    ] = None

    include: Literal["shards"] | None = Field(
        None, description="`shards`: each row has `shardStates`; `limit` is then at most 100"
    )


class ExecutionFilters(HistoryFilters):
    """`GET /api/job/executions`."""

    state: Annotated[Literal["SUCCEEDED", "FAILED"] | None, BeforeValidator(_upper)] = None
    source: Annotated[Literal["DAEMON"] | None, BeforeValidator(_upper)] = None


def run_query(
    given: RunFilters | ExecutionFilters, interval: tuple[int | None, int | None], now_ms: int
) -> RunQuery:
    """Make the question that was asked: about the last day, unless told otherwise.

    Runs that wait or run now are few, and those that have done so for more than a day matter most.

    Raises:
        InvalidRequestError: too many runs are asked for with their shards.
    """
    with_shards = isinstance(given, RunFilters) and given.include is not None
    if with_shards and given.limit > RUNS_WITH_SHARDS:
        problem = f"must be at most {RUNS_WITH_SHARDS} with include=shards."
        raise InvalidRequestError.of(FieldError("limit", problem))
    start_ms, end_ms = interval
    state = None if given.state is None else RunState(given.state)
    if start_ms is None and (state is None or state in ENDED_STATES):
        start_ms = (now_ms if end_ms is None else end_ms) - DAY_MS
    return RunQuery(
        job_name=given.job_name,
        app_name=given.app_name,
        state=state,
        source=None if given.source is None else FireSource(given.source),
        start_ms=start_ms,
        end_ms=end_ms,
        limit=given.limit,
        cursor=given.cursor,
        with_shards=with_shards,
    )


def read_run_id(text: str) -> int:
    """Give a run's id from a path, or raise `NotFoundError` when it is none."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _RUN_ID_DIGITS):
        raise NotFoundError(f"'{shown(text)}' is no run id, which is a number; GET /api/job/runs lists runs.")
    return int(text)
