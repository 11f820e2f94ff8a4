"""Where the last lines of a stream begin, found from its end."""

from elasticjob_cloud.model.output.kept_output import kept_end, read_kept

_BLOCK_BYTES = 64 * 1024
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


def tail_offset(path: str, lines: int, limit_bytes: int) -> int:
    """Give where the last so many lines begin, or the last whole lines that the limit has room for.

    Of a line that is longer than the limit it is the end; of a stream with missing bytes nothing before them counts.
    """
    end = position = kept_end(path)
    least = max(0, end - limit_bytes)
    left = lines
    while position > least:
        begin, content = _read_before(path, max(least, position - _BLOCK_BYTES), position)
        # The line end at the very end of the stream ends its last line, and begins none.
        place = len(content) - 1 if position == end and content.endswith(b"\n") else len(content)
        while left and (found := content.rfind(b"\n", 0, place)) >= 0:
            place, left = found, left - 1
        if not left:
            return begin + place + 1
        if begin > max(least, position - _BLOCK_BYTES):
            return begin  # bytes before it are missing
        position = begin
    return _next_line(path, least, end) if least else 0


def _read_before(path: str, begin: int, end: int) -> tuple[int, bytes]:
    """Read what ends at `end`, without what missing bytes divide it from."""
    content, at = b"", begin
    while at < end:
        part = read_kept(path, at, end - at)
        if not part.content or part.offset >= end:
            return end, b""
        if part.offset > at:
            begin, content = part.offset, b""
        content += part.content
        at = part.offset + len(part.content)
    return begin, content


def _next_line(path: str, begin: int, end: int) -> int:
    """Give where the first line begins after `begin`; in a line that has no end, the next character."""
    first, content = _read_before(path, begin, end)
    line_end = content.find(b"\n", 0, -1)
    if line_end >= 0:
        return first + line_end + 1
    return first + len(content) - len(content.lstrip(_CONTINUATION_BYTES))
