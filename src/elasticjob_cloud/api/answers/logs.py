"""A task's output, cut where characters end."""

import codecs
from dataclasses import dataclass

from elasticjob_cloud.model.messages import LogChunk

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
    mark = f"\n[... {chunk.missing + skipped} bytes left out ...]\n" if chunk.missing else ""
    kept, offset = chunk.content[skipped:], chunk.offset + skipped
    is_final = chunk.cut or (chunk.ended and offset + len(kept) >= chunk.size)
    for length in range(min(limit, len(kept)), len(kept) + 1):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        content = decoder.decode(kept[:length], final=is_final and length == len(kept))
        pending = len(decoder.getstate()[0])
        if content:
            return LogText(mark + content, offset + length - pending)
    return LogText(mark, offset) if skipped else LogText("", chunk.offset - chunk.missing)


def _cut_character_bytes(content: bytes) -> int:
    """Count the bytes at the beginning that belong to a character of which the beginning is missing."""
    start = content[: LONGEST_CHARACTER_BYTES - 1]
    return len(start) - len(start.lstrip(_CONTINUATION_BYTES))
