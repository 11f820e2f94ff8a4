"""The ends of an executor that are nobody's wish: said in one line, at once, and without a look at what job code holds."""

import os
from collections.abc import Callable
from typing import NoReturn

from elasticjob_cloud.sdk.streams.routing import tell_process

# For people; an agent reads the line.
EXIT_DESCRIPTORS_CLOSED = 71
_before_end: list[Callable[[], object]] = []


def call_before_end(function: Callable[[], object]) -> None:
    """Have a function called, whatever the reason of the end. It must not wait for long."""
    _before_end.append(function)


def end_process(message: str, code: int) -> NoReturn:
    """Say why, and end."""
    try:
        tell_process(message)
        for function in _before_end:
            function()
    finally:
        os._exit(code)
