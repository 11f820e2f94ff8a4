"""Questions about output, to agents of this version and of the one before."""

import asyncio

import msgspec
import pytest

from elasticjob_cloud.agent.scheduler_link.frames import LogAnswer, ReadLog, SchedulerFrame
from elasticjob_cloud.engine.questions import Questions
from elasticjob_cloud.model.errors import NotFoundError, UnavailableError
from elasticjob_cloud.model.messages import LogChunk
from elasticjob_cloud.model.queries.logs import (
    LogHits,
    LogQuestion,
    LogRead,
    LogReadBoth,
    LogReply,
    LogSearch,
)


def ask(question: LogQuestion, answer: LogAnswer) -> LogReply:
    """Ask, and give the answer of the agent to it."""

    async def run() -> LogReply:
        sent: list[SchedulerFrame] = []
        questions = Questions(sent.append)
        asking = asyncio.ensure_future(questions.ask_log(question))
        await asyncio.sleep(0)
        (frame,) = sent
        assert isinstance(frame, ReadLog)
        questions.answered(msgspec.structs.replace(answer, request=frame.request))
        return await asking

    return asyncio.run(run())


PART = LogChunk(0, b"one\n", 4, ended=True)
HITS = LogHits((), 4, "", 0, ended=True)


def test_part_of_an_agent_of_an_earlier_version_is_taken() -> None:
    assert ask(LogRead("t", "stdout", 0, 10), LogAnswer(0, PART)) == PART


@pytest.mark.parametrize(
    "question",
    [
        LogRead("t", "stdout", 0, 10, tail=1),
        LogReadBoth("t", 0, 0, 10),
        LogSearch("t", "stdout", 0, "x", is_regex=False, limit=1),
    ],
)
def test_what_an_earlier_version_cannot_answer_is_said(question: LogQuestion) -> None:
    with pytest.raises(UnavailableError, match="earlier version"):
        ask(question, LogAnswer(0, PART))


def test_answer_of_another_kind_and_a_fault_are_told() -> None:
    search = LogSearch("t", "both", 0, "x", is_regex=False, limit=1)
    assert ask(search, LogAnswer(0, reply=HITS)) == HITS
    with pytest.raises(NotFoundError, match="not kept"):
        ask(search, LogAnswer(0, fault="It is not kept."))


def test_messages_of_both_versions_can_be_read_by_each_other() -> None:
    class EarlierReadLog(msgspec.Struct, frozen=True, tag="read-log"):
        request: int
        task_id: str
        stream: str
        offset: int
        limit: int

    earlier = EarlierReadLog(1, "t", "stdout", 0, 10)
    present = ReadLog(1, "t", "stdout", 0, 10, question=LogReadBoth("t", 0, 0, 10))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(present), type=EarlierReadLog) == earlier
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(earlier), type=ReadLog).question is None
