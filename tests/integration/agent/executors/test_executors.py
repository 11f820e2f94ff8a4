"""App executors, played by a script that knows the socket and the lines, and no SDK."""

from pathlib import Path

import pytest

from elasticjob_cloud.model.messages import (
    ExecutorStarted,
    ExecutorStopped,
    Kill,
    StopExecutor,
)
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.executors.executor_world import World, play
from tests.waiting import until

pytestmark = pytest.mark.slow


def test_tasks_wait_for_the_executor_and_run_in_one_process(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "job", "a", "b")
        world.launch("good", "job", "c")
        for task_id in ("a", "b", "c"):
            status = await world.end_of(task_id)
            assert world.states(task_id) == [TaskState.RUNNING, TaskState.FINISHED]
            assert status.by_executor
            assert status.execution is not None
        assert world.count(ExecutorStarted) == 1
        assert world.states("not-mine") == []

    play(tmp_path, scenario)


def test_executor_whose_files_are_gone_makes_room_for_one_with_a_whole_app(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "job", "a")
        await world.end_of("a")
        (sandbox,) = world.agent.sandboxes("app")
        hide(sandbox.path)
        await until(lambda: _is_folder_spent(world), "the folder is spent")
        world.launch("good", "job", "b", "c")
        for task_id in ("b", "c"):
            assert (await world.end_of(task_id)).state is TaskState.FINISHED
        assert world.count(ExecutorStarted) == 2
        (fresh,) = (it for it in world.agent.sandboxes("app") if it.path != sandbox.path)
        assert is_whole(fresh.path)

    def hide(path: str) -> None:
        Path(path, "executor.py").rename(Path(path, "executor.old"))

    def is_whole(path: str) -> bool:
        return Path(path, "executor.py").exists()

    def _is_folder_spent(world: World) -> bool:
        # The first look at an app is taken in a thread.
        process = world.agent._executors._executors["app"]._process
        return process is not None and process.is_folder_spent()

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    "mode,connect_seconds,says",
    [
        ("silent", 0.8, "did not register within 0.8 s"),
        ("crash", 15.0, "no such module"),
        ("wrong-token", 1.0, "did not register within 1 s"),
    ],
)
def test_executor_that_never_registers_fails_its_tasks_with_the_reason(
    tmp_path: Path, mode: str, connect_seconds: float, says: str
) -> None:
    async def scenario(world: World) -> None:
        world.launch(mode, "job", "t")
        status = await world.end_of("t")
        assert status.state is TaskState.ERROR
        assert says in status.message
        assert world.count(ExecutorStopped) == world.count(ExecutorStarted) == 1

    play(tmp_path, scenario, connect_seconds)


@pytest.mark.parametrize(
    "job_name,says", [("die", "signal SIGSEGV"), ("junk", "not of the executor protocol")]
)
def test_tasks_of_a_broken_executor_are_lost_and_the_next_one_serves(
    tmp_path: Path, job_name: str, says: str
) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "long", "other")
        await world.until(lambda: TaskState.RUNNING in world.states("other"))
        world.launch("good", job_name, "t")
        for task_id in ("t", "other"):
            status = await world.end_of(task_id)
            assert status.state is TaskState.LOST
            assert says in status.message
        world.launch("good", "job", "after")
        assert (await world.end_of("after")).state is TaskState.FINISHED
        assert world.count(ExecutorStarted) == 2

    play(tmp_path, scenario)


def test_killed_and_overdue_tasks_end_and_the_executor_lives_on(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "long", "killed")
        world.launch("good", "long", "overdue", timeout_seconds=1)
        await world.until(lambda: TaskState.RUNNING in world.states("killed"))
        world.agent.handle([Kill(("killed",), "enough")])
        killed, overdue = await world.end_of("killed"), await world.end_of("overdue")
        assert (killed.state, killed.message) == (TaskState.KILLED, "enough")
        assert overdue.state is TaskState.FAILED
        assert "timeoutSeconds (1 s)" in overdue.message
        assert world.count(ExecutorStopped) == 0

    play(tmp_path, scenario)


def test_executor_deaf_to_a_kill_is_ended_and_its_other_tasks_are_lost(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("deaf", "long", "killed", "other")
        await world.until(lambda: TaskState.RUNNING in world.states("other"))
        world.agent.handle([Kill(("killed",), "enough")])
        assert (await world.end_of("killed")).state is TaskState.KILLED
        assert (await world.end_of("other")).state is TaskState.LOST

    play(tmp_path, scenario)


def test_executor_without_tasks_stops_when_asked_and_starts_again_when_needed(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "job", "a")
        await world.end_of("a")
        world.agent.handle([StopExecutor("app")])
        await world.until(lambda: world.count(ExecutorStopped) == 1)
        world.launch("good", "job", "b")
        assert (await world.end_of("b")).state is TaskState.FINISHED

    play(tmp_path, scenario)
