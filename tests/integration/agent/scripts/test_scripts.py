"""Script tasks, with real processes: how they end, and that nothing of them is left."""

import errno
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from elasticjob_cloud.agent.apps.versions import stock
from elasticjob_cloud.agent.process.exits import reap_exit_code
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.messages import Kill
from elasticjob_cloud.model.queries.logs import LogPieces, LogReadBoth
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.scripts.script_world import World, play
from tests.waiting import run_in_selector_loop, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]


@pytest.mark.parametrize(
    "command,state,says",
    [
        ("/bin/true", TaskState.FINISHED, ""),
        ("exit 3; true", TaskState.FAILED, "exit code 3"),
        ("no-such-program", TaskState.FAILED, "exit code 127 (command not found)"),
        ("./no/such/file", TaskState.FAILED, "exit code 127 (command not found)"),
        ("kill -9 $$; true", TaskState.FAILED, "signal SIGKILL"),
    ],
)
def test_exit_decides_the_state_and_the_message_names_it(
    tmp_path: Path, command: str, state: TaskState, says: str
) -> None:
    async def scenario(world: World) -> None:
        world.launch(command)
        status = await world.end_of()
        assert status.state is state
        assert says in status.message
        assert status.execution is not None
        assert status.execution.success is (state is TaskState.FINISHED)

    play(tmp_path, scenario)


def test_unreachable_app_is_an_error_that_says_so(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.url = (tmp_path / "nowhere.sh").as_uri()
        world.launch("/bin/true")
        status = await world.end_of()
        assert status.state is TaskState.ERROR
        assert "nowhere.sh" in status.message

    play(tmp_path, scenario)


def test_command_that_is_below_the_archives_top_folder_is_pointed_to(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "forge", "w") as archive:
        archive.writestr("my-app-1.0/bin/start.sh", "#!/bin/sh\n")

    async def scenario(world: World) -> None:
        world.url = (tmp_path / "forge").as_uri()
        world.launch("bin/start.sh")
        status = await world.end_of()
        assert status.state is TaskState.FAILED
        assert (
            "bin/start.sh is in the app's folder my-app-1.0: begin the command with `cd my-app-1.0"
            in status.message
        )

    play(tmp_path, scenario)


def test_folder_is_listed_with_its_size_also_when_nothing_runs_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "_LONGEST_SECONDS", 0.1)

    async def scenario(world: World) -> None:
        world.launch("head -c 500000 /dev/zero > out; sleep 300; true")
        await until(lambda: sizes(world)[:1] > [500_000], "the size of its folder is told")
        (used,) = world.agent.sandboxes("app")
        assert used.task_ids
        world.agent.handle([Kill(used.task_ids, "enough")])
        await world.end_of()
        (idle,) = world.agent.sandboxes("app")
        assert (idle.path, idle.task_ids) == (used.path, ())
        assert idle.size_bytes >= used.size_bytes
        assert [(it.app_name, it.path, it.task_ids) for it in world.agent.sandboxes("")] == [
            ("", used.path, ())
        ]

    def sizes(world: World) -> list[int]:
        return [sandbox.size_bytes for sandbox in world.agent.sandboxes("app")]

    play(tmp_path, scenario)


def test_processes_that_fork_away_end_with_their_script(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        escapes = "sleep 300 & setsid sleep 300 & (setsid sh -c 'sleep 300 & sleep 300' &) ; env -i setsid sleep 300 & sleep 0.2; true"
        world.launch(escapes)
        assert (await world.end_of()).state is TaskState.FINISHED
        assert world.processes_left() == set()

    play(tmp_path, scenario)


def test_children_that_were_there_before_the_agent_are_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["/bin/sleep", "300"], start_new_session=True)
    try:

        async def scenario(world: World) -> None:
            # The latter has the agent look for what the script has left behind.
            world.launch("setsid sleep 300 & true")
            await world.until(lambda: "t" in world.ended)

        play(tmp_path, scenario)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_light_fork_bomb_ends_with_its_timeout(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch(
            "for i in 1 2 3 4 5 6 7 8; do (setsid sh -c 'sleep 300 & sleep 300 & wait' &); done; sleep 300; true",
            timeout_seconds=1,
        )
        status = await world.end_of()
        assert status.state is TaskState.FAILED
        assert "timeoutSeconds (1 s)" in status.message
        assert world.processes_left() == set()

    play(tmp_path, scenario)


def test_script_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("trap '' TERM; echo ready; while true; do sleep 0.05; done; true")
        await world.until(lambda: "t" in world.running)
        world.agent.handle([Kill(("t",), "enough")])
        status = await world.end_of()
        assert (status.state, status.message) == (TaskState.KILLED, "enough")
        assert world.processes_left() == set()

    play(tmp_path, scenario)


def test_script_over_its_memory_is_killed_and_limit_and_use_are_named(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("python -c \"x = b'x' * 150_000_000; import time; time.sleep(60)\"; true", memory_mb=64)
        status = await world.end_of()
        assert status.state is TaskState.FAILED
        assert "of 64 MB" in status.message

    play(tmp_path, scenario)


def test_memory_of_what_forked_away_counts_as_the_scripts(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        hog = "x = b'x' * 150_000_000; import time; time.sleep(60)"
        world.launch(f'(setsid python -c "{hog}" &); sleep 60; true', memory_mb=64)
        status = await world.end_of()
        assert status.state is TaskState.FAILED
        assert "of 64 MB" in status.message
        assert world.processes_left() == set()

    play(tmp_path, scenario)


def test_both_streams_of_a_script_come_in_their_order(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        # Each line is read before the next one is written: what comes at the same moment has no order that is known.
        step = "while [ $(cat $O.std* 2>/dev/null | wc -l) -lt $N ]; do sleep 0.01; done"
        words = [
            f"echo line{number}{' >&2' if number % 3 else ''}; N={number + 1}; {step}" for number in range(6)
        ]
        world.launch(f"O={tmp_path}/agent/output/t; {'; '.join(words)}")
        assert (await world.end_of()).state is TaskState.FINISHED
        reply = await world.agent.answer_log(LogReadBoth("t", 0, 0, 1000))
        assert isinstance(reply, LogPieces)
        lines = [
            (piece.stream, line) for piece in reply.pieces for line in piece.content.decode().splitlines()
        ]
        assert lines == [("stderr" if number % 3 else "stdout", f"line{number}") for number in range(6)]

    play(tmp_path, scenario)


def test_endless_output_is_bounded_and_holds_nobody_up(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("yes; true", "chatty")
        for number in range(20):
            world.launch("/bin/true", f"quick-{number}")
        await world.until(lambda: sum(name.startswith("quick") for name in world.ended) == 20)
        assert "chatty" not in world.ended
        world.agent.handle([Kill(("chatty",), "enough")])
        await world.end_of("chatty")
        head = world.agent.read_log("chatty", "stdout", 0, 1 << 20)
        assert (head.truncated, head.cut, len(head.content)) == (True, True, 5000)
        tail = world.agent.read_log("chatty", "stdout", 5000, 1 << 20)
        assert (tail.missing > 0, tail.offset) == (True, 5000 + tail.missing)
        files = (tmp_path / "agent" / "output").glob("chatty.stdout*")
        assert sum(file.stat().st_size for file in files) <= 10_000

    settings = AgentSettings(kill_grace_seconds=0.3, output_limit_bytes=10_000)
    play(tmp_path, scenario, settings)


def test_unwritable_output_is_lost_with_a_note_and_the_task_finishes(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        (tmp_path / "agent" / "output" / "t.stdout").mkdir()
        world.launch("echo hello; true")
        status = await world.end_of()
        assert status.state is TaskState.FINISHED
        assert "could not be kept" in status.message

    play(tmp_path, scenario)


def test_script_gets_its_context_and_none_of_the_agents_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELASTICJOB_ADMIN_PASSWORD", "hush")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "hush")

    async def scenario(world: World) -> None:
        world.launch("env; printf '%s'")
        await world.end_of()
        output = world.output()
        assert b"hush" not in output
        assert b"ELASTICJOB_TASK_ID=t\n" in output
        assert b'{"taskId":"t","jobName":"job","shardingTotalCount":1' in output

    play(tmp_path, scenario)


def test_kill_before_the_start_means_no_start(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch(f"touch {tmp_path}/started; true")
        world.agent.handle([Kill(("t",), "early")])
        assert (await world.end_of()).state is TaskState.KILLED
        world.launch("/bin/true", "after")
        await world.end_of("after")
        assert not (tmp_path / "started").exists()

    play(tmp_path, scenario)


def test_closed_agent_ends_its_tasks_as_lost_and_the_next_one_tells_it(tmp_path: Path) -> None:
    async def run() -> None:
        settings = AgentSettings(kill_grace_seconds=0.3)
        first = World(tmp_path, settings)
        first.acknowledges = False
        await first.agent.start()
        first.launch("sleep 300; true")
        await first.until(lambda: "t" in first.running)
        await first.agent.close("it was told to.")
        assert first.processes_left() == set()
        second = World(tmp_path, settings)
        await second.agent.start()
        held = [status for status in second.agent.inventory().tasks if status.task_id == "t"]
        assert [status.state for status in held] == [TaskState.LOST]
        await second.end_of()
        await second.agent.close("the test is over")
        third = World(tmp_path, settings)
        await third.agent.start()
        assert third.agent.inventory().tasks == ()
        await third.agent.close("the test is over")

    run_in_selector_loop(run())


def test_hundreds_of_scripts_at_once_all_finish(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        for number in range(200):
            world.launch("/bin/true", f"t{number}")
        await world.until(lambda: len(world.ended) == 200)
        assert {status.state for status in world.ended.values()} == {TaskState.FINISHED}
        assert signal.SIGCHLD not in signal.sigpending()
        assert len(list(Path("/proc/self/fd").iterdir())) < 200  # noqa: ASYNC240 - no disk

    play(tmp_path, scenario)


def test_process_that_cannot_be_watched_is_ended_and_not_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def refuse(pid: int) -> int:
        started.append(pid)
        raise OSError(errno.EMFILE, "Too many open files")

    async def scenario(world: World) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("os.pidfd_open", refuse)
            world.launch("./app.sh again")
            status = await world.end_of()
        assert status.state is TaskState.ERROR
        assert "Too many open files" in status.message
        assert len(started) == 1
        world.launch("/bin/true", "after")
        assert (await world.end_of("after")).state is TaskState.FINISHED

    play(tmp_path, scenario)


def test_tasks_are_given_the_limit_of_open_files_that_the_agent_had(tmp_path: Path) -> None:
    async def run() -> None:
        world = World(tmp_path, AgentSettings(kill_grace_seconds=0.3), file_limit=77)
        await world.agent.start()
        world.launch("sleep 0.05; ulimit -Sn; true")
        await world.end_of()
        assert world.output() == b"77\n"
        await world.agent.close("the test is over")

    run_in_selector_loop(run())


def test_later_task_finds_its_own_working_directory_and_the_agent_keeps_its(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        before = Path.cwd()
        world.launch("pwd; true")
        await world.end_of()
        assert world.output().decode().strip().startswith(str(tmp_path / "apps"))
        assert Path.cwd() == before

    play(tmp_path, scenario)


def test_exit_code_that_somebody_else_has_taken_counts_as_a_failure() -> None:
    pid = os.posix_spawn("/bin/true", ["/bin/true"], {})
    assert reap_exit_code(pid) == 0
    assert reap_exit_code(pid) == 255
