"""Threads of one shard that print at the same moment: each line stays whole, and none is moved without need."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO, cast

import pytest

from elasticjob_cloud.sdk.streams.output_files import TaskOutput
from elasticjob_cloud.sdk.streams.routed import OwnStream, RoutedBuffer, RoutedRaw


class Stdout:
    """What `sys.stdout` is in a shard, and the file that it ends in."""

    def __init__(self, folder: Path) -> None:
        self._output = TaskOutput(str(folder / "task"), 1 << 20)
        self._path = folder / "task.stdout"
        shard = cast("Any", SimpleNamespace(output=self._output))
        self.text: TextIO = RoutedBuffer(RoutedRaw(OwnStream("stdout"), shard)).make_text()

    def close(self) -> str:
        self._output.close()
        return self._path.read_text()

    def read(self) -> str:
        return self._path.read_text()


@pytest.fixture
def stdout(tmp_path: Path) -> Iterator[Stdout]:
    made = Stdout(tmp_path)
    yield made
    made.close()


class Slow:
    """Its text is made while another thread prints."""

    def __init__(self) -> None:
        self.is_reached = threading.Event()
        self.may_go_on = threading.Event()

    def __str__(self) -> str:
        self.is_reached.set()
        assert self.may_go_on.wait(10)
        return "slow"


def test_a_line_of_another_thread_does_not_come_into_the_middle_of_a_print(stdout: Stdout) -> None:
    slow = Slow()
    thread = threading.Thread(target=print, args=("one", slow), kwargs={"file": stdout.text})
    thread.start()
    assert slow.is_reached.wait(10)
    print("two", file=stdout.text, flush=True)
    assert stdout.read() == "two\n"  # and nobody waits for a print that takes its time
    slow.may_go_on.set()
    thread.join()
    assert stdout.close() == "two\none slow\n"


def test_half_a_line_that_a_thread_left_keeps_its_place(stdout: Stdout) -> None:
    thread = threading.Thread(target=print, args=("progress: ",), kwargs={"file": stdout.text, "end": ""})
    thread.start()
    thread.join()
    print("done", file=stdout.text)
    assert stdout.read() == "progress: done\n"


def test_half_a_line_of_a_thread_that_went_on_with_something_else_keeps_its_place(stdout: Stdout) -> None:
    is_written, may_go_on = threading.Event(), threading.Event()

    def write() -> None:
        stdout.text.write("half, ")
        is_written.set()
        assert may_go_on.wait(10)
        stdout.text.write("its end\n")

    thread = threading.Thread(target=write)
    thread.start()
    assert is_written.wait(10)
    stdout.text.write("other half\n")
    may_go_on.set()
    thread.join()
    assert stdout.close() == "half, other half\nits end\n"


def test_the_end_of_a_shard_writes_what_a_print_had_begun(stdout: Stdout) -> None:
    slow = Slow()
    thread = threading.Thread(target=print, args=("begun", slow), kwargs={"file": stdout.text})
    thread.start()
    assert slow.is_reached.wait(10)
    assert stdout.close() == "begun "
    slow.may_go_on.set()
    thread.join()


def test_a_line_without_end_is_written_in_pieces(stdout: Stdout) -> None:
    for _ in range(5):
        stdout.text.write("x" * 3000)
    assert len(stdout.read()) == 9000
    stdout.text.write("\n")
    assert stdout.read() == "x" * 15000 + "\n"
