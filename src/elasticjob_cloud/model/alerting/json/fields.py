"""Reads fields of JSON objects, and collects what is wrong with them. For rules, channels and silences."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from elasticjob_cloud.model.errors import FieldError, InvalidRequestError

_Choice = TypeVar("_Choice", bound=StrEnum)


class Fields:
    """The fields of one object. `prefix`: where it is in the request, for the messages."""

    def __init__(self, fields: Mapping[str, object], errors: list[FieldError], prefix: str = "") -> None:
        self._fields = fields
        self._errors = errors
        self._prefix = prefix
        self._asked: set[str] = set()

    def refuse(self, name: str, message: str) -> None:
        """Note that a field is wrong."""
        self._errors.append(FieldError(self._prefix + name, message))

    def get(self, name: str) -> object:
        """Give a field as it is, None where it is missing."""
        self._asked.add(name)
        return self._fields.get(name)

    def text(self, name: str, *, longest: int = 4096) -> str | None:
        """Give a text."""
        value = self.get(name)
        if value is None or (isinstance(value, str) and len(value) <= longest and _is_whole(value)):
            return value
        self.refuse(name, f"must be a text of at most {longest:,} characters.")
        return None

    def number(self, name: str, *, least: float, most: float, whole: bool = False) -> float | None:
        """Give a number within bounds."""
        value = self.get(name)
        if value is None:
            return None
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and least <= value <= most
            and (not whole or value == int(value))
        ):
            return value
        kind = "a whole number" if whole else "a number"
        self.refuse(name, f"must be {kind} from {least:,g} to {most:,g}.")
        return None

    def choice(self, name: str, choices: type[_Choice]) -> _Choice | None:
        """Give one of the names of an enumeration."""
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value in set(choices):
            return choices(value)
        self.refuse(name, f"must be one of {', '.join(choices)}.")
        return None

    def texts(self, name: str, *, most: int = 50) -> tuple[str, ...] | None:
        """Give a list of texts."""
        value = self.get(name)
        if value is None:
            return None
        if (
            isinstance(value, (list, tuple))
            and len(value) <= most
            and all(isinstance(it, str) and it and _is_whole(it) for it in value)
        ):
            return tuple(dict.fromkeys(value))
        self.refuse(name, f"must be a list of at most {most} texts.")
        return None

    def mapping(self, name: str) -> Mapping[str, object]:
        """Give an object; an empty one where it is missing."""
        value = self.get(name)
        if value is None:
            return {}
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return value
        self.refuse(name, "must be an object.")
        return {}

    def text_mapping(self, name: str) -> dict[str, str]:
        """Give an object of texts."""
        mapping = self.mapping(name)
        good = {
            key: value
            for key, value in mapping.items()
            if isinstance(value, str) and _is_whole(key) and _is_whole(value)
        }
        if len(good) < len(mapping):
            self.refuse(name, "must have texts only.")
        return good

    def refuse_others(self) -> None:
        """Refuse each field that was not asked for: a misspelt one must not go unnoticed."""
        for name in self._fields:
            if name not in self._asked:
                self.refuse(name, f"is not known. Known are {', '.join(sorted(self._asked))}.")


def _is_whole(text: str) -> bool:
    """Tell whether a text can be stored: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def raise_if(errors: list[FieldError]) -> None:
    """Raise `InvalidRequestError` with all of them, if there are any."""
    if errors:
        raise InvalidRequestError.of(*errors)
