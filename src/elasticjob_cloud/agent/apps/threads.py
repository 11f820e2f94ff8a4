"""Blocking work in threads that can be told to stop."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from elasticjob_cloud.agent.apps.errors import FetchError

T = TypeVar("T")

# A thread that hangs in the kernel (a dead network disk) cannot be stopped; it is left behind then.
_STOP_SECONDS = 5.0


async def run_stoppable(executor: Executor, function: Callable[[threading.Event], T]) -> T:
    """Run blocking work in a thread. When cancelled, set the event, and wait a while for the work to end.

    So that what the work was writing can be removed without it writing on.
    """
    stop = threading.Event()
    try:
        future = asyncio.wrap_future(executor.submit(function, stop))
    except RuntimeError as error:
        raise FetchError("the agent is stopping.") from error
    # Left behind, it may fail with nobody to hear of it.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        await asyncio.wait([future])
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([future], timeout=_STOP_SECONDS)
        raise
    return future.result()
