"""Answers: the JSON of results and errors, one form for each."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from fastapi import Response

from elasticjob_cloud.model.errors import (
    ElasticJobError,
    InvalidRequestError,
    NotLeadingError,
    OutcomeUnknownError,
    TooLargeError,
    TooManyAttemptsError,
    UnauthorizedError,
    UnavailableError,
)

# Answers are about this moment and for this caller; and never anything but what their type says.
ANSWER_HEADERS: Final[Mapping[str, str]] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
NOT_LEADING_HEADER: Final = "X-ElasticJob-Not-Leading"
_SHORT_LIST: Final = 100
_encoder: Final = msgspec.json.Encoder()
T = TypeVar("T")


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Make an answer of anything that msgspec can write."""
    return Response(
        _encoder.encode(content), status, {**ANSWER_HEADERS, **(headers or {})}, media_type="application/json"
    )


async def encoded_list(
    view: Callable[[T], Any], items: Sequence[T], *, short: int = _SHORT_LIST
) -> msgspec.Raw:
    """Write a list as JSON, to be a part of an answer; one of more than `short` items in a thread: scheduling goes on."""
    if len(items) <= short:
        return msgspec.Raw(_list_body(view, items))
    return msgspec.Raw(await asyncio.to_thread(_list_body, view, items))


def _list_body(view: Callable[[T], Any], items: Sequence[T]) -> bytes:
    # Each item by itself: to write all of them in one call would keep every other thread waiting.
    encode = msgspec.json.Encoder().encode
    return b"[%b]" % b",".join([encode(view(item)) for item in items])


def text_response(
    content: str | bytes, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Make an answer of a text."""
    return Response(content, 200, {**ANSWER_HEADERS, **(headers or {})}, media_type=media_type)


def done() -> Response:
    """Answer a command that was carried out: `true`, as users' scripts expect."""
    return json_response(content=True)


def error_response(error: ElasticJobError) -> Response:
    """Answer with an error in the one form that errors have (api.md)."""
    content: dict[str, Any] = {"message": _sendable(str(error))}
    if isinstance(error, InvalidRequestError) and error.errors:
        content["errors"] = [
            {"field": _sendable(each.field), "message": _sendable(each.message)} for each in error.errors
        ]
    return json_response(content, error.status, _error_headers(error))


def _error_headers(error: ElasticJobError) -> dict[str, str]:
    match error:
        case NotLeadingError():
            # Tells a scheduler that has passed the call on here that it may ask another.
            return {"Retry-After": "1", NOT_LEADING_HEADER: "1"}
        case OutcomeUnknownError():
            return {}
        case UnavailableError() | TooManyAttemptsError():
            return {"Retry-After": str(max(1, math.ceil(error.retry_after_seconds)))}
        case UnauthorizedError():
            return {"WWW-Authenticate": "Bearer"}
        case TooLargeError():
            # What is left of the body is not worth reading.
            return {"Connection": "close"}
        case _:
            return {}


def _sendable(text: str) -> str:
    # A message may quote what the caller sent, and a lone surrogate cannot be sent back.
    return text.encode("utf-8", "backslashreplace").decode()
