"""The agent as a process of its own: alone, left, stopped and hung."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory, AgentProcess
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.engine.local import LocalEngine
from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.messages import AgentLost, Kill
from elasticjob_cloud.model.task import TaskState
from tests.contract.conftest import Scheduler, empty_app, waiting_for
from tests.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Iterator[AgentDirectory]:
    made = AgentDirectory(tmp_path / "agent")
    yield made
    present = made.read_process()
    if present is not None and present.runs():
        os.kill(present.pid, signal.SIGKILL)
    # The killed have no time to, and those that end by themselves do the same.
    made.remove_socket_directory()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return empty_app(tmp_path)


def engine_over(
    place: AgentDirectory, orphan_seconds: float = 600.0, unresponsive_seconds: float = 10.0
) -> LocalEngine:
    settings = AgentSettings(kill_grace_seconds=0.3, orphan_seconds=orphan_seconds)
    return LocalEngine(place.path, settings, unresponsive_seconds=unresponsive_seconds)


def present_process(place: AgentDirectory) -> AgentProcess:
    present = place.read_process()
    assert present is not None
    return present


def test_left_agent_finishes_what_runs_then_ends_and_its_successor_tells(
    place: AgentDirectory, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        first = Scheduler(engine_over(place), acknowledges=False)
        await first.start()
        first.launch(waiting_for(tmp_path / "go"), "t", url=url)
        await first.until(lambda: TaskState.RUNNING in first.states("t"))
        former = present_process(place)
        await first.engine.stop()
        assert former.runs()
        (tmp_path / "go").touch()
        await until(lambda: not former.runs(), "the former agent ends")
        second = Scheduler(engine_over(place))
        await second.start(2, frozenset({former.agent_id}))
        assert second.states("t")[0] is TaskState.FINISHED
        assert second.lost == [former.agent_id]
        await second.engine.stop()

    asyncio.run(scenario())


def test_orphaned_agent_ends_its_tasks_and_itself(place: AgentDirectory, url: str) -> None:
    async def scenario() -> None:
        first = Scheduler(engine_over(place, orphan_seconds=0.5))
        await first.start()
        first.launch("sleep 300; true", "t", url=url)
        await first.until(lambda: TaskState.RUNNING in first.states("t"))
        former = present_process(place)
        await first.engine.stop()
        await until(lambda: not former.runs(), "the former agent ends")
        second = Scheduler(engine_over(place))
        await second.start(2, frozenset({former.agent_id}))
        status = await second.ended("t")
        assert status.state is TaskState.LOST
        assert "no scheduler came" in status.message
        await second.engine.stop()

    asyncio.run(scenario())


def lost_reason(scheduler: Scheduler) -> str:
    """Give why the one agent was lost."""
    (reason,) = [event.reason for event in scheduler.events if isinstance(event, AgentLost)]
    return reason


def test_agent_that_does_not_answer_is_replaced(place: AgentDirectory) -> None:
    async def scenario() -> None:
        scheduler = Scheduler(engine_over(place, unresponsive_seconds=1.5))
        await scheduler.start()
        former = present_process(place)
        os.kill(former.pid, signal.SIGSTOP)
        await scheduler.until(lambda: scheduler.lost == [former.agent_id])
        assert not former.runs()
        assert scheduler.agent_id != former.agent_id
        assert lost_reason(scheduler).startswith(
            f"Agent {former.agent_id} ended because it did not answer and was killed; "
        )
        await scheduler.engine.stop()

    asyncio.run(scenario())


def test_second_agent_over_the_same_directory_gives_up(place: AgentDirectory) -> None:
    lock = place.lock()
    assert lock is not None
    assert place.lock() is None
    os.close(lock)


def test_deep_directory_has_its_sockets_elsewhere(tmp_path: Path) -> None:
    place = AgentDirectory(tmp_path / ("d" * 100) / "agent")
    assert len(os.fsencode(place.socket)) < 100
    place.ensure_socket_directory()
    assert place.socket_directory.stat().st_mode & 0o777 == 0o700
    place.remove_socket_directory()
    assert not place.socket_directory.exists()


def test_sockets_of_a_deep_directory_go_by_the_system_and_by_what_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    assert AgentDirectory(deep).socket_directory.parent == Path("/var/tmp")
    for useless in (str(deep), "relative", ""):
        monkeypatch.setenv("TMPDIR", useless)
        assert AgentDirectory(deep).socket_directory.parent == Path("/tmp")


def test_agent_that_ends_leaves_no_sockets_nor_their_directory(tmp_path: Path) -> None:
    place = AgentDirectory(tmp_path / ("d" * 100) / "agent")

    async def scenario() -> None:
        scheduler = Scheduler(engine_over(place))
        await scheduler.start()
        agent = present_process(place)
        assert place.socket.exists()
        await scheduler.engine.stop()
        await until(lambda: not agent.runs(), "the agent ends")
        assert not place.socket_directory.exists()
        again = Scheduler(engine_over(place))
        await again.start(2, frozenset({agent.agent_id}))
        successor = present_process(place)
        await again.engine.stop()
        await until(lambda: not successor.runs(), "the successor ends")
        assert not place.socket_directory.exists()

    asyncio.run(scenario())


def test_scheduler_on_uvloop_runs_tasks_and_finds_its_agent_again(place: AgentDirectory, url: str) -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not made for Windows: run it on Linux")

    async def scenario() -> None:
        first = Scheduler(engine_over(place))
        await first.start()
        first.launch("sleep 300; true", "t", url=url)
        await first.until(lambda: TaskState.RUNNING in first.states("t"))
        await first.engine.stop()
        second = Scheduler(engine_over(place))
        await second.start(2, frozenset({first.agent_id}))
        assert second.lost == []
        second.engine.send(second.agent_id, [Kill(("t",), "enough")])
        assert (await second.ended("t")).state is TaskState.KILLED
        await second.engine.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())


def test_agent_that_was_let_go_and_ended_leaves_no_zombie(place: AgentDirectory) -> None:
    async def scenario() -> None:
        scheduler = Scheduler(engine_over(place))
        await scheduler.start()
        former = present_process(place)
        await scheduler.engine.stop()
        # Its entry goes with its reaping; a zombie would keep it.
        await until(lambda: not Path(f"/proc/{former.pid}").exists(), "the former agent ends")

    asyncio.run(scenario())


def test_sockets_of_a_killed_agent_are_removed_by_the_next(place: AgentDirectory) -> None:
    async def scenario() -> None:
        scheduler = Scheduler(engine_over(place))
        await scheduler.start()
        former = present_process(place)
        before = set(place.socket_directory.glob("x-*.sock"))
        os.kill(former.pid, signal.SIGKILL)
        await scheduler.until(lambda: scheduler.lost == [former.agent_id])
        after = set(place.socket_directory.glob("x-*.sock"))
        assert len(before) == len(after) == 1
        assert before != after
        assert lost_reason(scheduler).startswith(
            f"Agent {former.agent_id} ended with signal SIGKILL (not sent by"
        )
        await scheduler.engine.stop()

    asyncio.run(scenario())


def test_output_can_be_read_without_a_connection_to_the_agent(
    place: AgentDirectory, url: str, tmp_path: Path
) -> None:
    """A scheduler that does not lead has let go of the agent; the disk has the output all the same."""

    async def scenario() -> None:
        scheduler = Scheduler(engine_over(place))
        await scheduler.start()
        scheduler.launch(f"echo hello; {waiting_for(tmp_path / 'go')}", "t", url=url)
        output = place.path / "output" / "t.stdout"
        await until(lambda: output.exists() and output.stat().st_size > 0, "it has written something")
        agent = present_process(place)
        await scheduler.engine.stop()
        chunk = await scheduler.read("t", "stdout", 0, 100)
        assert (chunk.content, chunk.ended) == (b"hello\n", False)
        silent = await scheduler.read("t", "stderr", 0, 100)
        assert (silent.content, silent.ended) == (b"", False)
        (tmp_path / "go").touch()
        await until(lambda: not agent.runs(), "the agent ends")
        chunk = await scheduler.read("t", "stdout", 3, 100)
        assert (chunk.content, chunk.ended) == (b"lo\n", True)
        with pytest.raises(NotFoundError):
            await scheduler.read("unknown", "stdout", 0, 100)

    asyncio.run(scenario())
