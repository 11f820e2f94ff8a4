"""The first process of a host: gives it `/tmp`, `/dev/shm` and `/mnt` of its own, and reaps whom nobody else waits for.

Run as `python -I host_init.py NAME TMP_MB DISK`; the directory DISK becomes `/mnt`. It ends only by SIGKILL, and all processes of the host with it.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    name, tmp_megabytes, disk = sys.argv[1:4]
    socket.sethostname(name)
    # A driver of Ray attaches through sockets under /tmp, and Ray keeps its objects in /dev/shm.
    _renew_tmp(tmp_megabytes)
    _mount("/dev/shm", "512")
    subprocess.run(["mount", "--bind", disk, "/mnt"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # Ctrl-C goes to all of the terminal's group; only who made the host ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        with contextlib.suppress(ChildProcessError):
            os.wait()
            continue
        time.sleep(0.2)  # orphans come without notice


def _renew_tmp(megabytes: str) -> None:
    """Give the host an empty /tmp, in which only this checkout is seen, should it lie there."""
    checkout = Path(__file__).resolve().parents[3]
    if not checkout.is_relative_to("/tmp"):
        _mount("/tmp", megabytes)
        return
    subprocess.run(["mount", "--bind", str(checkout), "/mnt"], check=True)
    _mount("/tmp", megabytes)
    checkout.mkdir(parents=True)
    subprocess.run(["mount", "--bind", "/mnt", str(checkout)], check=True)
    subprocess.run(["umount", "/mnt"], check=True)


def _mount(path: str, megabytes: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=1777", "tmpfs", path], check=True)


if __name__ == "__main__":
    main()
