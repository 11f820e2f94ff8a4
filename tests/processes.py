"""What tests ask of processes and ports of this machine."""

import socket

import psutil

from tests.waiting import PATIENCE_SECONDS, wait_for


def is_alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_gone(pid: int, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until a process has ended, whether or not its exit code was asked for."""
    wait_for(lambda: not is_alive(pid), f"process {pid} ends", seconds)


def free_port(host: str = "127.0.0.1") -> int:
    """Give a port of this host that is free at the moment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
