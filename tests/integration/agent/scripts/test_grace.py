"""What a job does in its grace is waited for, and so is what it had to say; and what it left behind is named."""

import sys
from pathlib import Path

import pytest

from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.messages import Kill
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.scripts.script_world import World, play

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]
_LONG_GRACE = AgentSettings(kill_grace_seconds=15.0, memory_check_seconds=0.05)
# It says when it can be killed, and takes longer over it than the shell above it.
_CLEANS_UP = "trap 'sleep 1; echo cleaned; exit 0' TERM; echo ready; while true; do sleep 0.05; done"


@pytest.mark.parametrize(
    "command",
    [
        f'sh -c "{_CLEANS_UP}"; true',
        f'(sh -c "{_CLEANS_UP}"); true',
        f'sh -c "{_CLEANS_UP}" & wait',
        f'setsid sh -c "{_CLEANS_UP}" & wait',
    ],
)
def test_what_stands_behind_a_shell_has_its_whole_grace(tmp_path: Path, command: str) -> None:
    async def scenario(world: World) -> None:
        world.launch(command)
        await world.until_output(b"ready\n")
        world.agent.handle([Kill(("t",), "enough")])
        status = await world.end_of()
        assert (status.state, status.message) == (TaskState.KILLED, "enough")
        assert world.output() == b"ready\ncleaned\n"
        assert world.processes_left() == set()

    play(tmp_path, scenario, _LONG_GRACE)


def test_timeout_gives_the_same_grace(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch(f'sh -c "{_CLEANS_UP}"; true', timeout_seconds=2)
        status = await world.end_of()
        assert "timeoutSeconds (2 s)" in status.message
        assert world.output() == b"ready\ncleaned\n"

    play(tmp_path, scenario, _LONG_GRACE)


def test_grace_ends_for_what_ignores_sigterm_behind_a_shell(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("sh -c \"trap '' TERM; echo ready; while true; do sleep 0.05; done\"; true")
        await world.until_output(b"ready\n")
        world.agent.handle([Kill(("t",), "enough")])
        assert (await world.end_of()).state is TaskState.KILLED
        assert world.processes_left() == set()

    play(tmp_path, scenario)


def test_what_passes_on_the_output_may_finish(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        # A shell of more than POSIX does `exec > >(tee log)`; this is the same.
        script = "mkfifo p; tee log < p & exec > p; seq 1 20000; exec >&-"
        for number in range(8):
            world.launch(f"mkdir d{number}; cd d{number}; {script};", f"t{number}")
        whole = "".join(f"{number}\n" for number in range(1, 20001)).encode()
        for number in range(8):
            status = await world.end_of(f"t{number}")
            assert status.state is TaskState.FINISHED
            assert world.output(f"t{number}") == whole

    play(tmp_path, scenario)


def test_silent_process_in_the_background_holds_up_no_end(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("echo done; sleep 300 &")
        status = await world.end_of()
        assert status.state is TaskState.FINISHED
        assert status.execution is not None
        assert world.processes_left() == set()

    play(tmp_path, scenario)
