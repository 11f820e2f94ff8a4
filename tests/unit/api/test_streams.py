"""Long answers: what cannot be read at all is an error, and not an answer that breaks off."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from fastapi import Response
from fastapi.responses import StreamingResponse

from elasticjob_cloud.api.answers.streams import streamed_list
from elasticjob_cloud.model.errors import NotLeadingError


async def body_of(answer: Response) -> bytes:
    assert isinstance(answer, StreamingResponse)
    parts = [part async for part in answer.body_iterator]
    return b"".join(part if isinstance(part, bytes) else bytes(str(part), "utf-8") for part in parts)


async def given(*pieces: list[int]) -> AsyncIterator[list[int]]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize("pieces", [(), ([],), ([1],), ([], [1, 2], [], [3])])
def test_pieces_make_one_array(pieces: tuple[list[int], ...]) -> None:
    async def read() -> bytes:
        return await body_of(await streamed_list(lambda number: number, given(*pieces)))

    assert json.loads(asyncio.run(read())) == [number for piece in pieces for number in piece]


def test_what_cannot_be_read_from_the_beginning_is_told() -> None:
    async def read_by(*, leads: bool) -> AsyncIterator[list[int]]:
        if not leads:
            raise NotLeadingError("nobody leads")
        yield []

    async def read() -> None:
        await streamed_list(lambda number: number, read_by(leads=False))

    with pytest.raises(NotLeadingError):
        asyncio.run(read())
