"""Command lines as people write them: the work is done once, and the sharding context goes to nobody who did not ask."""

import sys
from pathlib import Path

import pytest

from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.scripts.script_world import World, play

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]


@pytest.mark.parametrize(
    "command,printed",
    [
        ("echo a; echo b;", "a\nb\n"),
        ("cat <<EOF\nhello\nEOF\n", "hello\n"),
        ("(echo a; echo b)", "a\nb\n"),
        ("if true; then echo a; fi", "a\n"),
        ("for i in 1 2; do echo $i; done", "1\n2\n"),
        ("{ echo a; }\r\n", "a\n"),
        ("echo a | cat", "a\n"),
        ("echo a # not b", "a\n"),
        ("echo a > file; cat file & wait", "a\n"),
        ("case x in x) echo a;; esac", "a\n"),
        ("echo a; exit 0", "a\n"),
    ],
)
def test_line_that_takes_no_argument_is_run_as_written(tmp_path: Path, command: str, printed: str) -> None:
    async def scenario(world: World) -> None:
        world.launch(command)
        status = await world.end_of()
        assert (status.state, world.output().decode()) == (TaskState.FINISHED, printed)

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    "command",
    [
        "./app.sh\n",
        "./app.sh one 'two'\r\n",
        "cd . && ./app.sh",
        "A=b ./app.sh",
        "cat <<EOF >/dev/null\ntext\nEOF\n./app.sh\n",
        'f() { ./app.sh "$@"; }; f',
        "./app.sh 2>&1",
    ],
)
def test_context_is_the_last_argument_of_the_last_command(tmp_path: Path, command: str) -> None:
    async def scenario(world: World) -> None:
        # The app's file was made by the world.
        (tmp_path / "app.sh").write_text('#!/bin/sh\nfor last; do :; done\nprintf "%s" "$last"\n')
        world.launch(command)
        status = await world.end_of()
        assert status.state is TaskState.FINISHED, status.message
        assert world.output().startswith(b'{"taskId":"t","jobName":"job"')

    play(tmp_path, scenario)


def test_job_can_do_without_the_context_as_an_argument(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("printf '%s.' \"$ELASTICJOB_SHARDING_ITEM\" x", props={"script.pass.context": "false"})
        await world.end_of()
        assert world.output() == b"0.x."

    play(tmp_path, scenario)
