"""Reading the parameters after the `?`: known names only, each once, with the same errors as bodies have."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Request
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from elasticjob_cloud.api.requests.raw.text import shown
from elasticjob_cloud.api.requests.validation import check_fields
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError

# `+` means a space in a query, and hardly anybody writes the offset's as %2B.
_OFFSET_AFTER_SPACE: Final = re.compile(r"(T\S+) (\d\d:?\d\d)$")


class QueryParameters(BaseModel):
    """The parameters of a query. An empty one counts as not given, as upstream's console sends it."""

    # No code makes these from keywords by alias, which is what mypy's plugin fears for.
    model_config = ConfigDict(  # type: ignore[pydantic-alias]
        extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )


Parameters = TypeVar("Parameters", bound=QueryParameters)


def read_query(request: Request, model: type[Parameters]) -> Parameters:
    """Read a request's parameters.

    Raises:
        InvalidRequestError: One is unknown, given twice, missing, or not what it must be.
    """
    given: dict[str, str] = {}
    for name, value in _asked(request):
        if name in given:
            raise InvalidRequestError.of(FieldError(shown(name), "is given twice."))
        given[name] = value
    return check_fields(model, given)


def _asked(request: Request) -> list[tuple[str, str]]:
    """Give the parameters that ask for something: an empty one does not, nor does jQuery's `_` against caches."""
    return [(name, value) for name, value in request.query_params.multi_items() if value and name != "_"]


def refuse_query(request: Request) -> None:
    """Refuse parameters where there are none, so that a misspelt call does not pass for another."""
    asked = _asked(request)
    if asked:
        names = ", ".join(shown(name) for name, _ in asked[:5])
        raise InvalidRequestError(f"This call takes no query parameters; it has: {names}.")


def parameter_documents(model: type[QueryParameters]) -> list[dict[str, Any]]:
    """Describe a model's parameters for OpenAPI."""
    schema = model.model_json_schema(by_alias=True)
    required = schema.get("required", [])
    return [
        _without_empty(
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "description": field.pop("description", ""),
                "schema": {key: value for key, value in field.items() if key != "title"},
            }
        )
        for name, field in schema["properties"].items()
    ]


def _without_empty(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value != ""}


def parse_interval_ms(start_time: str, end_time: str, zone: ZoneInfo) -> tuple[int | None, int | None]:
    """Read `startTime` and `endTime`; None for one that is empty.

    Raises:
        InvalidRequestError: One is no time, or the end comes before the start.
    """
    start_ms = parse_time_ms("startTime", start_time, zone) if start_time else None
    end_ms = parse_time_ms("endTime", end_time, zone) if end_time else None
    if start_ms is not None and end_ms is not None and end_ms < start_ms:
        raise InvalidRequestError.of(FieldError("endTime", "must not be before startTime."))
    return start_ms, end_ms


def default_for_zero(value: Any) -> Any:
    # As upstream has it. None stands for the default, which depends on `limit` and `offset`.
    return None if value == "0" else value


def parse_time_ms(field: str, text: str, zone: ZoneInfo) -> int:
    """Read a time as epoch milliseconds: ISO 8601, or upstream's `yyyy-MM-dd HH:mm:ss`; without an offset, in `zone`.

    Raises:
        InvalidRequestError: It is neither; the error names `field`.
    """
    try:
        time = dt.datetime.fromisoformat(_OFFSET_AFTER_SPACE.sub(r"\1+\2", text.strip()))
        seconds = (time if time.tzinfo is not None else time.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        problem = f"'{shown(text)}' is not a time such as 2026-11-22T15:00:05+08:00 or 2026-11-22 15:00:05."
        raise InvalidRequestError.of(FieldError(field, problem)) from None
    return round(seconds * 1000)
