"""What can be asked of a task's output, and what the agent that keeps it answers."""

import msgspec

from elasticjob_cloud.model.messages import LogChunk

BOTH = "both"


class LogRead(msgspec.Struct, frozen=True, tag="read"):
    """Read one stream: up to `limit` bytes from `offset`; with `tail` its last so many lines, whatever the offset.

    `generation`: of the part before. Where the stream has begun again since, it is read from its beginning.
    """

    task_id: str
    stream: str
    offset: int
    limit: int
    tail: int = 0
    generation: str = ""


class LogReadBoth(msgspec.Struct, frozen=True, tag="read-both"):
    """Read both streams, line by line in the order in which they were written; up to `limit` bytes of each."""

    task_id: str
    offset: int
    stderr_offset: int
    limit: int
    tail: int = 0
    generation: str = ""


class LogSearch(msgspec.Struct, frozen=True, tag="search"):
    """Search for lines that contain a text, or match a regular expression; `stream` may be `both`.

    The search begins at `offset` of the stream, and gives up to `limit` lines.
    """

    task_id: str
    stream: str
    offset: int
    text: str
    is_regex: bool
    limit: int


class LogPiece(msgspec.Struct, frozen=True, array_like=True):
    """Whole lines of one stream, `missing` bytes later than the last ones where that many are not kept."""

    stream: str
    offset: int
    content: bytes
    missing: int = 0


class LogPieces(msgspec.Struct, frozen=True, tag="pieces"):
    """A part of both streams. The following part begins at the two offsets; `ended`: no more will come."""

    pieces: tuple[LogPiece, ...]
    next_offset: int
    next_stderr_offset: int
    size: int
    stderr_size: int
    ended: bool
    truncated: bool
    generation: str


class LogHit(msgspec.Struct, frozen=True, array_like=True):
    """A line that was found: where it begins, where in it the match begins, and its text, which may be an excerpt."""

    stream: str
    offset: int
    match_offset: int
    line: bytes
    is_excerpt: bool


class LogHits(msgspec.Struct, frozen=True, tag="hits"):
    """What a search found in `searched_bytes`. It goes on in `next_stream` at `next_offset`; an empty stream: all is searched.

    `ended`: no more output will come.
    """

    hits: tuple[LogHit, ...]
    searched_bytes: int
    next_stream: str
    next_offset: int
    ended: bool


LogQuestion = LogRead | LogReadBoth | LogSearch
LogReply = LogChunk | LogPieces | LogHits
