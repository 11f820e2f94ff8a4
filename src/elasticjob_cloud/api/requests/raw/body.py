"""Reading a request's body: how large it may be, what it may be, and what it says."""

import json
from collections.abc import Sequence
from typing import Any, Final

from fastapi import Request

from elasticjob_cloud.api.requests.raw.charsets import check_not_compressed, decode, find_codec
from elasticjob_cloud.api.requests.raw.text import shown
from elasticjob_cloud.model.errors import (
    FieldError,
    InvalidRequestError,
    TooLargeError,
    UnsupportedMediaError,
)
from elasticjob_cloud.model.jobs.names import known_name_problem

_ADD_HEADER: Final = "Add the header -H 'Content-type: application/json'."
LOGIN_BODY_BYTES: Final = 8 * 1024
# No field takes an integer of more digits; int() of a very long text is slow, and refused by Python from 4,300 digits on.
_MAXIMUM_DIGITS: Final = 30


def body_limit(path: str, limit_bytes: int) -> int:
    """Give the limit of a call's body: strangers may log in, and need few bytes for it."""
    return min(limit_bytes, LOGIN_BODY_BYTES) if path.rstrip("/") == "/api/login" else limit_bytes


def too_large(limit_bytes: int) -> TooLargeError:
    """Make the error for a body over the limit."""
    return TooLargeError(f"The body has more than {limit_bytes:,} bytes, which is the limit.")


class BodyReader:
    """Reads bodies up to a limit, as the callers' tools send them."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes

    async def object(self, request: Request) -> dict[str, Any]:
        """Read a JSON object.

        Raises:
            InvalidRequestError: It is none, or has a key twice.
            TooLargeError: It is over the limit.
            UnsupportedMediaError: Its content type is neither JSON nor text.
        """
        text = await self._text(request)
        if not text.strip():
            raise InvalidRequestError("The body is empty; it must be a JSON object.")
        value = parse_json(text)
        if not isinstance(value, dict):
            raise InvalidRequestError("The body must be a JSON object: {...}.")
        return value

    async def job_name(self, request: Request) -> str:
        """Read a job name: a bare word, as the manual's examples send it, or a JSON string.

        Raises:
            InvalidRequestError: It is no job name.
            TooLargeError: It is over the limit.
            UnsupportedMediaError: Its content type is neither JSON nor text.
        """
        value = await self._word(request)
        if not isinstance(value, str):
            raise _bad_name('must be the body itself: my_job or "my_job", not an object or an array.')
        return _checked_name(value)

    async def job_name_or_object(self, request: Request) -> str | dict[str, Any]:
        """Read a job name, as `job_name` does, or a JSON object.

        Raises:
            InvalidRequestError: It is neither, or the object has a key twice.
            TooLargeError: It is over the limit.
            UnsupportedMediaError: Its content type is neither JSON nor text.
        """
        value = await self._word(request)
        if isinstance(value, dict):
            return value
        if not isinstance(value, str):
            raise _bad_name('must be the body itself: my_job, "my_job", or {"jobName": "my_job"}.')
        return _checked_name(value)

    async def _word(self, request: Request) -> Any:
        """Read JSON, or a bare word."""
        word = (await self._text(request)).strip()
        return parse_json(word) if word[:1] in {'"', "{", "["} else word

    async def _text(self, request: Request) -> str:
        codec = _codec_of(request.headers.get("content-type", ""))
        check_not_compressed(request.headers.get("content-encoding", ""))
        limit = body_limit(request.url.path, self._limit_bytes)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise too_large(limit)
        return decode(bytes(body), codec)


def _checked_name(name: str) -> str:
    if not name:
        raise _bad_name("is required: send the job's name as body.")
    problem = known_name_problem(name)
    if problem is not None:
        raise _bad_name(problem)
    return name


def _bad_name(problem: str) -> InvalidRequestError:
    return InvalidRequestError.of(FieldError("jobName", problem))


def _codec_of(header: str) -> str:
    """Check the content type, and give the codec of its charset; UTF-8 where it names none."""
    media_type, *parameters = (part.strip().lower() for part in header.split(";"))
    kind, _, subtype = media_type.partition("/")
    if media_type and kind != "text" and subtype != "json" and not subtype.endswith("+json"):
        hint = (
            f" It is what curl -d sends by default. {_ADD_HEADER}"
            if "form-urlencoded" in subtype
            else f" {_ADD_HEADER}"
        )
        raise UnsupportedMediaError(f"The content type '{shown(media_type)}' is neither JSON nor text.{hint}")
    for parameter in parameters:
        key, _, charset = parameter.partition("=")
        if key.strip() == "charset" and charset:
            return find_codec(charset)
    return "utf-8"


def parse_json(text: str) -> Any:
    """Read JSON, and refuse what JSON readers disagree on: a key that is given twice.

    NaN, Infinity and numbers too large for a float come through as floats that are not finite, so that the field's own
    check can name the field.

    Raises:
        InvalidRequestError: It is not JSON; the message says where.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_int=_bounded_integer)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidRequestError(f"The body is not valid JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise InvalidRequestError("The body's JSON is nested too deeply.") from None


def _unique_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise InvalidRequestError.of(FieldError(shown(key), "is given twice."))
            seen.add(key)
    return keys


def _bounded_integer(digits: str) -> int:
    return int(digits[:_MAXIMUM_DIGITS])
