"""What is kept of texts that are too long, and the one line of them that names the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.model.output.excerpt import (
    cause_in,
    excerpt,
    excerpt_bytes,
    first_line,
    last_line,
    one_line,
    plain,
)


@pytest.mark.parametrize("length", [1, 16_000, 16_001, 1_000_000])
def test_excerpt_keeps_both_ends_and_says_what_is_missing(length: int) -> None:
    kept = excerpt("a" * (length - 1) + "z")
    assert len(kept) <= 16_000
    assert kept.endswith("z")
    assert ("characters left out" in kept) is (length > 16_000)


@given(st.text())
def test_one_line_is_one_plain_line_within_its_limit(text: str) -> None:
    line = one_line(text, 100)
    assert len(line) <= 100
    assert len(line.splitlines()) <= 1
    assert line == line.strip() == plain(line)


@pytest.mark.parametrize(
    "text,shown",
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07\x1b(Btext\x9b31m", "text"),
        ("10%\r20%\rdone\r\nnext", "done\nnext"),
        ("ab\x08\x00c\td\x7f\u202e", "abc\td"),
        ("北京\n💥", "北京\n💥"),
    ],
)
def test_plain_text_is_what_a_terminal_shows(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_first_and_last_line_pass_over_those_that_show_nothing() -> None:
    text = "\n\x1b[0m\n first \nmiddle\n last\x1b[0m\n \n\x1b[0m\n"
    assert (first_line(text), last_line(text)) == ("first", "last")
    assert (first_line(""), last_line(" \n\x1b[0m")) == ("", "")
    assert last_line("10%\r99%\r") == "99%"


@pytest.mark.parametrize(
    "text,cause",
    [
        ('Traceback (most recent call last):\n  File "a.py", line 1\nValueError: boom\n', "ValueError: boom"),
        ("Error: no seats left\n    at job (job.js:7:9)", "Error: no seats left"),
        ("The script ended with exit code 3.", "The script ended with exit code 3."),
        ("", ""),
    ],
)
def test_cause_is_the_last_line_of_pythons_traces_and_the_first_one_of_others(text: str, cause: str) -> None:
    assert cause_in(text) == cause


@pytest.mark.parametrize("letter", ["a", "é", "错", "💥"])
@pytest.mark.parametrize("limit_bytes", range(100, 112))
def test_excerpt_for_who_counts_bytes_is_within_them_and_cuts_no_letter(
    letter: str, limit_bytes: int
) -> None:
    fits = letter * (limit_bytes // len(letter.encode()))
    assert excerpt_bytes(fits, limit_bytes) == fits

    kept = excerpt_bytes(letter * 5_000, limit_bytes)

    assert len(kept.encode()) <= limit_bytes
    begin, middle, end = kept.split("\n")
    assert set(begin) == set(end) == {letter}
    assert middle.endswith("bytes left out ...")


def test_line_that_is_too_long_keeps_both_ends() -> None:
    line = one_line("begin " + "x" * 1_000 + "\nend", 100)
    assert line.startswith("begin x")
    assert " ... x" in line
    assert line.endswith("x end")
    assert len(line) <= 100
