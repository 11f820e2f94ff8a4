"""What counts as a task's memory: what the kernel cannot take back, wherever it is kept."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.scripts.script_world import World, play

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(250),
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]
# Looks at memory are seldom on a machine with many processes.
_LONG_SECONDS = 100.0
_SHARED = Path("/dev/shm")
_READS_A_FILE = """
import mmap, sys, time
with open("big", "r+b") as file:
    mapped = mmap.mmap(file.fileno(), 0)
    total = sum(mapped[at] for at in range(0, len(mapped), 4096))
    time.sleep(1)
"""
_KEEPS = """
import mmap, os, time
{}
print("ready", flush=True)
time.sleep(300)
"""


@pytest.fixture
def name() -> Iterator[str]:
    """Give the name of a file in shared memory, gone at the end."""
    file = _SHARED / f"elasticjob-test-{time.time_ns()}"
    yield str(file)
    file.unlink(missing_ok=True)


def python(program: str) -> str:
    return f"exec {sys.executable} - <<'EOF'\n{program}\nEOF"


@pytest.mark.parametrize("access", ["ACCESS_READ", "ACCESS_WRITE"])
def test_pages_of_a_file_on_disk_are_no_use_of_memory(tmp_path: Path, access: str) -> None:
    async def scenario(world: World) -> None:
        program = _READS_A_FILE.replace("0)", f"0, access=mmap.{access})", 1)
        world.launch(f"head -c 150000000 /dev/zero > big\n{python(program)}", memory_mb=64)
        status = await world.end_of(seconds=_LONG_SECONDS)
        assert status.state is TaskState.FINISHED, status.message

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    "statement",
    [
        "kept = b'x' * 150_000_000",
        "kept = mmap.mmap(-1, 150_000_000); kept.write(b'x' * 30_000_000); [kept.write(b'x' * 10_000_000) for _ in range(12)]",
        "file = open({name!r}, 'wb'); [file.write(bytes(10_000_000)) for _ in range(15)]",
        "file = open({name!r}, 'wb'); os.unlink({name!r}); [file.write(bytes(10_000_000)) for _ in range(15)]",
        "kept = os.memfd_create('a'); [os.write(kept, bytes(10_000_000)) for _ in range(15)]",
        "from multiprocessing.shared_memory import SharedMemory as S; kept = S(create=True, size=150_000_000); kept.unlink(); kept.buf[:] = bytes(150_000_000)",
    ],
)
def test_memory_of_every_kind_counts(tmp_path: Path, name: str, statement: str) -> None:
    async def scenario(world: World) -> None:
        world.launch(python(_KEEPS.format(statement.format(name=name))), memory_mb=64)
        status = await world.end_of(seconds=_LONG_SECONDS)
        assert status.state is TaskState.FAILED
        assert "of 64 MB" in status.message

    play(tmp_path, scenario)


def test_file_that_was_written_to_shared_memory_and_closed_counts_for_its_writer(
    tmp_path: Path, name: str
) -> None:
    async def scenario(world: World) -> None:
        for number in range(3):
            world.launch("echo ready; sleep 300;", f"innocent{number}", memory_mb=64)
        await world.until_output(b"ready\n", "innocent2")
        world.launch(f"head -c 150000000 /dev/zero > {name}; sleep 300;", memory_mb=64)
        status = await world.end_of(seconds=_LONG_SECONDS)
        assert status.state is TaskState.FAILED
        assert "of 64 MB" in status.message
        assert set(world.ended) == {"t"}

    play(tmp_path, scenario)


def test_file_of_others_in_shared_memory_counts_for_no_task(tmp_path: Path, name: str) -> None:
    async def scenario(world: World) -> None:
        world.launch("echo ready; sleep 1;", memory_mb=64)
        await world.until_output(b"ready\n")
        with open(name, "wb") as file:  # noqa: ASYNC230, PTH123 - memory
            file.write(bytes(150_000_000))
            world.launch(f"exec 3<> {name}; sleep 1;", "reader", memory_mb=64)
            assert (await world.end_of("reader", _LONG_SECONDS)).state is TaskState.FINISHED
            assert (await world.end_of(seconds=_LONG_SECONDS)).state is TaskState.FINISHED

    play(tmp_path, scenario)
