"""Error handlers: what an exception in job code leads to (semantics, "Error handlers, in the executor")."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.sdk.failure import describe_failure
from elasticjob_cloud.sdk.notifications.message import FailureMessage, message_of

if TYPE_CHECKING:
    from elasticjob_cloud.sdk.notifications.outbox import Outbox

MESSAGE_HANDLERS = ("EMAIL", "WECHAT", "DINGTALK", "WEBHOOK")
_logger = logging.getLogger("elasticjob_cloud.job")


@dataclass(frozen=True, slots=True)
class ErrorHandler:
    """One handler: what it does with the exception, and whether the task then counts as ended in error."""

    handle: Callable[[ShardingContext, BaseException], None]
    ends_in_error: bool = False
    # Says what is wrong with its settings among the job's props, or nothing.
    check: Callable[[Mapping[str, str]], str] = lambda props: ""  # noqa: ARG005 - most have no settings


class MessageSender:
    """Where the messages of this process go: to its outbox, or from a worker process to its executor's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outbox: Outbox | None = None
        self._forward: Callable[[FailureMessage], None] | None = None

    def forward_to(self, forward: Callable[[FailureMessage], None]) -> None:
        """Give all messages to a function, from now on."""
        self._forward = forward

    def post(self, message: FailureMessage) -> None:
        """Send a message, in the background."""
        if self._forward is not None:
            self._forward(message)
            return
        with self._lock:
            if self._outbox is None:
                from elasticjob_cloud.sdk.notifications.channels import new_outbox  # noqa: PLC0415 - mail and HTTP are slow

                self._outbox = new_outbox()
        self._outbox.post(message)

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until all was sent; whether that was in time."""
        return self._outbox is None or self._outbox.flush(timeout_seconds)


messages = MessageSender()


def _log(context: ShardingContext, failure: BaseException) -> None:
    _logger.error("Job '%s' item %d failed", context.job_name, context.sharding_item, exc_info=failure)


def _ignore(context: ShardingContext, failure: BaseException) -> None:
    pass


def _tell(handler: str, context: ShardingContext, failure: BaseException) -> None:
    _log(context, failure)
    messages.post(message_of(handler, context, int(time.time() * 1000), describe_failure(failure)))


def _check_settings(handler: str, props: Mapping[str, str]) -> str:
    from elasticjob_cloud.sdk.notifications.channels import check_settings  # noqa: PLC0415 - as above

    return check_settings(handler, props)


_handlers: dict[str, ErrorHandler] = {
    "LOG": ErrorHandler(_log),
    "THROW": ErrorHandler(_log, ends_in_error=True),
    "IGNORE": ErrorHandler(_ignore),
    **{
        name: ErrorHandler(partial(_tell, name), check=partial(_check_settings, name))
        for name in MESSAGE_HANDLERS
    },
}


def find_error_handler(name: str) -> ErrorHandler | None:
    """Return the handler of this name, or None if this SDK has no such handler."""
    return _handlers.get(name)


def handler_problem(name: str, props: Mapping[str, str]) -> str | None:
    """Say why a job with this error handler cannot run, or None when it can.

    A job whose failures nobody would hear of is not run, as ElasticJob has it, rather than found out about too late.
    """
    handler = find_error_handler(name)
    if handler is None:
        known = ", ".join(_handlers)
        return (
            f"Error handler {name!r} is not supported by this SDK; set jobErrorHandlerType to one of {known}."
        )
    problem = handler.check(props)
    return f"The error handler {name} cannot work: {problem}." if problem else None
