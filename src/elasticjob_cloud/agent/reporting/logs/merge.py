"""Both streams of a task as one, line by line.

A line stands where its end was written. What is known of the order are the turns (`model/output/output_order.py`); between two
turns, stdout comes before stderr. A line that is not ended yet waits, and holds no line of the other stream up.
"""

from collections.abc import Iterable

from elasticjob_cloud.model.messages import LogChunk
from elasticjob_cloud.model.output.output_file import StreamName
from elasticjob_cloud.model.output.output_order import Turn
from elasticjob_cloud.model.queries.logs import LogPiece

_LONGEST_CHARACTER_BYTES = 4
_END = 1 << 62


class StreamPart:
    """What was read of one stream, and how much of it has been taken."""

    def __init__(self, stream: StreamName, asked: int, chunk: LogChunk) -> None:
        self.chunk = chunk
        self._stream = stream
        self._content = chunk.content
        self._begin = chunk.offset if chunk.content else asked
        self._missing = self._begin - asked
        self._taken = 0
        self._end = self._begin + len(chunk.content)
        self._size = chunk.size
        is_final = chunk.cut or (chunk.ended and self._end >= chunk.size)
        self._usable = self._whole_lines(is_final=is_final)

    def grown_to(self, size: int) -> None:
        """Note where the stream ends by now: what a turn counts may have been written since it was read."""
        self._size = max(self._size, size)

    @property
    def next_offset(self) -> int:
        """Where the next part of the stream begins."""
        return self._begin + self._taken if self._taken else self._begin - self._missing

    def take(self, end: int) -> LogPiece | None:
        """Take the lines that were ended up to this offset."""
        place = min(end - self._begin, self._usable)
        if place < self._usable:
            place = self._content.rfind(b"\n", self._taken, max(place, self._taken)) + 1
        if place <= self._taken:
            return None
        missing = 0 if self._taken else self._missing
        piece = LogPiece(self._stream, self._begin + self._taken, self._content[self._taken : place], missing)
        self._taken = place
        return piece

    def lacks(self, end: int) -> bool:
        """Whether bytes up to this offset are there, and not read yet."""
        size = self.chunk.size if end == _END else self._size
        return size > self._end and end > self._end

    def _whole_lines(self, *, is_final: bool) -> int:
        content = self._content
        if is_final:
            return len(content)
        end = content.rfind(b"\n") + 1
        if end or self._end >= self.chunk.size:
            return end
        return _end_of_character(content)


def merge_parts(stdout: StreamPart, stderr: StreamPart, turns: Iterable[Turn]) -> tuple[LogPiece, ...]:
    """Give the lines of both in their order, as far as both were read."""
    pieces: list[LogPiece] = []
    for turn in (*turns, Turn(_END, _END)):
        for part, end in ((stdout, turn.stdout), (stderr, turn.stderr)):
            piece = part.take(end)
            if piece is not None:
                pieces.append(piece)
            if part.lacks(end):
                return _joined(pieces)
    return _joined(pieces)


def last_lines(pieces: Iterable[LogPiece], count: int) -> tuple[LogPiece, ...]:
    """Give the last so many lines."""
    kept: list[LogPiece] = []
    for piece in reversed(tuple(pieces)):
        if count <= 0:
            break
        lines = _lines(piece.content)
        content = b"".join(lines[-count:])
        count -= len(lines)
        kept.append(LogPiece(piece.stream, piece.offset + len(piece.content) - len(content), content))
    return tuple(reversed(kept))


def _lines(content: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in content.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _joined(pieces: list[LogPiece]) -> tuple[LogPiece, ...]:
    """Put what follows without a break into one piece."""
    joined: list[LogPiece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last is not None and last.stream == piece.stream and not piece.missing:
            joined[-1] = LogPiece(last.stream, last.offset, last.content + piece.content, last.missing)
        else:
            joined.append(piece)
    return tuple(joined)


def _end_of_character(content: bytes) -> int:
    """Give the end of the last whole character; all of it where there is none."""
    for length in range(1, min(_LONGEST_CHARACTER_BYTES, len(content))):
        byte = content[-length]
        if byte & 0xC0 == 0xC0:  # the first one of several
            width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(content) - length if length < width and length < len(content) else len(content)
        if byte < 0x80:
            break
    return len(content)
