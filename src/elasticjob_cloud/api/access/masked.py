"""Who sees secrets of apps and jobs, and what becomes of a mask that comes back with a change."""

import re
from typing import Any, Final

import msgspec
from fastapi import Request
from starlette.types import Scope

from elasticjob_cloud.api.access.auth import Principal
from elasticjob_cloud.api.access.users import Role
from elasticjob_cloud.api.requests.raw.text import shown
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.masking import MASK, MASKED_FIELDS, is_secret_name, mask_text

_CALLER: Final = "elasticjob.caller"
_STANDS_FOR: Final = f"has {MASK}, which stands for a secret that was not shown: write the whole value."
# What nobody writes by hand: a password, or a whole value, of three stars.
_COPIED_MASK: Final = re.compile(rf"(://|[?&][^=&\s]*=){re.escape(MASK)}(?![^@&#\s])")


def with_caller(scope: Scope, caller: Principal) -> Scope:
    """Note in a request who makes it."""
    return {**scope, _CALLER: caller}


def role_of(scope: Scope) -> Role | None:
    """Give the role of who makes a request; None where the scheduler knows no users."""
    caller: Principal | None = scope.get(_CALLER)
    return None if caller is None else caller.role


def caller_of(request: Request) -> Principal | None:
    """Give who makes the call; None where the scheduler knows no users."""
    caller: Principal | None = request.scope.get(_CALLER)
    return caller


def sees_secrets(request: Request) -> bool:
    """Tell whether the caller may see secrets: an admin, or anybody of a scheduler that knows no users."""
    caller = caller_of(request)
    return caller is None or caller.role is Role.ADMIN


def caller_name(request: Request) -> str:
    """Give the user who makes the call; empty where the scheduler knows no users."""
    caller = caller_of(request)
    return "" if caller is None else caller.username


def keep_masked(
    payload: dict[str, Any], stored: AppConfiguration | JobConfiguration | None = None
) -> dict[str, Any]:
    """Give a request with the stored values instead of their masks, as lists show them.

    Raises:
        InvalidRequestError: a mask stands for nothing that is stored.
    """
    kept: dict[str, Any] = {} if stored is None else msgspec.to_builtins(stored)
    result = dict(payload)
    errors: list[FieldError] = []
    for name in MASKED_FIELDS:
        value = payload.get(name)
        if isinstance(value, str) and MASK in value:
            known = _value_behind(value, kept.get(name), is_whole=False)
            errors += [FieldError(name, _STANDS_FOR)] if known is None else []
            result[name] = known
    props = payload.get("props")
    if isinstance(props, dict):
        result["props"] = dict(props)
        for key, value in props.items():
            if isinstance(value, str) and MASK in value:
                known = _value_behind(value, kept.get("props", {}).get(key), is_whole=is_secret_name(key))
                if known is None:
                    errors.append(FieldError("props", f"the value of '{shown(key)}' {_STANDS_FOR}"))
                result["props"][key] = known
    if errors:
        raise InvalidRequestError.of(*errors)
    return result


def _value_behind(value: str, stored: str | None, *, is_whole: bool) -> str | None:
    """Give what a value with a mask in it stands for; None when that is not known."""
    if stored is None:
        is_copied = (is_whole and value == MASK) or _COPIED_MASK.search(value) is not None
        return None if is_copied else value
    masked = MASK if is_whole else mask_text(stored)
    if value == masked:
        return stored
    # Stars of its own are a value like any other; a mask in a changed text cannot be undone.
    return None if MASK in masked and MASK not in stored else value
