"""An update judges what it changes: values that are stored stay as they are."""

from typing import Any, Final

import msgspec
from pydantic import ValidationInfo, ValidatorFunctionWrapHandler

# What one field may be depends on another: it counts as changed with that one.
_JUDGED_WITH: Final = {"sharding_item_parameters": "sharding_total_count"}


def keep_stored_value(value: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Check a value, but take the stored one as it is: an earlier version may have accepted what this one refuses.

    An update has what is stored as the validation's context (an app's or a job's configuration).
    """
    try:
        return validate(value)
    except ValueError:
        name = info.field_name
        if info.context is None or name is None or not _is_stored(value, info.context, name):
            raise
        other = _JUDGED_WITH.get(name)
        if other is not None and not _is_stored(info.data.get(other), info.context, other):
            raise
        return getattr(info.context, name)


def _is_stored(value: Any, stored: Any, name: str) -> bool:
    kept = msgspec.to_builtins(getattr(stored, name, None))
    return type(value) is type(kept) and value == kept  # 1 equals true
