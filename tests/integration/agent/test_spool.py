"""What an agent could not tell is kept for its successor, on a full disk too."""

import os
from pathlib import Path

import pytest

from elasticjob_cloud.agent.reporting.spool import StatusSpool
from elasticjob_cloud.model.messages import TaskStatus
from elasticjob_cloud.model.task import TaskState


def statuses(count: int, message: str) -> list[TaskStatus]:
    return [TaskStatus(f"t{number}", TaskState.FINISHED, number, message) for number in range(count)]


class SmallDisk:
    """Lets files of the spool be written until the room of a disk is used up; removed files give theirs back."""

    def __init__(self, directory: Path, size: int) -> None:
        self._directory = directory
        self._size = size

    def fsync(self, _descriptor: int) -> None:
        if sum(file.stat().st_size for file in self._directory.iterdir()) > self._size:
            raise OSError(28, "No space left on device")


def test_end_of_a_task_is_kept_on_a_disk_that_became_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = StatusSpool(tmp_path / "statuses.spool")
    spool.reserve()
    used = sum(file.stat().st_size for file in tmp_path.iterdir())
    monkeypatch.setattr(os, "fsync", SmallDisk(tmp_path, used).fsync)
    spool.save(statuses(500, "x" * 5000))
    assert spool.is_kept
    kept = StatusSpool(tmp_path / "statuses.spool").load()
    assert [(status.task_id, status.state) for status in kept] == [
        (f"t{number}", TaskState.FINISHED) for number in range(500)
    ]


def test_statuses_are_kept_whole_where_there_is_room(tmp_path: Path) -> None:
    spool = StatusSpool(tmp_path / "statuses.spool")
    spool.reserve()
    spool.reserve()
    told = statuses(3, "x" * 5000)
    spool.save(told)
    assert StatusSpool(tmp_path / "statuses.spool").load() == told
    spool.clear()
    assert StatusSpool(tmp_path / "statuses.spool").load() == []
