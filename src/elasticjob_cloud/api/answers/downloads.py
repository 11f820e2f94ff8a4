"""A task's whole output as a file, read part by part: none of it is held in memory."""

import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Final
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import StreamingResponse

from elasticjob_cloud.api.answers.responses import ANSWER_HEADERS
from elasticjob_cloud.model.messages import LogChunk
from elasticjob_cloud.model.queries.logs import BOTH, LogPieces, LogQuestion, LogRead, LogReadBoth, LogReply

_PART_BYTES: Final = 1024 * 1024
_UNSAFE: Final = re.compile(r"[^\w.@=-]+", re.ASCII)

Ask = Callable[[LogQuestion], Awaitable[LogReply]]


async def log_download(ask: Ask, task_id: str, stream: str) -> Response:
    """Answer with what a task has printed so far, in one stream or both.

    The first part is read at once, so that a task without output to be had is an error and no empty file.
    """
    parts = _both(ask, task_id) if stream == BOTH else _one(ask, task_id, stream)
    first = await anext(parts, b"")

    async def all_parts() -> AsyncIterator[bytes]:
        yield first
        async for part in parts:
            yield part

    name = _UNSAFE.sub("_", f"{task_id}.{stream}.log" if stream != BOTH else f"{task_id}.log")
    headers = {**ANSWER_HEADERS, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return StreamingResponse(all_parts(), media_type="text/plain; charset=utf-8", headers=headers)


async def _one(ask: Ask, task_id: str, stream: str) -> AsyncIterator[bytes]:
    offset, end, generation = 0, None, ""
    while end is None or offset < end:
        chunk = await ask(LogRead(task_id, stream, offset, _PART_BYTES, 0, generation))
        assert isinstance(chunk, LogChunk), "a reply is of its question's kind"
        if end is None:
            end, generation = chunk.size, chunk.generation
        elif chunk.generation != generation or not chunk.content:
            return  # it began anew, or its rest is gone
        yield _left_out(chunk.missing) + chunk.content
        offset = chunk.offset + len(chunk.content)


async def _both(ask: Ask, task_id: str) -> AsyncIterator[bytes]:
    offsets, ends, generation = (0, 0), None, ""
    while ends is None or offsets[0] < ends[0] or offsets[1] < ends[1]:
        reply = await ask(LogReadBoth(task_id, *offsets, _PART_BYTES, 0, generation))
        assert isinstance(reply, LogPieces), "a reply is of its question's kind"
        if ends is None:
            ends, generation = (reply.size, reply.stderr_size), reply.generation
        elif reply.generation != generation:
            return
        before, offsets = offsets, (reply.next_offset, reply.next_stderr_offset)
        yield b"".join(_whole_lines(reply))
        if offsets == before:
            return  # a line that is still being written


def _whole_lines(reply: LogPieces) -> Iterator[bytes]:
    """Give the pieces; a last line without an end is ended before a line of the other stream follows."""
    for piece, following in itertools.zip_longest(reply.pieces, reply.pieces[1:]):
        yield _left_out(piece.missing) + piece.content
        if following is not None and not piece.content.endswith(b"\n"):
            yield b"\n"


def _left_out(count: int) -> bytes:
    return f"\n[... {count} bytes left out ...]\n".encode() if count else b""
