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
from elasticjob_cloud.model.messages import Sandbox
from elasticjob_cloud.model.queries.logs import BOTH, LogQuestion, LogRead, LogReply, LogSearch

_ANSWER_SECONDS = 10.0
_EARLIER_VERSION = (
    "The agent that keeps this output is of an earlier version, and can only show it part by part (`offset`, `limit`). "
    "An agent of this version takes its place once it holds no tasks."
)

Answer = LogAnswer | SandboxesAnswer


class Questions:
    """Those that wait for an answer over one connection. `send` sends a message, if the connection still is."""

    def __init__(self, send: Callable[[SchedulerFrame], None]) -> None:
        self._send = send
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._numbers = count()

    async def ask_log(self, question: LogQuestion) -> LogReply:
        """Ask about a task's output.

        Raises:
            NotFoundError: it is not kept.
            UnavailableError: no answer came, or the agent cannot answer this.
        """
        number = next(self._numbers)
        answer = await self._ask(number, _frame_of(number, question))
        if not isinstance(answer, LogAnswer):
            raise NotFoundError("There is no such output.")
        if answer.reply is not None:
            return answer.reply
        chunk = answer.chunk
        if chunk is None:
            raise NotFoundError(answer.fault)
        if not isinstance(question, LogRead) or (question.tail and chunk.content and not chunk.generation):
            raise UnavailableError(_EARLIER_VERSION)
        return chunk

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


def _frame_of(number: int, question: LogQuestion) -> ReadLog:
    """Write a question in such a way that an agent of an earlier version has a harmless answer."""
    if isinstance(question, LogRead):
        return ReadLog(
            number, question.task_id, question.stream, question.offset, question.limit, question=question
        )
    stream = question.stream if isinstance(question, LogSearch) else BOTH
    return ReadLog(number, question.task_id, stream, question.offset, 1, question=question)
