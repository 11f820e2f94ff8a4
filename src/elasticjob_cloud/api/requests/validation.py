"""From pydantic's findings to errors that name the field as the caller wrote it, and say what to write instead."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from elasticjob_cloud.api.requests.raw.text import described, shown
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration

MAXIMUM_FIELDS: Final = 100

Payload = TypeVar("Payload", bound=BaseModel)


def check_fields(
    model: type[Payload],
    payload: Mapping[str, Any],
    more_problems: Callable[[Mapping[str, Any]], Sequence[FieldError]] = lambda _: (),
    stored: AppConfiguration | JobConfiguration | None = None,
) -> Payload:
    """Check a request's fields against their model, all of them at once.

    Args:
        model: What the fields must be.
        payload: The fields as they came.
        more_problems: What the model cannot know; its findings count for fields that the model finds nothing wrong with.
        stored: What an update is to change; its values are taken as they are.

    Raises:
        InvalidRequestError: Fields are unknown, missing or invalid; `errors` has one entry for each.
    """
    if len(payload) > MAXIMUM_FIELDS:
        raise InvalidRequestError(
            f"The request has {len(payload):,} fields; none may have more than {MAXIMUM_FIELDS}."
        )
    request: Payload | None = None
    errors: list[FieldError] = []
    try:
        request = model.model_validate(payload, context=stored)
    except ValidationError as error:
        errors = field_errors(error, known_names(model))
    blamed = {error.field for error in errors}
    errors += [error for error in more_problems(payload) if error.field not in blamed]
    if request is None or errors:
        raise InvalidRequestError.of(*errors)
    return request


def known_names(model: type[BaseModel]) -> list[str]:
    """Give the names by which callers know a model's fields."""
    return [field.alias or name for name, field in model.model_fields.items()]


def field_errors(error: ValidationError, known: Sequence[str]) -> list[FieldError]:
    """Give one error for each invalid field, in the caller's words."""
    errors: dict[str, FieldError] = {}
    for details in error.errors(include_url=False):
        field = ".".join(shown(str(part)) for part in details["loc"][:2])
        errors.setdefault(field, FieldError(field, _message(details, known)))
    return list(errors.values())


def _message(details: ErrorDetails, known: Sequence[str]) -> str:
    context = details.get("ctx", {})
    value = details.get("input")
    match details["type"]:
        case "missing":
            return "is required."
        case "extra_forbidden":
            return _unknown_field(str(details["loc"][0]), known)
        case "value_error":
            return str(context["error"])
        case "greater_than_equal":
            return f"must be at least {context['ge']:,}, it is {value}."
        case "less_than_equal":
            return f"must be at most {context['le']:,}."
        case "finite_number":
            return "must be a finite number."
        case "string_unicode":
            return "must not have half of a surrogate pair."
        case "enum" | "literal_error":
            return f"must be {context['expected'].replace(chr(39), '')}, not {described(value)}."
        case kind:
            wanted = f"must be {_KINDS.get(kind, 'of another kind')}"
            # What is secret is not repeated: answers end up in logs.
            return f"{wanted}." if "password" in details["loc"] else f"{wanted}, not {described(value)}."


_KINDS: Final = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "int_parsing": "an integer",
    "int_parsing_size": "a smaller integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a string",
    "dict_type": 'an object of strings, such as {"http.uri": "http://host/path"}',
}


def _unknown_field(name: str, known: Sequence[str]) -> str:
    lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name[:100].lower(), lower, n=1)
    hint = f"; did you mean '{lower[close[0]]}'?" if close else f"; there are: {', '.join(known)}."
    return f"is not a known field{hint}"
