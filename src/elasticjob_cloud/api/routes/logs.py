# ruff: noqa: FAST003 - ruff does not see the alias inside a named Annotated type
"""`/api/job/tasks/{taskId}/log`: what a task prints, and the search in it."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from elasticjob_cloud.api.answers.downloads import log_download
from elasticjob_cloud.api.answers.logs import (
    both_view,
    hits_view,
    position_of,
    stream_view,
    wanted_bytes,
)
from elasticjob_cloud.api.answers.responses import json_response, text_response
from elasticjob_cloud.api.openapi.documents import BOOLEAN, INTEGER, TEXT, array_of, described, object_of
from elasticjob_cloud.api.requests.known import check_task_id
from elasticjob_cloud.api.requests.raw.query import QueryParameters, read_query
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.messages import LogChunk
from elasticjob_cloud.model.queries.log_pattern import PATTERN_CHARACTERS, make_finder
from elasticjob_cloud.model.queries.logs import BOTH, LogHits, LogPieces, LogRead, LogReadBoth, LogSearch
from elasticjob_cloud.service.port import SchedulerPort

MAXIMUM_LOG_BYTES = 1024 * 1024
TaskIdentifier = Annotated[str, Path(alias="taskId")]
StreamChoice = Literal["stdout", "stderr", "both"]

_ONE_STREAM: Final = object_of(
    {
        "taskId": TEXT,
        "stream": {"enum": ["stdout", "stderr"]},
        "offset": INTEGER,
        "nextOffset": INTEGER,
        "size": INTEGER,
        "ended": BOOLEAN,
        "truncated": BOOLEAN,
        "missing": INTEGER,
        "generation": TEXT,
        "content": TEXT,
    }
)
_PART: Final = object_of({"stream": TEXT, "offset": INTEGER, "missing": INTEGER, "content": TEXT})
_BOTH_STREAMS: Final = object_of(
    {
        "taskId": TEXT,
        "stream": {"const": BOTH},
        "offset": INTEGER,
        "stderrOffset": INTEGER,
        "nextOffset": INTEGER,
        "nextStderrOffset": INTEGER,
        "size": INTEGER,
        "stderrSize": INTEGER,
        "ended": BOOLEAN,
        "truncated": BOOLEAN,
        "generation": TEXT,
        "parts": array_of(_PART),
    }
)
_LOG: Final[dict[str, Any]] = {"oneOf": [_ONE_STREAM, _BOTH_STREAMS]}
_LINE: Final = object_of(
    {"stream": TEXT, "offset": INTEGER, "matchOffset": INTEGER, "line": TEXT, "excerpt": BOOLEAN}
)
_HITS: Final = object_of(
    {
        "taskId": TEXT,
        "lines": array_of(_LINE),
        "searchedBytes": INTEGER,
        "next": {"type": ["string", "null"]},
        "ended": BOOLEAN,
    }
)


class LogQuery(QueryParameters):
    """`GET /api/job/tasks/{taskId}/log`."""

    stream: StreamChoice = "stdout"
    offset: int = Field(
        0, ge=0, le=2**53, description="the byte to begin with: the `nextOffset` of the part before"
    )
    stderr_offset: int = Field(
        0,
        ge=0,
        le=2**53,
        description="of `both`, the byte of stderr: the `nextStderrOffset` of the part before",
    )
    limit: int = Field(
        64 * 1024, ge=1, le=MAXIMUM_LOG_BYTES, description="how many bytes at most, of each stream"
    )
    tail: int = Field(0, ge=0, le=10_000, description="give the last so many lines, instead of `offset`")
    generation: str = Field("", max_length=200, description="the `generation` of the part before")


class LogDownloadQuery(QueryParameters):
    """`GET /api/job/tasks/{taskId}/log/download`."""

    stream: StreamChoice = "both"


class LogSearchQuery(QueryParameters):
    """`GET /api/job/tasks/{taskId}/log/search`."""

    q: str = Field(min_length=1, max_length=PATTERN_CHARACTERS, description="what to search for")
    regex: bool = Field(default=False, description="`q` is a regular expression (RE2)")
    stream: StreamChoice = "both"
    limit: int = Field(100, ge=1, le=1000, description="how many lines at most")
    cursor: str = Field(
        "", pattern=r"^((stdout|stderr):\d{1,16})?$", description="the `next` of the answer before"
    )


def log_routes(scheduler: SchedulerPort) -> APIRouter:
    """Give the routes of what tasks print."""
    router = APIRouter(prefix="/api/job/tasks", tags=["tasks"])
    plain_text = {"text/plain": {"schema": TEXT}}

    @router.get("/{taskId}/log", **described(_LOG, query=LogQuery, errors=(404,), more_results=plain_text))
    async def read_task_log(request: Request, task_id: TaskIdentifier) -> Response:
        """Give a part of a task's output, live while it runs; with `Accept: text/plain` the text alone."""
        check_task_id(task_id)
        given = read_query(request, LogQuery)
        view = await _read_both(task_id, given) if given.stream == BOTH else await _read_one(task_id, given)
        if not _wants_text(request):
            return json_response(view)
        headers = {
            "X-Next-Offset": str(view["nextOffset"]),
            "X-Ended": "true" if view["ended"] else "false",
            "X-Truncated": "true" if view["truncated"] else "false",
            "X-Generation": str(view["generation"]),
        }
        if given.stream != BOTH:
            return text_response(str(view["content"]), "text/plain; charset=utf-8", headers)
        headers["X-Next-Stderr-Offset"] = str(view["nextStderrOffset"])
        text = "".join(part["content"] for part in view["parts"])
        return text_response(text, "text/plain; charset=utf-8", headers)

    async def _read_one(task_id: str, given: LogQuery) -> dict[str, Any]:
        if given.stderr_offset:
            raise InvalidRequestError.of(FieldError("stderrOffset", "is of stream=both alone."))
        question = LogRead(
            task_id, given.stream, given.offset, wanted_bytes(given.limit), given.tail, given.generation
        )
        chunk = await scheduler.task_log(question)
        assert isinstance(chunk, LogChunk), "a reply is of its question's kind"
        return stream_view(question, chunk, given.limit)

    async def _read_both(task_id: str, given: LogQuery) -> dict[str, Any]:
        question = LogReadBoth(
            task_id,
            given.offset,
            given.stderr_offset,
            wanted_bytes(given.limit),
            given.tail,
            given.generation,
        )
        pieces = await scheduler.task_log(question)
        assert isinstance(pieces, LogPieces), "a reply is of its question's kind"
        return both_view(question, pieces)

    @router.get(
        "/{taskId}/log/download",
        **described(None, query=LogDownloadQuery, errors=(404,), more_results=plain_text),
    )
    async def download_task_log(request: Request, task_id: TaskIdentifier) -> Response:
        """Give all that a task has printed so far, as a file. Of a running task it ends where the output ended when it was asked for."""
        check_task_id(task_id)
        return await log_download(scheduler.task_log, task_id, read_query(request, LogDownloadQuery).stream)

    @router.get("/{taskId}/log/search", **described(_HITS, query=LogSearchQuery, errors=(404,)))
    async def search_task_log(request: Request, task_id: TaskIdentifier) -> Response:
        """Search a task's output for lines, where it is kept; go on with `next` until that is null."""
        check_task_id(task_id)
        given = read_query(request, LogSearchQuery)
        make_finder(given.q, is_regex=given.regex)  # raises where it is none
        stream, offset = position_of(given.cursor, given.stream)
        hits = await scheduler.task_log(LogSearch(task_id, stream, offset, given.q, given.regex, given.limit))
        assert isinstance(hits, LogHits), "a reply is of its question's kind"
        return json_response(hits_view(task_id, hits))

    return router


def _wants_text(request: Request) -> bool:
    accepted = request.headers.get("accept", "").lower()
    return "text/plain" in accepted and "application/json" not in accepted
