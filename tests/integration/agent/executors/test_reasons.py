"""Why a task of an executor failed: in one line whatever ended it, and in detail with what was printed last."""

from pathlib import Path

import pytest

from elasticjob_cloud.model.messages import ExecutorStopped, Kill
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.executors.executor_world import World, play

pytestmark = pytest.mark.slow


def test_summary_is_found_in_the_cause_of_an_executor_that_sends_none(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "fail", "t")
        status = await world.end_of("t")
        assert status.state is TaskState.FINISHED
        assert status.summary == "Error: no seats left"
        assert status.execution is not None
        assert status.execution.failure_cause.endswith("at run (main.js:3:1)")
        assert (status.execution.exit_code, status.execution.signal) == (None, 0)

    play(tmp_path, scenario)


def test_exception_in_a_job_of_the_sdk_is_told_in_one_line_though_its_task_finishes(tmp_path: Path) -> None:
    (tmp_path / "seats.py").write_text(
        "class NoSeatsError(Exception): ...\n"
        "def book(context):\n    raise NoSeatsError('none left\\nin \\033[1mrow\\033[0m 7' + ' x' * 10_000 + ' end')\n"
    )

    async def scenario(world: World) -> None:
        world.url = (tmp_path / "seats.py").as_uri()
        world.launch_sdk("seats:book", "t")
        status = await world.end_of("t")
        assert status.state is TaskState.FINISHED
        assert status.summary.startswith("seats.NoSeatsError: none left in row 7 x x")
        assert status.summary.endswith(" x x end")
        assert len(status.summary) <= 500
        assert status.execution is not None
        detail = status.execution.failure_cause
        assert detail.startswith("Traceback")
        assert " characters left out ..." in detail
        assert len(detail) <= 16_000

    play(tmp_path, scenario)


def test_crash_names_the_signal_and_shows_what_executor_and_task_printed_last(tmp_path: Path) -> None:
    says = "The executor ended with signal SIGSEGV. Its last line: Fatal error: the driver is broken"

    async def scenario(world: World) -> None:
        world.launch("good", "die", "t", "u")
        for task_id in ("t", "u"):
            status = await world.end_of(task_id)
            assert status.state is TaskState.LOST
            assert status.summary == says
            assert status.message.splitlines()[1:] == [
                "The end of its stderr:",
                "Fatal error: the driver is broken",
                "The end of the task's stderr:",
                f"{task_id} is at row 7",
            ]
        (stopped,) = [event for event in world.events if isinstance(event, ExecutorStopped)]
        assert stopped.message == says

    play(tmp_path, scenario)


def test_failed_start_has_the_last_line_of_the_bootstrap_script_in_its_summary(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("crash", "job", "t")
        status = await world.end_of("t")
        assert status.state is TaskState.ERROR
        assert status.summary == (
            "The bootstrapScript ended with exit code 1 before its executor registered. Its last line: no such module"
        )

    play(tmp_path, scenario)


def test_app_that_cannot_be_downloaded_is_named_in_one_line(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.url = (tmp_path / "nowhere.py").as_uri()
        world.launch("good", "job", "t")
        status = await world.end_of("t")
        assert status.state is TaskState.ERROR
        assert "nowhere.py" in status.summary

    play(tmp_path, scenario)


def test_time_limit_is_the_reason_with_what_the_task_printed_last(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "long", "overdue", timeout_seconds=1)
        status = await world.end_of("overdue")
        assert status.state is TaskState.FAILED
        assert status.summary == (
            "Timed out: it ran longer than timeoutSeconds (1 s). Its last line: waits for a lock"
        )

    play(tmp_path, scenario)


def test_kill_is_its_own_reason_and_quotes_nothing(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "long", "killed")
        await world.until(lambda: TaskState.RUNNING in world.states("killed"))
        world.agent.handle([Kill(("killed",), "enough")])
        status = await world.end_of("killed")
        assert (status.state, status.message, status.summary) == (TaskState.KILLED, "enough", "enough")

    play(tmp_path, scenario)
