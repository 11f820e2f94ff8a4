"""What a search looks for: a text, or a regular expression of RE2, which takes time in proportion to what is searched."""

from collections.abc import Callable

from elasticjob_cloud.model.errors import FieldError, InvalidRequestError

PATTERN_CHARACTERS = 1000
# Of RE2: compiled patterns beyond it are refused, so that none takes much memory or many seconds.
_MEMORY_BYTES = 1 << 20
_MOST_INSTRUCTIONS = 1000

# Gives where the first match in these bytes from a position begins and ends.
Finder = Callable[[bytes, int], tuple[int, int] | None]


def make_finder(text: str, *, is_regex: bool) -> Finder:
    """Give what finds a text, or the matches of a regular expression; `^` and `$` are the ends of a line.

    Raises:
        InvalidRequestError: it is no regular expression, or too large a one.
    """
    if len(text) > PATTERN_CHARACTERS:
        raise InvalidRequestError.of(FieldError("q", f"must have {PATTERN_CHARACTERS} characters at most."))
    return _regex_finder(text) if is_regex else _text_finder(text.encode())


def _text_finder(text: bytes) -> Finder:
    def find(content: bytes, position: int) -> tuple[int, int] | None:
        found = content.find(text, position)
        return None if found < 0 else (found, found + len(text))

    return find


def _regex_finder(text: str) -> Finder:
    import re2  # noqa: PLC0415 - most agents never search

    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    options.never_nl = True  # a match never goes beyond its line
    try:
        pattern = re2.compile(b"(?m)" + text.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        raise _refusal(_reason(error)) from error
    if pattern.programsize > _MOST_INSTRUCTIONS:
        raise _refusal("it is too large: use fewer or smaller repetitions")

    def find(content: bytes, position: int) -> tuple[int, int] | None:
        match = pattern.search(content, position)
        return None if match is None else match.span()

    return find


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def _refusal(reason: str) -> InvalidRequestError:
    return InvalidRequestError.of(
        FieldError("q", f"is not a regular expression that can be searched for: {reason}.")
    )
