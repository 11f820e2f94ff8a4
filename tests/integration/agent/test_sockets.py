"""An agent's sockets come back, wherever and however often somebody tidies up."""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.agent.machine import kept_socket
from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.engine.local import LocalEngine
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.messages import Kill
from elasticjob_cloud.model.task import TaskState
from tests.contract.conftest import Scheduler, empty_app
from tests.integration.agent.server_world import World
from tests.waiting import run_in_selector_loop, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]
_SETTINGS = AgentSettings(kill_grace_seconds=0.3)


def serve(directory: Path, scenario: Callable[[World], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        world = World(directory, _SETTINGS)
        try:
            await until(world.place.socket.exists, "its socket is there")
            await scenario(world)
        finally:
            await world.stop()

    run_in_selector_loop(run())


def executor_sockets(place: AgentDirectory) -> list[Path]:
    return list(place.socket_directory.glob("x-*.sock"))


def can_connect(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as peer:
        try:
            peer.connect(str(path))
        except OSError:
            return False
        return True


@pytest.mark.parametrize("whole", [False, True], ids=["files", "directory"])
def test_swept_sockets_are_bound_again_though_nobody_is_connected(tmp_path: Path, whole: bool) -> None:
    """An agent whose socket was gone had ended its scripts at the next restart of the scheduler."""

    async def scenario(world: World) -> None:
        place = world.place
        (executors,) = executor_sockets(place)
        for _ in range(2):
            if whole:
                shutil.rmtree(place.socket_directory)
            else:
                place.socket.unlink()
                executors.unlink()
            await until(
                lambda: can_connect(place.socket) and can_connect(executors), "both sockets are there again"
            )
            assert place.socket.stat().st_mode & 0o777 == 0o600
            assert place.socket_directory.stat().st_mode & 0o777 == 0o700
        assert not world.running.done()

    serve(tmp_path, scenario)


def test_socket_of_executors_alone_comes_back(tmp_path: Path) -> None:
    """Without it every new executor had failed for as long as the agent lived."""

    async def scenario(world: World) -> None:
        (executors,) = executor_sockets(world.place)
        executors.unlink()
        await until(lambda: can_connect(executors), "the socket of executors is there again")

    serve(tmp_path, scenario)


def test_sockets_are_kept_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_socket, "TOUCH_SECONDS", 0.0)

    async def scenario(world: World) -> None:
        paths = [world.place.socket, world.place.socket_directory, *executor_sockets(world.place)]
        paths += [world.place.path / name for name in ("agent.json", "lives.json")]
        for path in paths:
            os.utime(path, (1000.0, 1000.0))
        await until(lambda: all(path.stat().st_mtime > 1000.0 for path in paths), "all were touched")

    serve(tmp_path, scenario)


def test_file_that_names_the_agent_is_written_again(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await until(lambda: world.place.read_process() is not None, "the file names the agent")
        (world.place.path / "agent.json").unlink()
        await until(lambda: world.place.read_process() is not None, "the file names the agent again")

    serve(tmp_path, scenario)


def test_agent_goes_elsewhere_when_a_logout_removes_its_runtime_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_directory: Path
) -> None:
    runtime = short_directory / "runtime"
    runtime.mkdir()
    (short_directory / "tmp").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("TMPDIR", str(short_directory / "tmp"))

    async def scenario(world: World) -> None:
        assert world.place.socket_directory.parent == runtime
        shutil.rmtree(runtime)
        await until(
            lambda: world.place.socket_directory.parent == short_directory / "tmp",
            "it has gone to the temporary directory",
        )
        await until(lambda: can_connect(world.place.socket), "its socket is there too")
        found = AgentDirectory(world.place.path)
        monkeypatch.setenv("TMPDIR", "/var/tmp")  # whoever looks for it goes by what it has written down
        await until(lambda: find(found) == world.place.socket_directory, "others find it there")
        assert len(executor_sockets(world.place)) == 1

    serve(tmp_path / ("d" * 100), scenario)


def find(place: AgentDirectory) -> Path:
    place.find_sockets()
    return place.socket_directory


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """Give a directory whose path leaves room for sockets, which pytest's own may not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        yield Path(directory)


def test_scheduler_with_another_temporary_directory_finds_its_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_directory: Path
) -> None:
    """It had found the directory locked and no socket, and had killed the agent with all that it ran."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(short_directory))
    directory = tmp_path / ("d" * 100) / "agent"
    url = empty_app(tmp_path)

    async def scenario() -> None:
        first = Scheduler(LocalEngine(directory, _SETTINGS))
        await first.start()
        first.launch("sleep 300; true", "t", url=url)
        await first.until(lambda: TaskState.RUNNING in first.states("t"))
        await first.engine.stop()
        monkeypatch.setenv("TMPDIR", "/var/tmp")
        second = Scheduler(LocalEngine(directory, _SETTINGS))
        await second.start(2, frozenset({first.agent_id}))
        assert second.agent_id == first.agent_id
        assert second.lost == []
        second.engine.send(second.agent_id, [Kill(("t",), "enough")])
        assert (await second.ended("t")).state is TaskState.KILLED
        await second.engine.stop()
        await until(lambda: not list(short_directory.iterdir()), "nothing of it is left")

    asyncio.run(scenario())


def test_runtime_directory_comes_first_where_it_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_directory: Path
) -> None:
    deep = tmp_path / ("d" * 100)
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_directory))
    assert AgentDirectory(deep).socket_directory.parent == short_directory
    for useless in (str(short_directory / "none"), str(deep), "relative", ""):
        monkeypatch.setenv("XDG_RUNTIME_DIR", useless)
        assert AgentDirectory(deep).socket_directory.parent == Path("/var/tmp")


def test_directory_that_a_former_agent_removes_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = AgentDirectory(tmp_path / "agent")
    look = Path.lstat
    to_remove = [place.socket_directory]

    def remove_and_look(path: Path) -> os.stat_result:
        if path in to_remove:
            to_remove.remove(path)
            path.rmdir()
        return look(path)

    monkeypatch.setattr(Path, "lstat", remove_and_look)
    place.ensure_socket_directory()
    monkeypatch.undo()
    try:
        assert not to_remove, "it was removed"
        assert place.socket_directory.is_dir()
    finally:
        place.remove_socket_directory()


def test_directory_that_cannot_be_made_is_told_with_a_remedy(tmp_path: Path) -> None:
    place = AgentDirectory(tmp_path / "agent")
    place.socket_directory.parent.mkdir(parents=True, exist_ok=True)
    place.socket_directory.write_text("a file")
    try:
        with pytest.raises(StartError, match=r"cannot be made: File exists\. Set TMPDIR"):
            place.ensure_socket_directory()
    finally:
        place.socket_directory.unlink()
