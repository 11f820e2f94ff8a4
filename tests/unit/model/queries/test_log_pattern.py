"""What a search in output finds, and which expressions are refused before anything is searched."""

import pytest

from elasticjob_cloud.model.errors import InvalidRequestError
from elasticjob_cloud.model.queries.log_pattern import PATTERN_CHARACTERS, Finder, make_finder


def _all_found(find: Finder, content: bytes) -> list[bytes]:
    found: list[bytes] = []
    position = 0
    while (span := find(content, position)) is not None:
        found.append(content[slice(*span)])
        position = max(span[1], position + 1)
    return found


def test_a_text_is_taken_as_it_is() -> None:
    find = make_finder("a.c", is_regex=False)
    assert find(b"abc a.c A.C a.c", 0) == (4, 7)
    assert find(b"abc a.c A.C a.c", 5) == (12, 15)
    assert find(b"abc A.C", 0) is None


def test_texts_and_expressions_of_any_script_are_found_by_their_bytes() -> None:
    content = "första 错误 sista".encode()
    start = content.index("错误".encode())
    for is_regex in (False, True):
        assert make_finder("错误", is_regex=is_regex)(content, 0) == (start, start + 6)


@pytest.mark.parametrize(
    "text,found",
    [
        ("^E.*$", [b"ERROR one", b"E2"]),
        ("one$", [b"one"]),
        ("(?i)error", [b"ERROR", b"error"]),
        ("ERROR[^x]*", [b"ERROR one"]),  # never beyond its line
        (r"\d+", [b"2", b"12"]),
        ("none", []),
    ],
)
def test_an_expression_matches_within_lines(text: str, found: list[bytes]) -> None:
    assert _all_found(make_finder(text, is_regex=True), b"ERROR one\nE2\nan error 12\n") == found


def test_a_search_goes_on_from_its_position_with_the_same_ends_of_lines() -> None:
    find = make_finder("^b", is_regex=True)
    assert find(b"ab\nb", 1) == (3, 4), "the position is no beginning of a line"


@pytest.mark.parametrize(
    "text,reason",
    [
        ("(", "missing )"),
        ("a**", "bad repetition operator"),
        (r"(a)\1", "invalid escape sequence"),  # it could take time without end
        ("(?=a)", "(?="),
        ("\ud800", "utf-8"),
        ("(a{1,100}){5}(b{1,100}){5}", "it is too large"),
        ("((a{1,100}){1,100}){1,100}", "repetition"),
    ],
)
def test_what_cannot_be_searched_for_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        make_finder(text, is_regex=True)
    (error,) = raised.value.errors
    assert error.field == "q"
    assert error.message.startswith("is not a regular expression that can be searched for: ")
    assert reason in error.message


@pytest.mark.parametrize("is_regex", [False, True])
def test_a_text_has_a_thousand_characters_at_most(is_regex: bool) -> None:
    longest = "x" * PATTERN_CHARACTERS
    if not is_regex:
        assert make_finder(longest, is_regex=False)(longest.encode(), 0) == (0, PATTERN_CHARACTERS)
    with pytest.raises(InvalidRequestError, match="1000 characters at most"):
        make_finder(longest + "x", is_regex=is_regex)
