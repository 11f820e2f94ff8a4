"""Script tasks on kernels that lack what the agent uses elsewhere."""

import errno
import sys
from pathlib import Path

import pytest

from elasticjob_cloud.agent.process import table as process_table
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.scripts.script_world import World, play

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]


def test_kernel_without_pidfds_is_served_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("os.pidfd_open", refuse)

    async def scenario(world: World) -> None:
        world.launch("sleep 0.05; exit 3")
        status = await world.end_of()
        assert status.state is TaskState.FAILED
        assert "exit code 3" in status.message

    play(tmp_path, scenario)


def test_kernel_that_lists_no_children_is_served_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_table, "_HAS_CHILDREN", False)
    monkeypatch.setattr(process_table, "_read_children_of_thread", lambda *_: [])

    async def scenario(world: World) -> None:
        hog = "x = b'x' * 150_000_000; import time; time.sleep(60)"
        world.launch(f'(setsid python -c "{hog}" &); sleep 60; true', memory_mb=64)
        status = await world.end_of()
        assert status.state is TaskState.FAILED
        assert "of 64 MB" in status.message
        assert world.processes_left() == set()

    play(tmp_path, scenario)
