"""Finds lines in what a task printed, block by block, within a time."""

from collections.abc import Callable

from elasticjob_cloud.model.output.kept_output import KeptPart, read_kept
from elasticjob_cloud.model.queries.log_pattern import Finder
from elasticjob_cloud.model.queries.logs import LogHit

_BLOCK_BYTES = 64 * 1024
_LINE_BYTES = 256 * 1024  # longer lines are searched in pieces
_OVERLAP_BYTES = 4096  # of such pieces: so long a match is found across their ends
_SHOWN_BYTES = 2000
_SHOWN_BEFORE_BYTES = 500


class StreamSearch:
    """A search of one stream. It ends with its time, with the number of lines asked for, or with the stream."""

    def __init__(
        self, path: str, stream: str, offset: int, find: Finder, is_over: Callable[[], bool]
    ) -> None:
        self._path = path
        self._stream = stream
        self._find = find
        self._is_over = is_over
        self._line_start = offset
        self._matched_until = -1
        self.position = offset
        self.searched_bytes = 0
        self.is_complete = False

    def run(self, limit: int) -> list[LogHit]:
        """Give up to `limit` lines; `position` is where a further search goes on."""
        hits: list[LogHit] = []
        # One block is searched whatever the time: or a slow machine would never get on.
        while len(hits) < limit:
            part = self._read_lines()
            if not part.content:
                self.is_complete = True
                break
            hits += self._search(part, limit - len(hits))
            if self._is_over():
                break
        return hits

    def _read_lines(self) -> KeptPart:
        """Read whole lines, or a piece of a long one; the last line of the stream need not be ended."""
        try:
            part = self._read(_BLOCK_BYTES)
            return part if part.content.endswith(b"\n") or self._is_last(part) else self._read(_LINE_BYTES)
        except OSError:
            return KeptPart(self.position, b"", 0, truncated=False, cut=False)

    def _read(self, size: int) -> KeptPart:
        part = read_kept(self._path, self.position, size)
        end = part.content.rfind(b"\n") + 1
        return part if self._is_last(part) or not end else part._replace(content=part.content[:end])

    def _is_last(self, part: KeptPart) -> bool:
        return part.cut or part.offset + len(part.content) >= part.size

    def _search(self, part: KeptPart, limit: int) -> list[LogHit]:
        content, begin = part.content, part.offset
        if begin > self.position:
            self._line_start = begin
        hits: list[LogHit] = []
        place = 0
        while place < len(content) and (found := self._find(content, place)) is not None:
            start, end = found
            line_end = content.find(b"\n", start) + 1 or len(content)
            if begin + end > self._matched_until:
                hits.append(self._hit(content, begin, start, line_end))
                self._matched_until = begin + end
            place = line_end
            if len(hits) == limit:
                break
        searched = place if len(hits) == limit else len(content)
        self.searched_bytes += begin + searched - self.position
        self._go_on(part, searched)
        return hits

    def _go_on(self, part: KeptPart, searched: int) -> None:
        end = part.offset + searched
        is_inside_line = not part.content[:searched].endswith(b"\n")
        at_end = self._is_last(part)
        if is_inside_line and not at_end and searched > _OVERLAP_BYTES:
            self.position = end - _OVERLAP_BYTES
        else:
            self.position = end
        if not is_inside_line:
            self._line_start = end

    def _hit(self, content: bytes, begin: int, start: int, line_end: int) -> LogHit:
        line_start = content.rfind(b"\n", 0, start) + 1
        offset = begin + line_start if line_start else self._line_start
        shown_from = max(line_start, start - _SHOWN_BEFORE_BYTES)
        shown = content[shown_from : min(line_end, shown_from + _SHOWN_BYTES)].rstrip(b"\r\n")
        is_excerpt = begin + shown_from > offset or shown_from + _SHOWN_BYTES < line_end
        return LogHit(self._stream, offset, begin + start, shown, is_excerpt)
