"""What is told of an exception in job code. Never raises, whatever the exception does when it is looked at."""

import traceback

from elasticjob_cloud.model.excerpt import excerpt

MESSAGE_CHARACTERS = 500


def describe_failure(failure: BaseException) -> str:
    """Return the traceback, its middle left out where it is very long."""
    try:
        text = "".join(traceback.format_exception(failure))
    except BaseException as problem:  # noqa: BLE001 - a MemoryError, or a __str__ that raises SystemExit
        text = f"{type(failure).__qualname__} (its traceback cannot be shown: {type(problem).__name__})\n"
    return excerpt(_sendable(text))


def summarize_failure(failure: BaseException) -> str:
    """Return one line: the exception's type and message."""
    try:
        text = "".join(traceback.format_exception_only(failure)).strip()
    except BaseException:  # noqa: BLE001 - as above
        text = type(failure).__qualname__
    return excerpt(_sendable(text), MESSAGE_CHARACTERS)


def _sendable(text: str) -> str:
    # A lone surrogate is no valid JSON text for strict readers, and would spoil the whole line for the agent.
    return text.encode("utf-8", "backslashreplace").decode()
