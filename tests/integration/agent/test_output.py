"""Output of tasks and executors on a real disk."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.apps import AppCache
from elasticjob_cloud.agent.reporting.output import OutputStore, ProcessOutput
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.wire import OUTPUT_TRUNCATED
from tests.waiting import run_in_selector_loop, until

_LIMIT = 1000


def test_restarts_do_not_add_up_beyond_the_limit(tmp_path: Path) -> None:
    path = f"{tmp_path}/executor-app.stdout"
    for number in range(10):
        output = ProcessOutput(path, _LIMIT)
        output.write(b"%d" % number * 300)
        output.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= _LIMIT
    assert Path(f"{path}.tail").read_bytes().endswith(b"9" * 200)


def test_first_and_latest_output_are_kept(tmp_path: Path) -> None:
    output = ProcessOutput(f"{tmp_path}/t.stdout", _LIMIT)
    for number in range(100):
        output.write(b"%099d\n" % number)
    output.close()
    assert (tmp_path / "t.stdout").read_bytes().startswith(b"%099d\n" % 0)
    assert (tmp_path / "t.stdout.tail").read_bytes().endswith(b"%099d\n" % 99)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= _LIMIT
    assert output.tail().endswith("99")


def test_reader_that_follows_gets_the_end_and_is_told_what_is_missing(tmp_path: Path) -> None:
    """It had fallen silent at the limit, or where the file of a daemon started over."""
    store = OutputStore(tmp_path, _LIMIT)
    output = ProcessOutput(f"{tmp_path}/t.stdout", _LIMIT)
    output.write(b"first\n")
    first = store.read("t", "stdout", 0, 1 << 20, known=True, ended=False)
    assert (first.content, first.truncated, first.missing) == (b"first\n", False, 0)
    for number in range(100):
        output.write(b"%099d\n" % number)
    offset = len(first.content)
    missing, lines = 0, b""
    while (chunk := store.read("t", "stdout", offset, 333, known=True, ended=True)).content:
        assert chunk.truncated
        assert chunk.offset == offset + chunk.missing
        missing, lines = missing + chunk.missing, lines + chunk.content
        offset = chunk.offset + len(chunk.content)
    assert offset == chunk.size == 6 + missing + len(lines) == 10_006
    assert missing > 0
    assert lines.endswith(b"%099d\n%099d\n" % (98, 99))


def test_whether_output_is_whole_is_not_guessed_from_what_it_says(tmp_path: Path) -> None:
    store = OutputStore(tmp_path, _LIMIT)
    output = ProcessOutput(f"{tmp_path}/t.stdout", _LIMIT)
    output.write(b"hello" + OUTPUT_TRUNCATED)
    assert not store.read("t", "stdout", 0, 1000, known=True, ended=True).truncated
    # An executor in another language that keeps the first part only ends it so (docs/executor-protocol.md).
    (tmp_path / "other.stdout").write_bytes(b"x" * 900 + OUTPUT_TRUNCATED)
    assert store.read("other", "stdout", 0, 10, known=True, ended=True).truncated


def test_known_task_without_output_has_an_empty_log_and_an_unknown_one_none(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    chunk = store.read("t", "stderr", 0, 100, known=True, ended=False)
    assert (chunk.content, chunk.size, chunk.ended) == (b"", 0, False)
    with pytest.raises(NotFoundError, match="printed nothing"):
        store.read("t", "stderr", 0, 100, known=False, ended=True)
    with pytest.raises(NotFoundError, match="stdout and stderr"):
        store.read("t", "../t", 0, 100, known=True, ended=True)


@pytest.mark.parametrize("name", ["../escape", "a/b", "n" * 300, "nul\0"])
def test_no_name_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    path = Path(OutputStore(tmp_path / "output").base_path(name))
    assert path.parent == tmp_path / "output"
    assert len(path.name) <= 200


def test_retention_removes_the_oldest_first_and_nothing_of_live_tasks(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    for number in range(6):
        file = tmp_path / f"t{number}.stdout"
        file.write_bytes(b"x" * 100)
        os.utime(file, (1000.0 + number, 1000.0 + number))
    (tmp_path / "t6.stdout").write_bytes(b"x" * 100)
    live = frozenset({store.base_path("t0")})

    def left() -> list[str]:
        return sorted(file.name.removesuffix(".stdout") for file in tmp_path.iterdir())

    store.enforce_retention(1e12, 1 << 20, 5, live)
    assert left() == ["t0", "t3", "t4", "t5", "t6"]
    store.enforce_retention(1e12, 400, 100, live)
    assert left() == ["t0", "t4", "t5", "t6"]
    store.enforce_retention(3600.0, 1 << 20, 100, live)
    assert left() == ["t0", "t6"]


def test_retention_removes_a_task_with_all_its_files(tmp_path: Path) -> None:
    """A first part that is older than the last one would else be missing under a task that still runs on."""
    store = OutputStore(tmp_path)
    for time_s, name in enumerate(("a.stdout", "b.stdout", "b.stdout.tail.1", "b.stdout.tail", "c.stderr")):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (1000.0 + time_s, 1000.0 + time_s))
    os.utime(tmp_path / "a.stdout", (1002.5, 1002.5))
    store.enforce_retention(1e12, 1 << 20, 4, frozenset())
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "b.stdout", "b.stdout.tail", "b.stdout.tail.1", "c.stderr"
    ]  # fmt: skip
    store.enforce_retention(1e12, 1 << 20, 3, frozenset())
    assert [file.name for file in tmp_path.iterdir()] == ["c.stderr"]


def test_full_disk_loses_output_with_a_note(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full: run it on Linux")
    (tmp_path / "t.stdout").symlink_to("/dev/full")
    output = ProcessOutput(f"{tmp_path}/t.stdout", _LIMIT)
    output.write(b"hello")
    output.write(b"again")
    assert "No space left" in output.failure
    output.close()


def test_long_output_goes_on_once_a_full_disk_has_room(tmp_path: Path) -> None:
    path = tmp_path / "executor-app.stdout"
    path.mkdir()
    output = ProcessOutput(str(path), _LIMIT)
    output.write(b"lost\n")
    path.rmdir()
    output.write(b"kept\n")
    assert path.read_bytes() == b"kept\n"
    assert "could not be kept" in output.failure
    output.close()
    output.write(b"late\n")
    assert path.read_bytes() == b"kept\n"


@pytest.mark.slow
def test_retention_that_fails_once_is_enforced_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = AgentSettings(output_sweep_seconds=0.01, output_retention_seconds=3600.0)
    agent = Agent(
        tmp_path, settings, AppCache(tmp_path / "apps", settings.app_limits), lambda _: None, tmp_path
    )
    old = tmp_path / "output" / "t.stdout"
    old.write_bytes(b"x")
    os.utime(old, (1000.0, 1000.0))
    faults = ["can't start new thread"]
    enforce = OutputStore.enforce_retention

    def enforce_but_not_at_first(*arguments: Any) -> None:
        if faults:
            raise RuntimeError(faults.pop())
        enforce(*arguments)

    monkeypatch.setattr(OutputStore, "enforce_retention", enforce_but_not_at_first)

    async def scenario() -> None:
        await agent.start()
        await until(lambda: not old.exists(), "the old output is deleted")
        await agent.close("the test is over")

    run_in_selector_loop(scenario())
    assert not faults


def test_last_lines_are_known_though_nothing_can_be_written(tmp_path: Path) -> None:
    output = ProcessOutput(f"{tmp_path}/gone/t.stderr", _LIMIT)
    output.write(b"x" * 10_000 + b"\nFATAL: quota exceeded\n")
    output.add_note(b"[a note of ours]\n")
    assert output.failure
    assert output.tail() == "... FATAL: quota exceeded"


def test_end_of_a_kept_stream_has_whole_lines_and_only_what_is_kept(tmp_path: Path) -> None:
    store = OutputStore(tmp_path / "outputs", 40_000)
    assert store.end_of("t", "stderr") == ""
    _, stderr = store.streams_of("t")
    stderr.write(b"short\n")
    assert store.end_of("t", "stderr") == "short"
    for number in range(10_000):
        stderr.write(b"line %06d\n" % number)
        if number >= 9_000:  # also when a file has just begun
            first, *lines, last = store.end_of("t", "stderr").splitlines()
            assert re.fullmatch(r"\.\.\. line \d{6}", first)
            assert last == f"line {number:06}"
            assert len(lines) > 300


def test_end_of_a_kept_stream_does_not_reach_over_missing_bytes(tmp_path: Path) -> None:
    store = OutputStore(tmp_path / "outputs", 1000)
    stdout, _ = store.streams_of("t")
    stdout.write(b"begins\n" + b"x" * 2000 + b"\nthe reason\n")
    assert store.end_of("t", "stdout") == "... the reason"
