"""Why a script failed: its exit and its last words in one line, however long its output was and however it ended."""

import signal
import sys
from pathlib import Path

import pytest

from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.messages import Execution, Kill
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.scripts.daemon_world import World as DaemonWorld
from tests.integration.agent.scripts.daemon_world import play as play_daemon
from tests.integration.agent.scripts.script_world import World, play

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]
_SMALL = AgentSettings(kill_grace_seconds=0.3, memory_check_seconds=0.05, output_limit_bytes=10_000)


async def failed(world: World) -> Execution:
    status = await world.end_of()
    assert status.state is TaskState.FAILED
    assert status.execution is not None
    assert status.summary == status.execution.summary
    return status.execution


@pytest.mark.parametrize(
    "command,summary,exit_code,number",
    [
        ("echo begins; echo 'FATAL: quota exceeded' >&2; exit 3", "exit code 3: FATAL: quota exceeded", 3, 0),
        ("echo a warning >&2; echo >&2; echo ' ' >&2; echo b; exit 1", "exit code 1: a warning", 1, 0),
        ("echo 'no such table'; exit 1", "exit code 1: no such table", 1, 0),
        ("exit 4;", "exit code 4", 4, 0),
        ("printf 'no line end' >&2; kill -SEGV $$; true", "signal SIGSEGV: no line end", None, signal.SIGSEGV),
        ("sh -c 'kill -9 $$'; exit $?;", "exit code 137 (as after SIGKILL): Killed", 137, 0),
        (r"printf '\033[1;31mred\033[0m and \a\bplain\033[0m\n\033[0m\n' >&2; exit 1", "exit code 1: red and plain", 1, 0),
        (r"printf '10%%\r50%%\r99%%, then disk full\r\n' >&2; exit 1", "exit code 1: 99%, then disk full", 1, 0),
        ("echo 'login failed: password=hunter2x' >&2; exit 1", "exit code 1: login failed: password=***", 1, 0),
        ("sleep 300 & echo 'the reason' >&2; sleep 0.2; exit 1", "exit code 1: the reason", 1, 0),
    ],
)  # fmt: skip
def test_summary_has_the_exit_and_the_last_line(
    tmp_path: Path, command: str, summary: str, exit_code: int | None, number: int
) -> None:
    async def scenario(world: World) -> None:
        world.launch(command)
        execution = await failed(world)
        assert execution.summary == summary
        assert (execution.exit_code, execution.signal) == (exit_code, number)
        assert "hunter2x" not in execution.failure_cause

    play(tmp_path, scenario)


def test_last_line_survives_output_beyond_all_limits_and_the_detail_marks_the_cut(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("seq 100000; seq 100000 >&2; echo 'FATAL: quota exceeded' >&2; exit 3")
        execution = await failed(world)
        assert execution.summary == "exit code 3: FATAL: quota exceeded"
        detail = execution.failure_cause
        assert detail.startswith("The script ended with exit code 3.\nThe end of its stdout:\n... ")
        assert "\nThe end of its stderr:\n... " in detail
        assert detail.endswith("\n99999\n100000\nFATAL: quota exceeded")
        assert len(detail) <= 16_000

    play(tmp_path, scenario, _SMALL)


def test_last_line_of_any_length_keeps_the_exit_and_its_own_end(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("head -c 100000 /dev/zero | tr '\\0' x >&2; echo ' the reason' >&2; exit 3")
        summary = (await failed(world)).summary
        assert summary.startswith("exit code 3: ... xxx")
        assert summary.endswith("xxx the reason")
        assert 400 < len(summary) <= 500

    play(tmp_path, scenario, _SMALL)


def test_limits_are_named_with_their_figures_and_what_was_printed_last(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        hog = "python -c \"x = b'x' * 150_000_000; print('loaded', flush=True); import time; time.sleep(60)\"; true"
        world.launch(hog, "hog", memory_mb=64)
        over = await world.end_of("hog", 60)
        used, _, limit = over.summary.removeprefix(
            "Memory limit exceeded: the script and its processes used "
        ).partition(" MB of ")
        assert int(used) > 64
        assert limit.startswith("64 MB.")
        assert over.execution is not None
        assert (over.execution.exit_code, over.execution.signal) == (None, signal.SIGKILL)
        world.launch("echo 'waits for a lock' >&2; sleep 300; true", "late", timeout_seconds=1)
        late = await world.end_of("late")
        assert late.summary == (
            "Timed out: it ran longer than timeoutSeconds (1 s). Its last line: waits for a lock"
        )

    play(tmp_path, scenario)


def test_success_has_an_exit_code_and_no_reason(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("echo 'a warning' >&2; exit 0")
        status = await world.end_of()
        assert status.summary == ""
        assert status.execution is not None
        assert (status.execution.exit_code, status.execution.failure_cause) == (0, "")

    play(tmp_path, scenario)


def test_kill_is_its_own_reason_and_quotes_nothing(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("echo busy >&2; sleep 300; true")
        await world.until(lambda: "t" in world.running)
        world.agent.handle([Kill(("t",), "Killed by admin.")])
        status = await world.end_of()
        assert status.execution is not None
        assert status.summary == status.execution.failure_cause == "Killed by admin."
        assert status.execution.signal == signal.SIGTERM

    play(tmp_path, scenario)


def test_script_that_never_ran_has_its_message_as_summary(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("./app.sh", "huge", parameter="x" * 140_000)
        huge = await world.end_of("huge")
        assert huge.summary.startswith("The script could not be started: its parameters are too long")
        world.url = (tmp_path / "nowhere.sh").as_uri()
        world.launch("/bin/true", "missing")
        missing = await world.end_of("missing")
        assert missing.execution is None
        assert "nowhere.sh" in missing.summary

    play(tmp_path, scenario)


def test_failed_execution_of_a_daemon_has_its_own_last_line_and_not_that_of_an_earlier_one(
    tmp_path: Path,
) -> None:
    async def scenario(world: DaemonWorld) -> None:
        world.launch(f"cd {tmp_path}; test -e ran && exit 5; touch ran; echo 'first fails' >&2; exit 3;")
        await world.until(lambda: len(world.executions) >= 2)
        first, second = (status for status in world.executions[:2])
        assert first.state is TaskState.RUNNING
        assert (first.summary, second.summary) == ("exit code 3: first fails", "exit code 5")
        world.kill()
        await world.ended()

    play_daemon(tmp_path, scenario)
