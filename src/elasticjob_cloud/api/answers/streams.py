"""Long answers, written piece by piece as they are read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from fastapi import Response
from fastapi.responses import StreamingResponse

from elasticjob_cloud.api.answers.responses import ANSWER_HEADERS

_encode: Final = msgspec.json.Encoder().encode
T = TypeVar("T")


async def streamed_list(
    view: Callable[[T], Any],
    pieces: AsyncIterator[Sequence[T]],
    is_long: Callable[[T], bool] = lambda _: False,
) -> Response:
    """Answer with a JSON array of what comes in pieces, which may be empty. What `is_long` is shown by a thread.

    Raises:
        UnavailableError: the first piece cannot be read. Once an answer has begun, nobody could be told.
    """
    first = await anext(pieces, None)
    return _streamed(_array(view, _after(first, pieces), is_long))


def streamed_object(
    name: str,
    view: Callable[[T], Any],
    pieces: AsyncIterator[Sequence[T]],
    ending: Callable[[], Mapping[str, Any]],
) -> Response:
    """Answer with a JSON object: an array of what comes in pieces under `name`, then what is known when it has ended."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"{%b:" % _encode(name)
        async for part in _array(view, pieces, lambda _: False):
            yield part
        fields = b"".join(b",%b:%b" % (_encode(key), _encode(value)) for key, value in ending().items())
        yield fields + b"}"

    return _streamed(parts())


async def _after(first: Sequence[T] | None, rest: AsyncIterator[Sequence[T]]) -> AsyncIterator[Sequence[T]]:
    if first is not None:
        yield first
        async for piece in rest:
            yield piece


async def _array(
    view: Callable[[T], Any], pieces: AsyncIterator[Sequence[T]], is_long: Callable[[T], bool]
) -> AsyncIterator[bytes]:
    def text_of(item: T) -> bytes:
        return _encode(view(item))

    opening = b"["
    async for piece in pieces:
        if piece:
            texts = [
                await asyncio.to_thread(text_of, item) if is_long(item) else text_of(item) for item in piece
            ]
            yield opening + b",".join(texts)
            opening = b","
    yield b"[]" if opening == b"[" else b"]"


def _streamed(parts: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(parts, 200, dict(ANSWER_HEADERS), media_type="application/json")
