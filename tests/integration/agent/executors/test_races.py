"""What comes at an awkward moment: kills of what is not there yet, launches into an end, thousands at once."""

import asyncio
import errno
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from elasticjob_cloud.agent.apps import AppFolder
from elasticjob_cloud.agent.apps.port import Prepared
from elasticjob_cloud.model.messages import (
    ExecutorStarted,
    ExecutorStopped,
    Kill,
    Launch,
    RemoveApp,
    StopExecutor,
)
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.executors.executor_world import World, play
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]


class EndlessDownload:
    """An app source whose downloads never end, and that knows how many are under way."""

    def __init__(self) -> None:
        self.under_way = 0
        self.asked = 0

    async def prepare(self, app_name: str, url: str, *, cache: bool) -> Prepared:
        self.asked += 1
        self.under_way += 1
        try:
            never: asyncio.Future[Prepared] = asyncio.get_running_loop().create_future()
            return await never
        finally:
            self.under_way -= 1

    def folders(self, app_name: str) -> list[AppFolder]:
        return []

    async def forget(self, app_name: str) -> None:
        pass

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("is_script", [True, False])
def test_kill_during_the_download_is_answered_at_once_and_the_last_one_ends_the_download(
    tmp_path: Path, is_script: bool
) -> None:
    apps = EndlessDownload()

    async def scenario(world: World) -> None:
        launch = world.script("true", "a", "b") if is_script else world.command("good", "job", "a", "b")
        world.agent.handle([launch])
        await until(lambda: apps.asked >= 1, "the download is asked for")
        world.agent.handle([Kill(("a",), "enough")])
        assert (await world.end_of("a")).state is TaskState.KILLED
        assert apps.under_way == 1
        world.agent.handle([Kill(("b",), "enough")])
        assert (await world.end_of("b")).state is TaskState.KILLED
        await asyncio.sleep(0)
        assert apps.under_way == 0
        # Whoever comes now is served anew.
        again = world.script("true", "c") if is_script else world.command("good", "job", "c")
        world.agent.handle([again])
        await until(lambda: apps.asked >= 2, "the download is asked for")
        world.agent.handle([Kill(("c",), "enough")])
        await world.end_of("c")

    play(tmp_path, scenario, apps=apps)


def test_ten_thousand_shards_are_taken_and_killed_by_one_message_each(tmp_path: Path) -> None:
    apps = EndlessDownload()
    task_ids = tuple(f"t{number}" for number in range(10_000))

    async def scenario(world: World) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        launch = world.script("true", *task_ids)
        world.agent.handle([launch, launch])
        await until(lambda: apps.asked >= 1, "the download is asked for")
        assert len(world.agent.inventory().tasks) == 10_000
        world.agent.handle([Kill(task_ids, "enough")])
        await world.until(lambda: len(world.events) == 10_000)
        assert {world.states(task_id)[0] for task_id in task_ids[::997]} == {TaskState.KILLED}
        assert world.agent.inventory().tasks == ()
        assert loop.time() - began < 20

    play(tmp_path, scenario, apps=apps)


def test_small_run_is_not_held_up_by_a_large_one(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        large = tuple(f"large-{number}" for number in range(300))
        world.agent.handle([world.script("sleep 0.01; true", *large), world.script("true", "small")])
        await world.end_of("small")
        ended = sum(world.states(task_id)[-1:] == [TaskState.FINISHED] for task_id in large)
        assert ended < 200
        world.agent.handle([Kill(large, "enough")])
        for task_id in large:
            await world.end_of(task_id)

    play(tmp_path, scenario)


def test_changed_app_counts_for_scripts_at_once_and_for_an_executor_at_its_next_start(
    tmp_path: Path,
) -> None:
    async def scenario(world: World) -> None:
        world.agent.handle([world.script("ls; true", "old")])
        world.launch("good", "job", "by-old")
        await world.end_of("old")
        await world.end_of("by-old")
        world.url = (tmp_path / "v2.py").as_uri()
        (tmp_path / "v2.py").write_text((tmp_path / "executor.py").read_text())
        world.agent.handle([world.script("echo v*; true", "new")])
        world.launch("good", "job", "by-old-too")
        await world.end_of("new")
        await world.end_of("by-old-too")
        assert world.agent.read_log("new", "stdout", 0, 100).content == b"v2.py\n"
        assert world.count(ExecutorStarted) == 1
        assert world.agent.read_log("old", "stdout", 0, 100).content == b"executor.py\n"
        world.agent.handle([StopExecutor("app")])
        await world.until(lambda: world.count(ExecutorStopped) == 1)
        world.agent.handle([_with_bootstrap(world.command("good", "job", "by-new"), "python v2.py good")])
        assert (await world.end_of("by-new")).state is TaskState.FINISHED

    play(tmp_path, scenario)


def _with_bootstrap(launch: Launch, bootstrap: str) -> Launch:
    app = msgspec.structs.replace(launch.app, bootstrap_script=bootstrap)
    return msgspec.structs.replace(launch, app=app)


def test_task_that_comes_while_its_executor_stops_runs_in_the_next_one(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "job", "a")
        await world.end_of("a")
        world.agent.handle([StopExecutor("app"), world.command("good", "job", "b")])
        assert (await world.end_of("b")).state is TaskState.FINISHED
        assert world.count(ExecutorStarted) == 2

    play(tmp_path, scenario)


def test_app_removed_and_published_again_runs_the_new_tasks_and_ends_the_old(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("silent", "job", "staged")
        await world.until(lambda: world.count(ExecutorStarted) == 1)
        world.agent.handle([RemoveApp("app"), world.command("good", "job", "new")])
        assert (await world.end_of("new")).state is TaskState.FINISHED
        assert (await world.end_of("staged")).state is TaskState.KILLED

    play(tmp_path, scenario)


def test_late_end_of_an_old_connection_does_not_touch_the_next_executor(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "job", "a")
        await world.end_of("a")
        executor = world.agent._executors._executors["app"]
        assert executor._process is not None
        old = executor._process._connection
        assert old is not None
        world.agent.handle([StopExecutor("app")])
        await world.until(lambda: world.count(ExecutorStopped) == 1)
        world.launch("good", "job", "b")
        executor.connection_lost(old, "")
        await world.until(lambda: world.count(ExecutorStarted) == 2)
        executor.connection_lost(old, "it is late")
        assert (await world.end_of("b")).state is TaskState.FINISHED

    play(tmp_path, scenario)


def test_executor_that_dies_of_its_tasks_is_started_ever_more_seldom(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        waits = []
        for number in range(3):
            began = time.monotonic()
            world.launch("good", "die", f"t{number}")
            await world.until(lambda count=number: world.count(ExecutorStarted) == count + 1)  # type: ignore[misc]
            waits.append(time.monotonic() - began)
            assert (await world.end_of(f"t{number}")).state is TaskState.LOST
        assert waits[1] >= 0.2
        assert waits[2] >= 0.4

    play(tmp_path, scenario, restart_seconds=0.2)


def test_executor_that_cannot_be_watched_fails_its_tasks_and_the_next_one_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    async def scenario(world: World) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("os.pidfd_open", refuse)
            world.launch("good", "job", "a")
            status = await world.end_of("a")
        assert status.state is TaskState.ERROR
        assert "Too many open files" in status.message
        world.launch("good", "job", "b")
        assert (await world.end_of("b")).state is TaskState.FINISHED

    play(tmp_path, scenario)


def test_kill_is_carried_out_though_no_file_can_be_opened(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.agent.handle([world.script("sleep 300; true", "t")])
        await world.until(lambda: TaskState.RUNNING in world.states("t"))
        with _no_descriptor_left():
            world.agent.handle([Kill(("t",), "enough")])
            # Far below what passes until the agent gives a process up.
            async with asyncio.timeout(8):
                assert (await world.end_of("t")).state is TaskState.KILLED

    play(tmp_path, scenario)


@contextmanager
def _no_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
