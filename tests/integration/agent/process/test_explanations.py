"""What the kernel or a shell says of a script that cannot be executed, in words that name the file and the cure."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from elasticjob_cloud.agent.process.start.explanations import explain_exit
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.scripts.script_world import World, play

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]


def app_of(content: bytes) -> Callable[[Path], None]:
    def write(directory: Path) -> None:
        (directory / "app.sh").write_bytes(content)

    return write


@pytest.mark.parametrize(
    "content,command,says",
    [
        (b"#!/bin/sh\r\necho a\r\n", "./app.sh", "./app.sh has Windows line ends (CRLF)"),
        (b"#!/bin/sh\r\necho a\r\n", "app.sh;", "app.sh has Windows line ends (CRLF)"),
        (b"#!/usr/bin/env python3\r\nprint()\r\n", "./app.sh", "sed -i 's/\\r$//' app.sh"),
        (b"if true\r\nthen\r\necho a\r\nfi\r\n", "sh app.sh", "app.sh has Windows line ends (CRLF)"),
        (b"#!/bin/sh\r\n", "mkdir -p sub; cp app.sh sub; cd sub && ./app.sh", "CRLF"),
        (b"#!/bin/sh\r\n", "if true; then exec ./app.sh; fi", "./app.sh has Windows line ends"),
        (b"#!/bin/sh\r\n", "A='b c' './app.sh' \"x y\"", "./app.sh has Windows line ends"),
        (
            b"#!/opt/no/such/perl -w\n",
            "./app.sh",
            "needs the interpreter /opt/no/such/perl, which this machine",
        ),
        (
            b"#!/usr/bin/env no-such-python\n",
            "./app.sh",
            "needs the interpreter no-such-python, which is not in",
        ),
        (b"\xef\xbb\xbf#!/bin/sh\nexit 127\n", "./app.sh", "begins with a byte order mark"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 200, "./app.sh", "is a program that this machine cannot execute"),
    ],
)
def test_file_that_cannot_be_executed_is_named_with_the_reason(
    tmp_path: Path, content: bytes, command: str, says: str
) -> None:
    async def scenario(world: World) -> None:
        app_of(content)(tmp_path)
        world.launch(command)
        status = await world.end_of()
        assert status.state is TaskState.FAILED
        assert says in status.message
        assert status.execution is not None
        assert says in status.execution.failure_cause

    play(tmp_path, scenario)


def test_directory_as_a_command_is_called_one(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("mkdir -p bin;", "make")
        await world.end_of("make")
        world.launch("./bin")
        assert "exit code 126 (./bin is a directory)" in (await world.end_of()).message

    play(tmp_path, scenario)


def test_parameters_that_no_process_can_take_are_named_with_their_sizes(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("./app.sh", parameter="x" * 70_000, job_parameter='"' * 60_000)
        status = await world.end_of()
        assert status.state is TaskState.ERROR
        assert "jobParameter has 60,000 bytes" in status.message
        assert "shardingItemParameters of item 0 have 70,000" in status.message

    play(tmp_path, scenario)


def test_file_that_is_still_written_is_said_to_be(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("pwd;", "where")
        await world.end_of("where")
        program = Path(os.fsdecode(world.output("where").strip()), "program")
        program.write_bytes(Path("/bin/true").read_bytes())  # noqa: ASYNC240 - a small file
        program.chmod(0o755)  # noqa: ASYNC240 - as above
        with program.open("ab"):  # noqa: ASYNC230 - as above
            world.launch("./program")
            status = await world.end_of()
        assert status.state is TaskState.ERROR
        assert "its file is open for writing" in status.message

    play(tmp_path, scenario)


@pytest.mark.parametrize("begin", ["sleep 300 >/dev/null 2>&1 &", "setsid sleep 300 &", "sleep 300 &"])
def test_what_a_script_left_running_is_named_in_its_log(tmp_path: Path, begin: str) -> None:
    async def scenario(world: World) -> None:
        world.launch(f"{begin} printf end >&2; sleep 0.3;")
        assert (await world.end_of()).state is TaskState.FINISHED
        assert world.processes_left() == set()
        told = world.agent.read_log("t", "stderr", 0, 1 << 20).content.decode()
        assert told.startswith("end\n[elasticjob: ended what was left running: sleep 300 (pid ")

    play(tmp_path, scenario)


def test_what_a_kill_ends_is_not_called_left(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("sleep 300 & echo ready; sleep 300;", timeout_seconds=1)
        assert (await world.end_of()).state is TaskState.FAILED
        assert world.agent.read_log("t", "stderr", 0, 1 << 20).content == b""

    play(tmp_path, scenario)


def test_file_system_that_executes_nothing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o755)
    real = os.statvfs(tmp_path)
    assert explain_exit(126, "./run", str(tmp_path), "/bin") == ""
    flags = [*real]
    flags[8] |= os.ST_NOEXEC
    monkeypatch.setattr("os.statvfs", lambda _: os.statvfs_result(flags))
    assert "is mounted noexec" in explain_exit(126, "exec ./run a", str(tmp_path), "/bin")


def test_only_codes_that_tell_of_a_missing_program_are_explained(tmp_path: Path) -> None:
    (tmp_path / "start.sh").write_bytes(b"#!/bin/sh\r\n")
    assert "Windows line ends" in explain_exit(127, "./start.sh", str(tmp_path), "/bin")
    assert explain_exit(1, "./start.sh", str(tmp_path), "/bin") == ""
