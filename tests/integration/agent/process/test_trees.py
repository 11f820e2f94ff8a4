"""Process trees by themselves: what the numbers of processes do to them."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from elasticjob_cloud.agent.process import memory as memory_module
from elasticjob_cloud.agent.process.memory import MemoryWatch
from elasticjob_cloud.agent.process.table import ProcessRow, read_family, read_process
from elasticjob_cloud.agent.process.trees import ProcessTrees

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux")


@pytest.fixture
def pid() -> Iterator[int]:
    """Give a process that leads a group of its own."""
    started = os.posix_spawn("/bin/sleep", ["sleep", "300"], {}, setpgroup=0)
    yield started
    os.kill(started, signal.SIGKILL)
    os.waitpid(started, 0)


def test_number_that_comes_back_before_its_former_tree_is_gone_costs_neither_tree_its_end(pid: int) -> None:
    gone: list[str] = []

    async def scenario() -> None:
        trees = ProcessTrees(asyncio.get_running_loop())
        former = trees.add(pid, "former", lambda: gone.append("former"))
        trees.main_exited(former)
        later = trees.add(pid, "later", lambda: gone.append("later"))
        await asyncio.sleep(0)
        assert gone == ["former"]
        assert len(trees) == 1
        row = read_process(pid)
        assert row is not None
        assert not row.zombie
        trees.drop(later)
        assert len(trees) == 0
        trees.close()

    asyncio.run(scenario())


def test_look_at_memory_that_fails_is_not_the_last_one(pid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[None] = []

    def read_family_but_not_at_first() -> dict[int, ProcessRow]:
        looks.append(None)
        if len(looks) == 1:
            raise RuntimeError("can't start new thread")
        return read_family()

    monkeypatch.setattr(memory_module, "read_family", read_family_but_not_at_first)

    async def scenario() -> None:
        trees = ProcessTrees(asyncio.get_running_loop())
        uses: asyncio.Queue[int] = asyncio.Queue()
        tree = trees.add(pid, "hog", lambda: None)
        tree.memory_limit = lambda: 1
        tree.on_memory_exceeded = lambda used, _: uses.put_nowait(used)
        watching = asyncio.create_task(MemoryWatch(trees, 0.01, is_subreaper=True).run())
        async with asyncio.timeout(5):
            assert await uses.get() > 1
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        trees.drop(tree)
        trees.close()

    asyncio.run(scenario())
