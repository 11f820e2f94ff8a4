"""The agent on a system without Linux's own calls, as macOS is: these are taken away in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(250),  # psutil reads all processes, which takes long
    pytest.mark.skipif(sys.platform != "linux", reason="takes Linux's calls away: run it on Linux"),
]
# psutil and asyncio choose by the platform when they are imported: theirs stays Linux.
_WITHOUT_LINUX = """
import asyncio, ctypes, multiprocessing.util, os, pathlib, resource, select, signal, subprocess, sys, time
import httpx, psutil, pydantic, pytest, structlog, msgspec, zoneinfo
# Stands for launchd, which reaps what has lost its parent. (pytest may have become a subreaper, and reaps nothing.)
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
if child := os.fork():
    while (ended := os.wait())[0] != child:
        pass
    os._exit(os.waitstatus_to_exitcode(ended[1]))
sys.platform = "darwin"
for module, names in {
    os: ["waitid", "pidfd_open", "sched_getaffinity", "posix_fadvise", "memfd_create", "P_PID", "WNOWAIT"],
    select: ["epoll"],
    resource: ["prlimit"],
    time: ["CLOCK_BOOTTIME"],
    signal: ["pidfd_send_signal", "sigtimedwait", "sigwaitinfo", "SIGRTMIN"],
}.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
"""
_SCENARIO = """
from pathlib import Path
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.messages import Kill
from tests.integration.agent.scripts.script_world import World, play

async def scenario(world: World) -> None:
    world.launch("echo hello; exit 3;", "failing")
    print((await world.end_of("failing")).message, world.output("failing"))
    world.launch("sleep 300; true", "killed")
    await world.until(lambda: "killed" in world.running)
    world.agent.handle([Kill(("killed",), "enough")])
    print((await world.end_of("killed")).message)
    world.launch("sleep 300 & true;", "leaving")
    print((await world.end_of("leaving")).state)
    world.launch("python -c \\"x = b'x' * 150_000_000; import time; time.sleep(300)\\"; true", "hog", memory_mb=64)
    print("of 64 MB" in (await world.end_of("hog", 150)).message)

play(Path(sys.argv[1]), scenario, AgentSettings(kill_grace_seconds=5, memory_check_seconds=0.05))
"""


def test_scripts_run_end_and_are_limited_without_linux(tmp_path: Path) -> None:
    script = tmp_path / "scenario.py"
    script.write_text(_WITHOUT_LINUX + _SCENARIO)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )
    told = [line for line in done.stdout.splitlines() if "[warning" not in line]
    assert told == [
        "The script ended with exit code 3. b'hello\\n'",
        "enough",
        "TASK_FINISHED",
        "True",
    ], done.stderr
