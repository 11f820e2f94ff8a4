"""What the agent inherits from its starter changes nothing for its tasks."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.agent_peer import Peer, launch_script, scheduler_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]
# Starts the agent with its arguments, after what stands before.
_STARTER = "import os, signal, sys; {}; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
# The C library's own two, which it ignores in what `posix_spawn` starts.
_INTERNAL = 0b11 << 31
_NO_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


class Starter:
    """Starts agents of one place in some state."""

    def __init__(self, directory: Path) -> None:
        self.place = AgentDirectory(directory)
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, statement: str = "pass", **variables: str) -> None:
        command = [sys.executable, "-c", _STARTER.format(statement)]
        command += ["-m", "elasticjob_cloud.agent", "--directory", str(self.place.path)]
        environment = {**os.environ, **variables}
        self._processes.append(subprocess.Popen(command, start_new_session=True, env=environment))

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()
        self.place.remove_socket_directory()


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    """Give what starts agents."""
    made = Starter(tmp_path / "agent")
    yield made
    made.close()


async def end_of(scheduler: Peer, task_id: str) -> TaskState:
    await scheduler.until(lambda: any(state.is_terminal for state in scheduler.states(task_id)))
    return scheduler.states(task_id)[-1]


@pytest.mark.parametrize(
    "statement",
    [
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())",
        "os.close(0)",
        "os.closerange(0, 3)",
        "os.closerange(1, 3)",
        "[signal.signal(n, signal.SIG_IGN) for n in signal.valid_signals() - {9, 19}]",
    ],
)
def test_signals_and_descriptors_of_the_starter_are_not_the_tasks(
    starter: Starter, tmp_path: Path, statement: str
) -> None:
    async def scenario() -> None:
        starter.start(statement)
        scheduler = await scheduler_of(starter.place, 1)
        look = "grep -E '^Sig(Blk|Ign)' /proc/self/status; read x || echo no input; echo err >&2"
        scheduler.send(launch_script(tmp_path, f"{look};", "t"))
        assert await end_of(scheduler, "t") is TaskState.FINISHED
        scheduler.send(launch_script(tmp_path, "exit 7", "f"))
        assert await end_of(scheduler, "f") is TaskState.FAILED
        scheduler.close()

    asyncio.run(scenario())
    output = starter.place.path / "output"
    blocked, ignored, said = (output / "t.stdout").read_text().splitlines()
    assert int(blocked.split()[1], 16) == 0
    assert int(ignored.split()[1], 16) & ~_INTERNAL == 0
    assert said == "no input"
    assert (output / "t.stderr").read_text() == "err\n"


def test_locale_without_utf8_costs_no_letter(starter: Starter, tmp_path: Path) -> None:
    (tmp_path / "应用").mkdir()

    async def scenario() -> None:
        # One of those that tasks inherit.
        starter.start(**_NO_UTF8, ALL_PROXY="北京")
        scheduler = await scheduler_of(starter.place, 1)
        command = 'printf "%s " "$ALL_PROXY" "上海" "$1";'
        scheduler.send(launch_script(tmp_path / "应用", command, "任务"))
        assert await end_of(scheduler, "任务") is TaskState.FINISHED
        scheduler.send(launch_script(tmp_path / "应用", "/usr/bin/printf %s 上海", "plain"))
        assert await end_of(scheduler, "plain") is TaskState.FINISHED
        scheduler.close()

    asyncio.run(scenario())
    output = starter.place.path / "output"
    assert (output / "任务.stdout").read_text("utf-8") == "北京 上海  "
    assert (output / "plain.stdout").read_text("utf-8").startswith("上海{")


def test_tasks_do_not_inherit_what_the_agent_was_told_for_itself(starter: Starter, tmp_path: Path) -> None:
    async def scenario() -> None:
        starter.start(**_NO_UTF8)
        scheduler = await scheduler_of(starter.place, 1)
        scheduler.send(launch_script(tmp_path, "env;", "t"))
        assert await end_of(scheduler, "t") is TaskState.FINISHED
        scheduler.close()

    asyncio.run(scenario())
    lines = (starter.place.path / "output" / "t.stdout").read_text().splitlines()
    assert "LC_ALL=C" in lines
    assert not [line for line in lines if line.startswith("PYTHON")]


def test_ignored_children_in_the_agents_own_process_keep_their_exit_codes(tmp_path: Path) -> None:
    # In a process of its own: this one's children are pytest's.
    script = f"""
import signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
from pathlib import Path
from tests.integration.agent.scripts.script_world import World, play
async def scenario(world: World) -> None:
    world.launch("/bin/true")
    print((await world.end_of()).state)
play(Path({str(tmp_path)!r}), scenario)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "TASK_FINISHED\n", done.stderr
    assert signal.getsignal(signal.SIGCHLD) is not signal.SIG_IGN
