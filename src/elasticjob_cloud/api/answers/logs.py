"""A task's output, cut where characters end, and how it is shown."""

import codecs
from dataclasses import dataclass
from typing import Any

from elasticjob_cloud.model.messages import LogChunk
from elasticjob_cloud.model.queries.logs import BOTH, LogHits, LogPiece, LogPieces, LogRead, LogReadBoth

# The longest UTF-8 character: a caller that asks for fewer bytes must still get on.
LONGEST_CHARACTER_BYTES = 4
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


@dataclass(frozen=True, slots=True)
class LogText:
    """A part of a task's output. `next_offset` is where the following part begins, in bytes."""

    content: str
    next_offset: int


def cut_at_character(chunk: LogChunk, limit: int) -> LogText:
    """Decode a chunk up to `limit` bytes and up to the last whole character, or one character if `limit` is less.

    Bytes that are no UTF-8 are shown as U+FFFD; so is a character that the task never finished writing. One that may
    still be completed is left for the next part. A line at the beginning tells of bytes that are not kept.
    """
    skipped = _cut_character_bytes(chunk.content) if chunk.missing else 0
    mark = _left_out(chunk.missing + skipped)
    kept, offset = chunk.content[skipped:], chunk.offset + skipped
    is_final = chunk.cut or (chunk.ended and offset + len(kept) >= chunk.size)
    for length in range(min(limit, len(kept)), len(kept) + 1):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        content = decoder.decode(kept[:length], final=is_final and length == len(kept))
        pending = len(decoder.getstate()[0])
        if content:
            return LogText(mark + content, offset + length - pending)
    return LogText(mark, offset) if skipped else LogText("", chunk.offset - chunk.missing)


def wanted_bytes(limit: int) -> int:
    """Give how many bytes to ask for, so that there is one character at least."""
    return max(limit, LONGEST_CHARACTER_BYTES)


def stream_view(question: LogRead, chunk: LogChunk, limit: int) -> dict[str, Any]:
    """Show a part of one stream."""
    part = cut_at_character(chunk, limit)
    return {
        "taskId": question.task_id,
        "stream": question.stream,
        "offset": chunk.offset - chunk.missing,
        "nextOffset": part.next_offset,
        "size": chunk.size,
        "ended": chunk.ended,
        "truncated": chunk.truncated,
        "missing": chunk.missing,
        "generation": chunk.generation,
        "content": part.content,
    }


def both_view(question: LogReadBoth, reply: LogPieces) -> dict[str, Any]:
    """Show a part of both streams."""
    return {
        "taskId": question.task_id,
        "stream": BOTH,
        "offset": question.offset,
        "stderrOffset": question.stderr_offset,
        "nextOffset": reply.next_offset,
        "nextStderrOffset": reply.next_stderr_offset,
        "size": reply.size,
        "stderrSize": reply.stderr_size,
        "ended": reply.ended,
        "truncated": reply.truncated,
        "generation": reply.generation,
        "parts": [_part_view(piece) for piece in reply.pieces],
    }


def _part_view(piece: LogPiece) -> dict[str, Any]:
    skipped = _cut_character_bytes(piece.content) if piece.missing else 0
    return {
        "stream": piece.stream,
        "offset": piece.offset,
        "missing": piece.missing,
        "content": _left_out(piece.missing + skipped) + piece.content[skipped:].decode(errors="replace"),
    }


def hits_view(task_id: str, reply: LogHits) -> dict[str, Any]:
    """Show what a search found."""
    return {
        "taskId": task_id,
        "lines": [
            {
                "stream": hit.stream,
                "offset": hit.offset,
                "matchOffset": hit.match_offset,
                "line": hit.line.decode(errors="replace"),
                "excerpt": hit.is_excerpt,
            }
            for hit in reply.hits
        ],
        "searchedBytes": reply.searched_bytes,
        "next": f"{reply.next_stream}:{reply.next_offset}" if reply.next_stream else None,
        "ended": reply.ended,
    }


def position_of(cursor: str, stream: str) -> tuple[str, int]:
    """Give where a search goes on: of both streams, stderr comes last."""
    if not cursor:
        return stream, 0
    name, _, offset = cursor.partition(":")
    return (BOTH if stream == BOTH and name == "stdout" else name), int(offset)


def _left_out(count: int) -> str:
    return f"\n[... {count} bytes left out ...]\n" if count else ""


def _cut_character_bytes(content: bytes) -> int:
    """Count the bytes at the beginning that belong to a character of which the beginning is missing."""
    start = content[: LONGEST_CHARACTER_BYTES - 1]
    return len(start) - len(start.lstrip(_CONTINUATION_BYTES))
