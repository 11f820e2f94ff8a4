"""Daemon scripts, with real processes: the task stays, and its script runs at each fire."""

import re
import sys
from pathlib import Path

import pytest

from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.scripts.daemon_world import EVERY_SECOND, World, play
from tests.waiting import run_in_selector_loop

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]


def test_daemon_script_begins_and_completes_at_each_fire_and_is_idle_between(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("echo $ELASTICJOB_TASK_ID; true")
        await world.until(lambda: len(world.executions) == 2)
        messages = [(status.state, status.message) for status in world.statuses[:5]]
        assert {state for state, _ in messages} == {TaskState.RUNNING}
        assert [message for _, message in messages] == ["COMPLETE", "BEGIN", "COMPLETE", "BEGIN", "COMPLETE"]
        assert world.statuses[0].execution is None
        for status in world.executions:
            assert status.execution is not None
            assert status.execution.success
        world.kill()
        end = await world.ended()
        assert (end.state, end.message, end.execution) == (TaskState.KILLED, "enough", None)
        assert world.agent.read_log("t", "stdout", 0, 1000).content == b"t\nt\n"

    play(tmp_path, scenario)


def test_execution_after_one_that_removed_the_app_has_it_again(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("test -e app.sh || exit 3; rm app.sh; true")
        await world.until(lambda: len(world.executions) == 3)
        assert [status.execution.success for status in world.executions if status.execution] == [True] * 3
        world.kill()
        await world.ended()

    play(tmp_path, scenario)


def test_failing_execution_is_told_whatever_the_sampling_and_the_task_stays(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        # The second execution fails; of those that succeed, only each thousandth would be told.
        world.launch(f"cd {tmp_path}; test -e ran && exit 3; touch ran; true", sampling=1000)
        await world.until(lambda: bool(world.executions))
        (failed,) = world.executions
        assert failed.state is TaskState.RUNNING
        assert failed.execution is not None
        assert not failed.execution.success
        assert "exit code 3" in failed.execution.failure_cause
        assert [status.message for status in world.statuses] == ["COMPLETE", "COMPLETE"]
        assert world.end is None

    play(tmp_path, scenario)


def test_fires_during_an_execution_are_skipped_and_a_kill_ends_it(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch(f"echo x >> {tmp_path}/runs; sleep 300; true")
        await world.until(lambda: any(status.message == "BEGIN" for status in world.statuses))
        # The fires that come meanwhile do not touch it; the first one is told at once, without waiting for its end.
        await world.until(lambda: bool(world.skipped))
        assert "SKIPPED the fire of " in world.skipped[0].message
        assert "was still running" in world.skipped[0].message
        assert (tmp_path / "runs").read_text() == "x\n"
        world.kill()
        end = await world.ended()
        assert (end.state, end.message) == (TaskState.KILLED, "enough")
        assert end.execution is not None
        assert not end.execution.success

    play(tmp_path, scenario)


def test_hung_execution_ends_by_its_time_limit_with_what_it_skipped_and_the_task_stays(
    tmp_path: Path,
) -> None:
    async def scenario(world: World) -> None:
        hangs = f"cd {tmp_path}; test -e hung && exit 0; touch hung; trap 'echo tidy; exit 1' TERM; sleep 300 & wait; true"
        world.launch(hangs, timeout_seconds=3)
        await world.until(lambda: len(world.executions) >= 2)
        hung, after = (status.execution for status in world.executions[:2])
        assert hung is not None
        assert after is not None
        assert "ran longer than timeoutSeconds (3 s)" in hung.failure_cause
        assert after.success
        assert world.end is None
        of_it = world.skipped[0].message.split(": ")[1]
        first, all_of_it = (it.message for it in world.skipped if it.message.endswith(of_it))
        assert first.startswith("SKIPPED the fire of ")
        assert re.match(r"SKIPPED \d+ fires, from .* to .*: the execution of the fire of ", all_of_it)
        assert b"tidy" in world.agent.read_log("t", "stdout", 0, 1000).content

    play(tmp_path, scenario)


def test_execution_over_its_memory_fails_and_the_task_stays(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("python -c \"x = b'x' * 150_000_000; import time; time.sleep(60)\"; true", memory_mb=64)
        await world.until(lambda: bool(world.executions))
        execution = world.executions[0].execution
        assert execution is not None
        assert "of 64 MB" in execution.failure_cause
        assert world.end is None

    play(tmp_path, scenario)


@pytest.mark.parametrize("cron,zone,says", [("nonsense", "", "cron"), (EVERY_SECOND, "No/Where", "No/Where")])
def test_cron_that_cannot_be_read_is_an_error_that_says_so(
    tmp_path: Path, cron: str, zone: str, says: str
) -> None:
    async def scenario(world: World) -> None:
        world.launch("true", cron=cron, time_zone=zone)
        end = await world.ended()
        assert end.state is TaskState.ERROR
        assert says in end.message

    play(tmp_path, scenario)


def test_daemon_without_cron_is_one_long_process(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("sleep 0.1; exit 4", cron="")
        end = await world.ended()
        assert end.state is TaskState.FAILED
        assert world.statuses[0].message == ""

    play(tmp_path, scenario)


def test_closed_agent_loses_its_idle_daemons(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("true", cron="0 0 0 1 1 ?")
        await world.until(lambda: bool(world.statuses))
        await world.agent.close("it was told to.")
        assert (await world.ended()).state is TaskState.LOST

    async def run() -> None:
        world = World(tmp_path)
        await world.agent.start()
        await scenario(world)

    run_in_selector_loop(run())
