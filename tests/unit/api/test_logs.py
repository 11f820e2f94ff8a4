"""A task's output is cut where characters end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.api.answers.logs import LONGEST_CHARACTER_BYTES, LogText, cut_at_character
from elasticjob_cloud.model.messages import LogChunk


def read_all(output: bytes, limit: int, *, ended: bool) -> str:
    """Follow `nextOffset` as a client does; every part must get on."""
    parts, offset = "", 0
    while True:
        content = output[offset : offset + max(limit, LONGEST_CHARACTER_BYTES)]
        part = cut_at_character(LogChunk(offset, content, len(output), ended), limit)
        parts += part.content
        if part.next_offset == offset:
            return parts
        assert part.next_offset - offset <= max(limit, LONGEST_CHARACTER_BYTES)
        offset = part.next_offset


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 12), st.booleans())
def test_parts_of_any_size_make_up_the_text(text: str, limit: int, ended: bool) -> None:
    assert read_all(text.encode(), limit, ended=ended) == text


@given(st.binary(max_size=200), st.integers(LONGEST_CHARACTER_BYTES, 20))
def test_parts_of_any_bytes_make_up_the_whole(output: bytes, limit: int) -> None:
    assert read_all(output, limit, ended=True) == output.decode("utf-8", "replace")


@given(st.binary(max_size=50), st.integers(1, 3))
def test_tiny_parts_of_any_bytes_always_get_to_the_end(output: bytes, limit: int) -> None:
    read_all(output, limit, ended=True)


def test_character_that_is_being_written_waits_for_its_rest() -> None:
    half = "a中".encode()[:-1]
    part = cut_at_character(LogChunk(0, half, len(half), ended=False), 100)
    assert (part.content, part.next_offset) == ("a", 1)
    waiting = cut_at_character(LogChunk(1, half[1:], len(half), ended=False), 100)
    assert (waiting.content, waiting.next_offset) == ("", 1)


def test_character_that_was_never_finished_is_replaced() -> None:
    half = "a中".encode()[:-1]
    part = cut_at_character(LogChunk(0, half, len(half), ended=True), 100)
    assert (part.content, part.next_offset) == ("a\ufffd", 3)


@pytest.mark.parametrize("ended", [True, False])
def test_beyond_the_end_there_is_nothing(ended: bool) -> None:
    part = cut_at_character(LogChunk(10, b"", 10, ended), 5)
    assert (part.content, part.next_offset) == ("", 10)


def test_missing_bytes_are_told_in_a_line_and_cut_characters_are_left_out() -> None:
    tail = "中文\n".encode()[1:]
    part = cut_at_character(LogChunk(500, tail, 500 + len(tail), ended=True, missing=100), 100)
    assert part == LogText("\n[... 102 bytes left out ...]\n文\n", 500 + len(tail))


def test_character_that_was_cut_off_before_missing_bytes_holds_no_reader_up() -> None:
    head = "a中".encode()[:-1]
    part = cut_at_character(LogChunk(0, head, 9000, ended=False, truncated=True, cut=True), 100)
    assert part == LogText("a\ufffd", len(head))


def test_half_a_character_after_missing_bytes_is_asked_for_again() -> None:
    part = cut_at_character(LogChunk(500, "中".encode()[:1], 501, ended=False, missing=100), 100)
    assert part == LogText("", 400)
