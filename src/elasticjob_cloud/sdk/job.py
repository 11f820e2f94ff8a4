"""What a job is, and how each of its forms becomes one function of a sharding context."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from elasticjob_cloud.model.context import ShardingContext
from elasticjob_cloud.model.errors import StartError

JobFunction = Callable[[ShardingContext], Awaitable[None] | None]


class SimpleJob(ABC):
    """A job whose shards run to their end.

    Subclass it and implement `execute`, as a plain method or as `async def`. One instance serves all shards of an
    executor, several of them at a time: keep what belongs to one shard in local variables.
    """

    @abstractmethod
    def execute(self, context: ShardingContext) -> Awaitable[None] | None:
        """Run one shard.

        Args:
            context: The sharding item, its parameter, and what else the job was registered with.

        Raises:
            Exception: Anything raised is recorded as a failed execution; the job's error handler decides what
                becomes of the task (semantics, "Error handlers").
        """


Job = SimpleJob | type[SimpleJob] | JobFunction


@dataclass(frozen=True, slots=True)
class BoundJob:
    """A job ready to run: the function to call for a shard, and whether its result is to be awaited."""

    function: JobFunction
    is_async: bool


def bind_job(job: object) -> BoundJob:
    """Turn a job in any of its forms into a function: a class is instantiated, once, here.

    Args:
        job: A class or an object with an `execute` method, or a function that takes the context.

    Raises:
        StartError: If it is none of these, or its class cannot be instantiated without arguments.
    """
    target = _instantiate(job) if inspect.isclass(job) else job
    execute = getattr(target, "execute", target)
    if not callable(execute):
        raise StartError(
            f"{job!r} is no job: give a class or an object with `execute(self, context)`, "
            "or a function that takes the context."
        )
    _check_signature(execute)
    return BoundJob(execute, _is_async(execute))


def _instantiate(job: type) -> object:
    if not callable(getattr(job, "execute", None)):
        raise StartError(f"{job.__qualname__} is no job: it has no method `execute(self, context)`.")
    try:
        return job()
    except Exception as error:
        raise StartError(
            f"{job.__qualname__}() could not be created: {type(error).__name__}: {error}. "
            "A job class is called without arguments; pass an instance if it needs some."
        ) from error


def _check_signature(execute: Callable[..., object]) -> None:
    try:
        signature = inspect.signature(execute)
    except (TypeError, ValueError):
        return  # some built-in callables have none to show
    try:
        signature.bind(None)
    except TypeError:
        name = getattr(execute, "__qualname__", repr(execute))
        raise StartError(f"{name}{signature} cannot be called with one argument, the context.") from None


def _is_async(execute: Callable[..., object]) -> bool:
    # A callable object hides its coroutine function behind __call__.
    return inspect.iscoroutinefunction(execute) or inspect.iscoroutinefunction(
        getattr(execute, "__call__", None)  # noqa: B004 - not asked whether it is callable, but what it is
    )
