"""Listeners: code of a job author around each execution of a shard."""

from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.sdk.shards.bound_job import BoundJob


class JobListener:
    """Is told of each shard's execution. Subclass it and override what you need.

    It runs where the shard runs, in its thread or, for `async` jobs, on the event loop. What it raises counts as raised by
    the job.
    """

    def before_job_executed(self, context: ShardingContext) -> None:
        """Do something before the job's code; an exception keeps the job from running.

        Args:
            context: The shard's.
        """

    def after_job_executed(self, context: ShardingContext) -> None:
        """Do something after the job's code, whether it succeeded, failed or was killed.

        Called only if `before_job_executed` of this listener succeeded; the last listener comes first.

        Args:
            context: The shard's.
        """


Listener: TypeAlias = JobListener | type[JobListener]


def bind_listeners(listeners: Iterable[Listener]) -> tuple[JobListener, ...]:
    """Instantiate the classes among the listeners.

    Raises:
        StartError: If one of them is no listener.
    """
    if isinstance(listeners, JobListener | type):
        raise StartError(f"Listeners are given as a list: [{listeners!r}].")
    return tuple(_bind(listener) for listener in listeners)


def add_listeners(bound: BoundJob, listeners: Sequence[JobListener]) -> BoundJob:
    """Return the job with listeners around it."""
    if not listeners:
        return bound

    def function(context: ShardingContext) -> Awaitable[None] | None:
        with _told(listeners, context):
            return bound.function(context)

    async def coroutine(context: ShardingContext) -> None:
        with _told(listeners, context):
            result: Awaitable[None] | None = bound.function(context)
            if result is not None:
                await result

    return BoundJob(coroutine if bound.is_async else function, bound.is_async, bound.is_built_in)


def _bind(listener: object) -> JobListener:
    if isinstance(listener, type) and issubclass(listener, JobListener):
        try:
            return listener()
        except Exception as error:
            raise StartError(
                f"{listener.__qualname__}() could not be created: {type(error).__name__}: {error}. "
                "A listener class is called without arguments; pass an instance if it needs some."
            ) from error
    if not isinstance(listener, JobListener):
        raise StartError(f"{listener!r} is no listener: give a subclass of JobListener, or an instance.")
    return listener


@contextmanager
def _told(listeners: Sequence[JobListener], context: ShardingContext) -> Iterator[None]:
    begun: list[JobListener] = []
    try:
        for listener in listeners:
            listener.before_job_executed(context)
            begun.append(listener)
        yield
    except BaseException:
        for listener in reversed(begun):
            # The job's own failure is the one to be told; what comes after it is logged.
            try:
                listener.after_job_executed(context)
            except Exception:
                import logging  # noqa: PLC0415 - slow to import, and seldom needed

                logger = logging.getLogger("elasticjob_cloud.job")
                logger.exception("%s.after_job_executed failed", type(listener).__qualname__)
        raise
    else:
        _tell_end(begun, context)


def _tell_end(listeners: Sequence[JobListener], context: ShardingContext) -> None:
    failures: list[BaseException] = []
    for listener in reversed(listeners):
        try:
            listener.after_job_executed(context)
        except BaseException as failure:  # noqa: BLE001 - raised below, when all were told
            failures.append(failure)
    if failures:
        raise failures[0]
