"""Error handlers: what an exception in job code leads to (semantics, "Error handlers, in the executor")."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from elasticjob_cloud.model.context import ShardingContext

_logger = logging.getLogger("elasticjob_cloud.job")


@dataclass(frozen=True, slots=True)
class ErrorHandler:
    """One handler: what it does with the exception, and whether the task then counts as ended in error."""

    handle: Callable[[ShardingContext, BaseException], None]
    ends_in_error: bool = False


def _log(context: ShardingContext, failure: BaseException) -> None:
    _logger.error("Job '%s' item %d failed", context.job_name, context.sharding_item, exc_info=failure)


def _ignore(context: ShardingContext, failure: BaseException) -> None:
    pass


_handlers: dict[str, ErrorHandler] = {
    "LOG": ErrorHandler(_log),
    "THROW": ErrorHandler(_log, ends_in_error=True),
    "IGNORE": ErrorHandler(_ignore),
}


def find_error_handler(name: str) -> ErrorHandler | None:
    """Return the handler of this name, or None if this SDK has no such handler."""
    return _handlers.get(name)


def error_handler_names() -> tuple[str, ...]:
    """Return the names of all handlers."""
    return tuple(_handlers)
