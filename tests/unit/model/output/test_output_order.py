"""The order of a task's two streams: what is noted as they take turns, and what a reader makes of it."""

import struct
from pathlib import Path

import pytest

from elasticjob_cloud.model.output.output_file import OutputFile, StreamName, stream_path
from elasticjob_cloud.model.output.output_order import OutputOrder, Turn, read_order

_LIMIT_BYTES = 256 * 1024  # of the file of turns


@pytest.fixture
def base_path(tmp_path: Path) -> str:
    return f"{tmp_path}/task"


def _followed(order: OutputOrder, base_path: str, stream: StreamName) -> OutputFile:
    file = OutputFile(stream_path(base_path, stream), 1 << 16)
    order.follow(stream, file)
    return file


def _write_pairs(base_path: str, *pairs: tuple[int, int], rest: bytes = b"") -> None:
    content = b"".join(struct.pack(">QQ", *pair) for pair in pairs)
    Path(f"{base_path}.order").write_bytes(content + rest)


def test_each_change_of_streams_is_noted_and_nothing_else(base_path: str) -> None:
    order = OutputOrder(base_path)
    stdout, stderr = (_followed(order, base_path, stream) for stream in ("stdout", "stderr"))

    stdout.write(b"one")
    stdout.write(b"two")
    stderr.write(b"oops")
    stderr.write(b"")
    stderr.write(b"oops")
    stdout.write(b"three")
    stderr.write(b"!")

    assert read_order(base_path) == [Turn(6, 0), Turn(6, 8), Turn(11, 8)]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_task_that_writes_to_one_stream_alone_has_no_file_of_turns(
    base_path: str, stream: StreamName
) -> None:
    _followed(OutputOrder(base_path), base_path, stream).write(b"alone")

    assert not Path(f"{base_path}.order").exists()
    assert read_order(base_path) == []


def test_what_another_process_wrote_to_the_other_stream_counts(base_path: str) -> None:
    other = OutputFile(stream_path(base_path, "stdout"), 1 << 16)
    other.write(b"from a child")
    other.close()

    _followed(OutputOrder(base_path), base_path, "stderr").write(b"oops")

    assert read_order(base_path) == [Turn(12, 0)]


def test_a_turn_that_cannot_be_noted_costs_no_output(base_path: str) -> None:
    order = OutputOrder(base_path)
    stdout, stderr = (_followed(order, base_path, stream) for stream in ("stdout", "stderr"))
    Path(f"{base_path}.order").mkdir()

    assert stdout.write(b"one")
    assert stderr.write(b"oops")

    assert (stdout.failure, stderr.failure) == ("", "")
    assert (stdout.end(), stderr.end()) == (3, 4)
    assert read_order(base_path) == []


def test_the_newest_turns_are_kept_where_there_are_too_many(base_path: str) -> None:
    count = _LIMIT_BYTES // 16
    _write_pairs(base_path, *((number, number) for number in range(count)))
    order = OutputOrder(base_path)
    stdout, stderr = (_followed(order, base_path, stream) for stream in ("stdout", "stderr"))

    stdout.write(b"x" * (count + 1))
    stderr.write(b"oops")

    turns = read_order(base_path)
    assert turns[0] == Turn(count // 2 + 1, count // 2 + 1)
    assert turns[-2:] == [Turn(count - 1, count - 1), Turn(count + 1, count - 1)]
    assert Path(f"{base_path}.order").stat().st_size == _LIMIT_BYTES // 2
    assert not Path(f"{base_path}.order.new").exists()


def test_turns_that_were_noted_late_never_go_back_and_half_a_pair_is_none(base_path: str) -> None:
    _write_pairs(base_path, (5, 0), (3, 4), (9, 2), rest=b"half a")

    assert read_order(base_path) == [Turn(5, 0), Turn(5, 4), Turn(9, 4)]
