"""Says who an agent is, and what its machine can hold."""

import os
import re
import secrets
import socket
from pathlib import Path

import psutil

from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.messages import AgentInfo

_MEBIBYTE = 1 << 20
_CGROUP_MEMORY = Path("/sys/fs/cgroup/memory.max")
_DOCUMENTATION_ADDRESS = ("192.0.2.1", 9)
_HOSTNAME_LENGTH = 60


def describe_agent(settings: AgentSettings) -> AgentInfo:
    """Name a new agent, and measure what its machine can hold."""
    hostname = socket.gethostname()
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", hostname)[:_HOSTNAME_LENGTH] or "agent"
    return AgentInfo(
        agent_id=f"{name}-{secrets.token_hex(4)}",
        hostname=hostname,
        ip=_own_address(),
        cpus=float(_cpu_count()),
        memory_mb=_memory_bytes() * (1 - settings.memory_reserve_fraction) // _MEBIBYTE,
        pid=os.getpid(),
    )


def _cpu_count() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int:
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(_CGROUP_MEMORY.read_text()))
    except (OSError, ValueError):  # no limit ("max"), or no control groups
        return total


def _own_address() -> str:
    # Connecting a datagram socket sends nothing; it only asks the kernel which address would be used.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_DOCUMENTATION_ADDRESS)
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
