"""A fault in the agent's own code is a failed task that says so: no task hangs, and the next one runs."""

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import NoReturn

import pytest

from elasticjob_cloud.agent.apps import AppCache
from elasticjob_cloud.agent.executors.executor import AppExecutor
from elasticjob_cloud.agent.executors.lines import ExecutorConnection
from elasticjob_cloud.agent.executors.process import ExecutorProcess
from elasticjob_cloud.agent.process.program import Program
from elasticjob_cloud.agent.process.pump import OutputPump
from elasticjob_cloud.agent.reporting.ledger import Ledger
from elasticjob_cloud.agent.scripts import script_tasks as scripts
from elasticjob_cloud.agent.scripts.preparations import Preparations
from elasticjob_cloud.agent.scripts.repeated_scripts import RepeatedScripts
from elasticjob_cloud.agent.scripts.script_task import Lease
from elasticjob_cloud.agent.scripts.script_tasks import ScriptTasks
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.messages import ExecutorStopped
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.executors import executor_world as executors
from tests.integration.agent.scripts.daemon_world import World as DaemonWorld
from tests.integration.agent.scripts.daemon_world import play as play_daemon
from tests.integration.agent.scripts.script_world import World, play
from tests.waiting import run_in_selector_loop, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]


def fail(*_arguments: object, **_named: object) -> NoReturn:
    raise TypeError("unsupported operand")


async def check_failed_by_us(world: World, task_id: str = "t") -> None:
    status = await world.end_of(task_id)
    assert status.state is TaskState.FAILED
    assert status.message.startswith("The agent itself failed, not the job (TypeError: unsupported operand)")


@pytest.mark.parametrize(
    "owner, name",
    [
        (Program, "describe_exit"),
        (scripts, "execution_of"),
        (scripts, "with_notes"),
        (Lease, "release"),
        (ScriptTasks, "_begin"),
        (Preparations, "leave"),
        (ScriptTasks, "_could_not_start"),
    ],
)
def test_task_ends_whatever_fails_around_its_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    async def scenario(world: World) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fail)
            if name == "_could_not_start":
                patch.setattr(Program, "start", fail)
            world.launch("exit 1", "t")
            await check_failed_by_us(world)
        world.launch("exit 0", "next")
        assert (await world.end_of("next")).state is TaskState.FINISHED

    play(tmp_path, scenario)


def test_script_whose_start_fails_after_it_has_begun_is_ended_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(world: World) -> None:
        report = Ledger.report

        def report_no_start(ledger: Ledger, status: object) -> bool:
            if status.state is TaskState.RUNNING:  # type: ignore[attr-defined] # a TaskStatus
                fail()
            return report(ledger, status)  # type: ignore[arg-type] # as above

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "report", report_no_start)
            world.launch("sleep 1000", "t")
            await check_failed_by_us(world)
        assert world.processes_left() == set()

    play(tmp_path, scenario)


def test_daemon_script_whose_next_fire_cannot_be_reckoned_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had stayed for ever without ever running again."""

    async def run() -> None:
        world = DaemonWorld(tmp_path)
        await world.agent.start()
        world.launch("exit 0")
        await world.until(lambda: bool(world.executions))
        monkeypatch.setattr(RepeatedScripts, "_wait", fail)
        ended = await world.ended()
        assert ended.state is TaskState.FAILED
        assert "The agent itself failed" in ended.message
        await world.agent.close("the test is over")

    run_in_selector_loop(run())


def test_daemon_script_whose_app_cannot_be_renewed_for_once_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had stayed for ever without ever running again."""

    async def scenario(world: DaemonWorld) -> None:
        world.launch("rm app.sh")
        await world.until(lambda: bool(world.executions))
        with monkeypatch.context() as patch:
            patch.setattr(AppCache, "prepare", fail)
            await world.until(lambda: len(world.executions) == 2)
        failed = world.executions[1].execution
        assert failed is not None
        assert failed.failure_cause == "The app could not be prepared: unsupported operand"
        await world.until(lambda: len(world.executions) == 3)
        assert world.end is None

    play_daemon(tmp_path, scenario)


def play_executors(
    directory: Path, scenario: Callable[[executors.World], Coroutine[None, None, None]]
) -> None:
    async def run() -> None:
        settings = AgentSettings(kill_grace_seconds=0.3, executor_restart_seconds=0.01)
        world = executors.World(directory, settings, AppCache(directory / "apps", settings.app_limits))
        await world.agent.start()
        try:
            await scenario(world)
        finally:
            await world.agent.close("the test is over")

    run_in_selector_loop(run())


@pytest.mark.parametrize("owner, name", [(Program, "describe_exit"), (ExecutorProcess, "_end_life")])
def test_tasks_of_an_executor_end_though_its_end_cannot_be_handled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    async def scenario(world: executors.World) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fail)
            world.launch("serve", "die", "a", "b")
            await world.until(lambda: TaskState.FAILED in world.states("b"))
            assert world.states("a")[-1] is TaskState.FAILED
        world.launch("serve", "quick", "c")
        await world.until(lambda: TaskState.FINISHED in world.states("c"))

    play_executors(tmp_path, scenario)


def test_tasks_end_that_cannot_be_sent_to_their_executor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(world: executors.World) -> None:
        send = ExecutorConnection.send

        def send_no_tasks(connection: ExecutorConnection, lines: list[dict[str, object]]) -> None:
            if any(line["type"] == "run" for line in lines):
                fail()
            send(connection, lines)  # type: ignore[arg-type] # lines of the protocol

        with monkeypatch.context() as patch:
            patch.setattr(ExecutorConnection, "send", send_no_tasks)
            world.launch("serve", "quick", "a")
            await world.until(lambda: TaskState.FAILED in world.states("a"))
        world.launch("serve", "quick", "b")
        await world.until(lambda: TaskState.FINISHED in world.states("b"))

    play_executors(tmp_path, scenario)


def test_idle_executors_are_stopped_though_one_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        settings = AgentSettings(kill_grace_seconds=0.3, executor_idle_seconds=0.05)
        world = executors.World(tmp_path, settings, AppCache(tmp_path / "apps", settings.app_limits))
        with monkeypatch.context() as patch:
            looks: list[float] = []

            def look(_: AppExecutor, idle_seconds: float) -> None:
                looks.append(idle_seconds)
                fail()

            patch.setattr(AppExecutor, "stop_if_idle", look)
            await world.agent.start()
            world.launch("serve", "quick", "a")
            await world.until(lambda: TaskState.FINISHED in world.states("a"))
            await until(lambda: len(looks) >= 3, "idle executors are looked at again")
        await world.until(lambda: world.count(ExecutorStopped) == 1)
        await world.agent.close("the test is over")

    run_in_selector_loop(run())


@pytest.mark.parametrize("name", ["read_much", "read_rest"])
def test_script_ends_though_the_end_of_its_output_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async def scenario(world: World) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(OutputPump, name, fail)
            world.launch("exit 0", "t")
            assert (await world.end_of("t")).state is TaskState.FINISHED
        world.launch("exit 0", "next")
        assert (await world.end_of("next")).state is TaskState.FINISHED

    play(tmp_path, scenario)
