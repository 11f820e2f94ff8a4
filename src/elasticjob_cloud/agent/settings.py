"""What an operator may set for an agent, with defaults that are safe on a shared machine (promise 12)."""

import hashlib
import os

import msgspec

from elasticjob_cloud import __version__
from elasticjob_cloud.agent.apps import AppLimits

_MEBIBYTE = 1 << 20
_FRESH_LEAST = 8
_FRESH_PER_PROCESSOR = 4


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The limits and times of one agent. `docs/agent.md` explains each one to operators."""

    app_limits: AppLimits = msgspec.field(default_factory=AppLimits)
    # Output of tasks and executors.
    output_limit_bytes: int = 10 * _MEBIBYTE  # of one stream of one task
    output_retention_seconds: float = 7 * 24 * 3600.0
    output_total_bytes: int = 2048 * _MEBIBYTE
    output_file_count: int = 20_000
    output_sweep_seconds: float = 60.0
    # Processes.
    kill_grace_seconds: float = 5.0  # from SIGTERM to SIGKILL
    open_files: int = 0  # the soft limit that tasks get; 0: the one that the agent was started with
    memory_check_seconds: float = 0.25
    processes_at_once: int = 1_000  # scripts beyond it wait their turn
    fresh_processes_at_once: int = 0  # scripts that have just started; 0: by the number of processors
    fresh_process_seconds: float = 0.02  # for how long one counts as such
    # App executors.
    executor_idle_seconds: float = 300.0
    executor_connect_seconds: float = 60.0
    executor_line_limit_bytes: int = 16 * _MEBIBYTE
    executor_restart_seconds: float = 0.5  # after a failed start; doubles up to the next
    executor_restart_maximum_seconds: float = 30.0
    executor_settled_seconds: float = (
        10.0  # one that dies with its tasks before that counts as a failed start
    )
    pass_env: tuple[str, ...] = ()  # variables that tasks get beyond those of `environment.py`
    # An agent without a scheduler.
    orphan_seconds: float = 600.0
    fence_seconds: float = 0.0  # when others may take its tasks; 0: nobody can
    # Capacity kept back for the machine itself and the scheduler.
    memory_reserve_fraction: float = 0.1

    def fresh_limit(self) -> int:
        """Give how many processes may be in their start: few enough to keep the processors busy without a crowd."""
        return self.fresh_processes_at_once or max(_FRESH_LEAST, _FRESH_PER_PROCESSOR * (os.cpu_count() or 1))


def build_of(settings: AgentSettings) -> str:
    """Give what tells agents of this version with these settings from all others."""
    content = msgspec.json.encode((__version__, settings))
    return hashlib.sha256(content).hexdigest()[:16]
