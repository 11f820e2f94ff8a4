"""The agent as a process of its own, started without an engine: after a predecessor's death, on a full disk."""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.agent_peer import launch_script, peer_of, scheduler_of
from tests.processes import is_alive
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]


class Agents:
    """Starts agents of one place, and kills those that still run at the end."""

    def __init__(self, place: AgentDirectory) -> None:
        self.place = place
        self.left: list[int] = []  # groups that a failing test would leave behind
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *, is_disk_full: bool = False) -> subprocess.Popen[bytes]:
        """Start one; on a full disk no byte can be written to any file."""
        command = [sys.executable, "-m", "elasticjob_cloud.agent", "--directory", str(self.place.path)]
        if is_disk_full:
            command = ["/bin/sh", "-c", 'ulimit -S -f 0; exec "$@"', "sh", *command]
        process = subprocess.Popen(command, start_new_session=True)
        self._processes.append(process)
        return process

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        for group in self.left:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self.place.remove_socket_directory()


@pytest.fixture(params=["agent", f"{'deep' * 25}/agent"], ids=["near", "deep"])
def agents(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Agents]:
    """Agents of a directory that has their sockets, and of one too deep for that."""
    made = Agents(AgentDirectory(tmp_path / request.param))
    yield made
    made.close()


def named_pid(place: AgentDirectory) -> int:
    present = place.read_process()
    assert present is not None
    return present.pid


def test_agent_starts_on_a_full_disk_and_ends_what_its_predecessor_left(
    agents: Agents, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"

    async def scenario() -> None:
        killed = agents.start()
        scheduler = await scheduler_of(agents.place, 1)
        scheduler.send(launch_script(tmp_path, f"echo $$ > {pid_file}; sleep 300; true", "t"))
        await scheduler.until(lambda: TaskState.RUNNING in scheduler.states("t"))
        await until(
            lambda: pid_file.exists() and pid_file.read_text().endswith("\n"),
            "the script has written its process id",
        )
        script = int(pid_file.read_text())
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        assert is_alive(script)
        agents.left.append(script)
        successor = agents.start(is_disk_full=True)
        again = await scheduler_of(agents.place, 1)
        assert not is_alive(script)
        # Who it is, it tells when the disk has room again.
        _, hard = resource.prlimit(successor.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(successor.pid, resource.RLIMIT_FSIZE, (hard, hard))
        await until(lambda: named_pid(agents.place) == successor.pid, "the successor's process is named")
        again.close()

    asyncio.run(scenario())


def test_agent_that_is_told_to_stop_waits_for_no_server_that_says_nothing(
    agents: Agents, tmp_path: Path
) -> None:
    async def scenario() -> None:
        agent = agents.start()
        scheduler = await scheduler_of(agents.place, 1)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(20)
            url = f"ftp://127.0.0.1:{silent.getsockname()[1]}/app.sh"
            scheduler.send(launch_script(tmp_path, "true", "t", url, cache=False))
            connection, _ = await asyncio.to_thread(silent.accept)
            with connection:
                connection.sendall(b"220 welcome\r\n")
                began = time.monotonic()
                agent.terminate()
                assert await asyncio.to_thread(agent.wait, 60) == 0
                # The patience with servers is 30 s.
                assert time.monotonic() - began < 10
        scheduler.close()

    asyncio.run(scenario())


def test_agent_whose_directory_was_deleted_ends_for_nobody_can_reach_it(agents: Agents) -> None:
    async def scenario() -> None:
        agent = agents.start()
        peer = await peer_of(agents.place)
        shutil.rmtree(agents.place.path)
        assert await asyncio.to_thread(agent.wait, 10) == 0
        peer.close()

    asyncio.run(scenario())
