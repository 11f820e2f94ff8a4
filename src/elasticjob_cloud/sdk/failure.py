"""What is told of an exception in job code. Never raises, whatever the exception does when it is looked at."""

import traceback
from collections.abc import Iterator

from elasticjob_cloud.model.output.excerpt import excerpt, one_line


def describe_failure(failure: BaseException) -> str:
    """Return the traceback, its middle left out where it is very long."""
    try:
        text = "".join(traceback.format_exception(failure))
    except BaseException as problem:  # noqa: BLE001 - a MemoryError, or a __str__ that raises SystemExit
        text = f"{type(failure).__qualname__} (its traceback cannot be shown: {type(problem).__name__})\n"
    return excerpt(_sendable(text))


def summarize_failure(failure: BaseException) -> str:
    """Return one line: the exception's type and message. Of a group, those of its first exception too."""
    try:
        text = ": ".join(_type_and_message(each) for each in _with_first_cause(failure))
    except BaseException:  # noqa: BLE001 - as above
        text = type(failure).__qualname__
    return one_line(_sendable(text))


def _with_first_cause(failure: BaseException) -> Iterator[BaseException]:
    """Yield a failure, and what it wraps: "1 sub-exception" tells nobody what went wrong."""
    yield failure
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
        yield failure


def _type_and_message(failure: BaseException) -> str:
    """Name the type as a traceback does. A traceback's own lines have notes, and for a SyntaxError the code, around it."""
    kind, message = type(failure), str(failure)
    is_plain = kind.__module__ in ("builtins", "__main__")
    name = kind.__qualname__ if is_plain else f"{kind.__module__}.{kind.__qualname__}"
    return f"{name}: {message}" if message else name


def _sendable(text: str) -> str:
    # A lone surrogate is no valid JSON text for strict readers, and would spoil the whole line for the agent.
    return text.encode("utf-8", "backslashreplace").decode()
