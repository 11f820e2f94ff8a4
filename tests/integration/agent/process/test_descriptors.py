"""No descriptor stays open when a process could not be watched."""

import errno
import os
import select
import sys
from pathlib import Path

import pytest

from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.scripts.script_world import World, play

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs epoll: run it on Linux"),
]


class FullEpoll:
    """An epoll that takes so many descriptors and no more."""

    def __init__(self, epoll: select.epoll, takes: int) -> None:
        self._epoll = epoll
        self._takes = takes

    def register(self, descriptor: int, events: int) -> None:
        if self._takes == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._takes -= 1
        self._epoll.register(descriptor, events)

    def unregister(self, descriptor: int) -> None:
        self._epoll.unregister(descriptor)


def open_descriptors() -> set[str]:
    return {entry.name for entry in os.scandir("/proc/self/fd")}


@pytest.mark.parametrize("takes", [0, 1, 2], ids=["stdout", "stderr", "exit"])
def test_kernel_that_watches_no_more_costs_the_task_and_no_descriptor(tmp_path: Path, takes: int) -> None:
    async def scenario(world: World) -> None:
        world.launch("/bin/true", "before")
        await world.end_of("before")
        watch = world.agent._watch
        epoll = watch._epoll
        assert epoll is not None
        before = open_descriptors()
        for number in range(8):  # more than what happens to be open at first, a download's
            watch._epoll = FullEpoll(epoll, takes)  # type: ignore[assignment] # an epoll by its methods
            world.launch("sleep 300; true", f"t{number}")
            status = await world.end_of(f"t{number}")
            assert status.state is TaskState.ERROR
            assert "No space left on device" in status.message
        watch._epoll = epoll
        assert len(open_descriptors()) < len(before) + 8
        assert world.processes_left() == set()
        world.launch("/bin/true", "after")
        assert (await world.end_of("after")).state is TaskState.FINISHED

    play(tmp_path, scenario)
