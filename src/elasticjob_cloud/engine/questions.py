"""Questions to an agent that it answers with one message each: parts of output, and where files are."""

import asyncio
from collections.abc import Callable
from itertools import count

from elasticjob_cloud.agent.scheduler_link.frames import (
    ListSandboxes,
    LogAnswer,
    ReadLog,
    SandboxesAnswer,
    SchedulerFrame,
)
from elasticjob_cloud.model.errors import NotFoundError, UnavailableError
from elasticjob_cloud.model.messages import LogChunk, Sandbox

_ANSWER_SECONDS = 10.0

Answer = LogAnswer | SandboxesAnswer


class Questions:
    """Those that wait for an answer over one connection. `send` sends a message, if the connection still is."""

    def __init__(self, send: Callable[[SchedulerFrame], None]) -> None:
        self._send = send
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._numbers = count()

    async def read_log(self, task_id: str, stream: str, offset: int, limit: int) -> LogChunk:
        """Ask for a part of a task's output.

        Raises:
            NotFoundError: it is not kept.
            UnavailableError: no answer came.
        """
        number = next(self._numbers)
        answer = await self._ask(number, ReadLog(number, task_id, stream, offset, limit))
        if not isinstance(answer, LogAnswer) or answer.chunk is None:
            raise NotFoundError(answer.fault if isinstance(answer, LogAnswer) else "There is no such output.")
        return answer.chunk

    async def sandboxes(self, app_name: str) -> list[Sandbox]:
        """Ask where the app's files are; raises `UnavailableError` when no answer came."""
        number = next(self._numbers)
        answer = await self._ask(number, ListSandboxes(number, app_name))
        return answer.sandboxes if isinstance(answer, SandboxesAnswer) else []

    def answered(self, answer: Answer) -> None:
        """An answer has come."""
        future = self._waiting.get(answer.request)
        if future is not None and not future.done():
            future.set_result(answer)

    def fail(self) -> None:
        """The connection broke: no more answers come."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(UnavailableError("The connection to the agent broke."))

    async def _ask(self, number: int, frame: SchedulerFrame) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._send(frame)
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await future
        except TimeoutError:
            raise UnavailableError("The agent does not answer at the moment.") from None
        finally:
            del self._waiting[number]
