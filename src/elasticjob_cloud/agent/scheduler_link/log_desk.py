"""Answers a scheduler's questions about output: those that may take a while in threads, a few at once."""

import asyncio

import structlog

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.scheduler_link.frames import FrameProtocol, LogAnswer, ReadLog
from elasticjob_cloud.model.errors import ElasticJobError
from elasticjob_cloud.model.messages import LogChunk
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply

_log = structlog.get_logger(__name__)
# Threads that read and search take time from the one that runs tasks, so they are few.
_AT_ONCE = 2


class LogDesk:
    """The questions of all connections."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._answering: set[asyncio.Task[None]] = set()

    def read(self, agent: Agent, connection: FrameProtocol, frame: ReadLog) -> None:
        """Send the answer, now or in a while."""
        if frame.question is not None:
            answering = asyncio.get_running_loop().create_task(
                self._answer(agent, connection, frame.request, frame.question)
            )
            self._answering.add(answering)
            answering.add_done_callback(self._answering.discard)
            return
        try:
            chunk = agent.read_log(frame.task_id, frame.stream, frame.offset, frame.limit)
        except (ElasticJobError, OSError) as error:
            connection.send(LogAnswer(frame.request, fault=_fault_of(error)))
        else:
            connection.send(LogAnswer(frame.request, chunk))

    async def _answer(
        self, agent: Agent, connection: FrameProtocol, request: int, question: LogQuestion
    ) -> None:
        try:
            async with self._room:
                reply = await agent.answer_log(question)
        except (ElasticJobError, OSError) as error:
            connection.send(LogAnswer(request, fault=_fault_of(error)))
        except Exception:  # noqa: BLE001 - contained: it concerns nothing but this question
            _log.exception("A question about output failed.")
            connection.send(LogAnswer(request, fault="The agent failed to answer: its log says why."))
        else:
            connection.send(_answer_with(request, reply))


def _answer_with(request: int, reply: LogReply) -> LogAnswer:
    return LogAnswer(request, reply) if isinstance(reply, LogChunk) else LogAnswer(request, reply=reply)


def _fault_of(error: Exception) -> str:
    return f"The output cannot be read: {error}" if isinstance(error, OSError) else str(error)
