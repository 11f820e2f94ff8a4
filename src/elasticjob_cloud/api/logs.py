"""A task's output, cut where characters end."""

import codecs
from dataclasses import dataclass

from elasticjob_cloud.model.messages import LogChunk

# The longest UTF-8 character: whoever asks for fewer bytes must still get on.
LONGEST_CHARACTER_BYTES = 4


@dataclass(frozen=True, slots=True)
class LogText:
    """A part of a task's output. `next_offset` is where the following part begins, in bytes."""

    content: str
    next_offset: int


def cut_at_character(chunk: LogChunk, limit: int) -> LogText:
    """Decode a chunk up to `limit` bytes and up to the last whole character, or one character if `limit` is less.

    Bytes that are no UTF-8 are shown as U+FFFD; so is a character that the task never finished writing. One that may
    still be completed is left for the next part.
    """
    at_end = chunk.ended and chunk.offset + len(chunk.content) >= chunk.size
    for length in range(min(limit, len(chunk.content)), len(chunk.content) + 1):
        part = chunk.content[:length]
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        content = decoder.decode(part, final=at_end and length == len(chunk.content))
        pending = len(decoder.getstate()[0])
        if content:
            return LogText(content, chunk.offset + length - pending)
    return LogText("", chunk.offset)
