"""The journal of processes on a disk that is full for a while."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from elasticjob_cloud.agent.process.journal import ProcessJournal, read_journal


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond this size: what would is cut there, or refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_new_file(path: Path) -> Iterator[None]:
    """Let the journal find no room for a whole new file."""
    obstacle = path.with_suffix(".new")
    obstacle.mkdir()
    yield
    obstacle.rmdir()


def pids_in(path: Path) -> list[int]:
    journal = read_journal(path)
    assert journal is not None
    assert journal.agent_id == "agent-1"
    return [entry.pid for entry in journal.entries]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "processes.journal"


def test_end_that_was_cut_off_by_a_full_disk_ends_no_other_process(path: Path) -> None:
    journal = ProcessJournal(path, "agent-1")
    journal.started(12, 1.0, 1.0)
    journal.started(1234, 1.0, 1.0)
    with no_new_file(path), room_for(path.stat().st_size + len(b"- 12")):
        journal.ended(1234)
        assert path.read_bytes().endswith(b"- 12")
        journal.started(5, 1.0, 1.0)
        assert pids_in(path) == [12, 1234]
    journal.started(6, 1.0, 1.0)
    assert pids_in(path) == [12, 5, 6]
    journal.close()


def test_journal_that_could_not_be_begun_is_begun_when_there_is_room(path: Path) -> None:
    with no_new_file(path):
        journal = ProcessJournal(path, "agent-1")
        journal.started(12, 1.0, 1.0)
        assert not path.exists()
    journal.started(13, 1.0, 1.0)
    journal.ended(12)
    assert pids_in(path) == [13]
    journal.close()
    journal.started(14, 1.0, 1.0)
    assert pids_in(path) == [13]
