"""A world of its own for a run: processes, mounts and network that are not the machine's, and that end with the run.

A run starts itself again as the first process of new namespaces. When that process ends, however it ends, the kernel
kills all that it started and takes down its network and its mounts: nothing is left to be cleaned, and two runs cannot
meet. `setpriv --pdeathsig` and `unshare --kill-child` make the death of the outer process that of the inner one.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

INSIDE = "ELASTICJOB_CHAOS_INSIDE"
PROGRAMS = ("setpriv", "unshare", "nsenter", "ip", "mount")


def missing() -> str:
    """Say what this machine lacks for hosts of their own, and what to do about it; empty when nothing."""
    if not sys.platform.startswith("linux"):
        return "hosts are made of Linux namespaces: run this on Linux"
    if os.geteuid() != 0:
        return "hosts are made of namespaces, which takes root: sudo make chaos"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"{', '.join(absent)} not found: apt-get install iproute2 util-linux"
    tried = subprocess.run(
        [*_UNSHARE, "ip", "link", "add", "name", "try0", "type", "veth", "peer", "name", "try1"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode != 0:
        return f"the kernel allows no namespaces with a network: {tried.stderr.strip()}"
    return ""


def is_inside() -> bool:
    """Tell whether this process lives in the world of its own."""
    return os.environ.get(INSIDE) == str(os.getpid())


def command(arguments: Sequence[str]) -> list[str]:
    """Give the command that runs a Python program as the first process of a world of its own."""
    return [*_UNSHARE, "env", f"{INSIDE}=1", sys.executable, *arguments]


def enter(module: str) -> int:
    """Run the module inside, with the same arguments; give its exit code."""
    # Ctrl-C reaches the inner process too, which cleans up and ends. Not SIG_IGN: that one would inherit.
    signal.signal(signal.SIGINT, lambda *_: None)
    return subprocess.run(command(["-m", module, *sys.argv[1:]]), check=False).returncode


_UNSHARE = (
    *("setpriv", "--pdeathsig", "KILL"),
    "unshare",
    "--mount",
    "--pid",
    "--net",
    "--ipc",
    "--fork",
    "--kill-child=KILL",
    "--mount-proc",
    "--propagation=private",
)
