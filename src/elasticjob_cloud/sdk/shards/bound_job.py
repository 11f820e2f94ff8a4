"""A job as a shard runs it: one function of a sharding context."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, cast

from elasticjob_cloud.model.jobs.context import ShardingContext

JobFunction = Callable[[ShardingContext], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class BoundJob:
    """A job ready to run: the function to call for a shard, and whether its result is to be awaited.

    One that is built in (`HTTP`, `SCRIPT`) keeps no core busy, and never needs a worker process.
    """

    function: JobFunction
    is_async: bool
    is_built_in: bool = False

    def synchronous(self) -> "BoundJob":
        """Return the job as one that needs no event loop: an async one runs its own for each shard."""
        if not self.is_async:
            return self
        import asyncio  # noqa: PLC0415 - slow to import, and plain jobs do without

        def function(context: ShardingContext) -> None:
            asyncio.run(cast("Coroutine[Any, Any, None]", self.function(context)))

        return replace(self, function=function, is_async=False)


def refuse_coroutine(result: object) -> None:
    """Fail a job that returned a coroutine and is no `async def`: nobody awaits it, so nothing of it would run.

    Raises:
        TypeError: If the result is a coroutine.
    """
    if not isinstance(result, Coroutine):
        return
    result.close()
    raise TypeError(
        "The job returned a coroutine, which was not run: write it, and any decorator around it, as `async def`."
    )
