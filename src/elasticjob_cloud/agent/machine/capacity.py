"""Says who an agent is, and what its machine can hold."""

import math
import os
import re
import secrets
import socket

import psutil

from elasticjob_cloud.agent.machine.cgroups import ControlGroups
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.messages import AgentInfo

_MEBIBYTE = 1 << 20
_DOCUMENTATION_ADDRESS = ("192.0.2.1", 9)
_HOSTNAME_LENGTH = 60


def describe_agent(settings: AgentSettings, groups: ControlGroups | None = None) -> AgentInfo:
    """Name a new agent, and measure what its machine can hold, within the control groups that it is in."""
    groups = groups or ControlGroups()
    hostname = socket.gethostname()
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", hostname)[:_HOSTNAME_LENGTH] or "agent"
    return AgentInfo(
        agent_id=f"{name}-{secrets.token_hex(4)}",
        hostname=hostname,
        ip=_own_address(),
        cpus=min(float(_cpu_count()), groups.cpus() or math.inf),
        memory_mb=min(_memory_bytes(), groups.memory_bytes() or math.inf)
        * (1 - settings.memory_reserve_fraction)
        // _MEBIBYTE,
        pid=os.getpid(),
    )


def _cpu_count() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int:
    return int(psutil.virtual_memory().total)


def _own_address() -> str:
    # Connecting a datagram socket sends nothing; it only asks the kernel which address would be used.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_DOCUMENTATION_ADDRESS)
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
