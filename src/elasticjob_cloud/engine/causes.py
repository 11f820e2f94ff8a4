"""The line that says why, of what a process printed or Ray said as it failed."""

_TRACE_LINES = ("Traceback (most recent call last)", 'File "')


def cause_in(text: str) -> str:
    """Give one line: the last one of a stack trace, which names the error, and of anything else the first."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    # Ray puts words of its own before a trace.
    has_trace = any(line.startswith(_TRACE_LINES) for line in lines)
    return lines[-1] if has_trace else lines[0]
