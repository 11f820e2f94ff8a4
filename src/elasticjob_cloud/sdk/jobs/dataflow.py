"""Jobs that fetch data and process it: once, or for as long as there is some."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence, Sized
from typing import Any, Generic, TypeVar, cast

from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.sdk.shards.shard import current_task

STREAMING = "streaming.process"
Item = TypeVar("Item")


class DataflowJob(ABC, Generic[Item]):
    """A job whose shards fetch data and process it.

    With `streaming.process` `true` in the job's `props`, a shard goes on until `fetch_data` has nothing more: let
    `process_data` mark what it did, or it will be fetched again. Without, a shard fetches and processes once.
    Both methods may be `async def`. One instance serves all shards, as with `SimpleJob`.
    """

    @abstractmethod
    def fetch_data(
        self, context: ShardingContext
    ) -> Sequence[Item] | Awaitable[Sequence[Item] | None] | None:
        """Fetch this shard's next data.

        Args:
            context: The sharding item, its parameter, and what else the job was registered with.

        Returns:
            The data; nothing, or an empty sequence, when there is none, which ends the shard.

        Raises:
            Exception: As with `SimpleJob.execute`.
        """

    @abstractmethod
    def process_data(self, context: ShardingContext, data: Sequence[Item]) -> Awaitable[None] | None:
        """Process what `fetch_data` returned. Never called with nothing.

        Args:
            context: As above.
            data: What was fetched.

        Raises:
            Exception: As with `SimpleJob.execute`; it ends the shard.
        """


Fetch = Callable[[ShardingContext], Any]
Process = Callable[[ShardingContext, Any], Any]


def run_dataflow(fetch: Fetch, process: Process, context: ShardingContext) -> None:
    """Run one shard of a plain dataflow job."""
    while True:
        data = fetch(context)
        if _is_empty(data):
            return
        process(context, data)
        if not _is_streaming(context) or current_task().killed:
            return


async def run_async_dataflow(fetch: Fetch, process: Process, context: ShardingContext) -> None:
    """Run one shard of a dataflow job of which a method is asynchronous."""
    import asyncio  # noqa: PLC0415 - slow to import, and there already where this runs

    while True:
        data = await _awaited(fetch(context))
        if _is_empty(data):
            return
        await _awaited(process(context, data))
        if not _is_streaming(context) or current_task().killed:
            return
        await asyncio.sleep(0)  # methods that never wait must not keep a cancellation, or the loop, waiting


async def _awaited(result: object) -> object:
    return await cast("Awaitable[object]", result) if hasattr(result, "__await__") else result


def _is_streaming(context: ShardingContext) -> bool:
    return context.props.get(STREAMING, "").strip().lower() == "true"


def _is_empty(data: object) -> bool:
    if data is None:
        return True
    if not isinstance(data, Sized):
        raise TypeError(
            f"fetch_data returned a {type(data).__name__}; return a sequence, a list say, or None."
        )
    return len(data) == 0  # not its truth, which arrays of numbers refuse to tell
