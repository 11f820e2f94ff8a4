"""The Ray engine over one node of a real cluster, which all tests of a run share: each has an agent of its own."""

import atexit
import contextlib
import fcntl
import math
import os
import signal
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.engine.ray.engine import RayEngine
from elasticjob_cloud.engine.ray.frames import GatewaySettings
from tests.clusters.ray_nodes import MISSING, RayCluster, has_ray

# Longer than a new gateway takes on a busy machine.
FENCE_SECONDS = 9.0
LOST_SECONDS = 11.0
_ANSWER_SECONDS = 20.0
_END_SECONDS = 10.0


@cache
def shared_cluster() -> tuple[RayCluster, Path]:
    """Start the cluster of this process, with one node, and give it with a directory for agents; both end with it."""
    stack = ExitStack()
    atexit.register(stack.close)
    agents = Path(stack.enter_context(TemporaryDirectory(prefix="agents-", ignore_cleanup_errors=True)))
    # Idle ones outlive the cluster for a while.
    stack.callback(end_agents_for_good, agents)
    cluster = stack.enter_context(RayCluster.started())
    cluster.add_node(cpus=4, memory_mb=1024)
    return cluster, agents


def make_engine(
    cluster: RayCluster,
    agent_dir: Path,
    namespace: str,
    fence: float = FENCE_SECONDS,
    lost: float = LOST_SECONDS,
    address: str | None = None,
    answer: float = _ANSWER_SECONDS,
) -> RayEngine:
    """Make a scheduler's engine, which leads for as long as it likes."""
    os.environ.update(cluster.environment)
    settings = AgentSettings(kill_grace_seconds=0.5, fence_seconds=fence)
    gateway = GatewaySettings(
        address=address or cluster.address,
        namespace=namespace,
        agent_dir=str(agent_dir),
        agent_settings=msgspec.json.encode(settings).decode(),
    )
    engine = RayEngine(gateway, lost, answer_seconds=answer)
    engine.lead_until(math.inf)
    return engine


def end_agents(agent_dir: Path, number: int = signal.SIGKILL) -> None:
    """Signal the agents that have directories there, and wait for those that were killed."""
    for directory in agent_dir.glob("*"):
        present = AgentDirectory(directory).read_process()
        if present is None or not present.runs():
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(present.pid, number)
        deadline = time.monotonic() + _END_SECONDS
        while number == signal.SIGKILL and present.runs() and time.monotonic() < deadline:
            time.sleep(0.01)


def end_agents_for_good(agent_dir: Path) -> None:
    """End the agents, and those that relays start anew until they end too, which is a moment after their cluster."""
    deadline = time.monotonic() + _END_SECONDS
    locks = [*agent_dir.glob("*/keeper.lock"), *agent_dir.glob("*/agent.lock")]
    while any(map(_is_held, locks)) and time.monotonic() < deadline:
        end_agents(agent_dir)
        time.sleep(0.05)


def _is_held(lock: Path) -> bool:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


class RayWorld:
    """One namespace of the shared cluster, with its relay and agent."""

    def __init__(self, directory: Path) -> None:
        if not has_ray():
            pytest.skip(MISSING)
        self._directory = directory
        self._namespace = f"test-{os.getpid()}"
        # One directory and one namespace for all tests: the relay stays, the agent is a new one.
        self._cluster, self._agents = shared_cluster()

    def make(self) -> Engine:
        return make_engine(self._cluster, self._agents, self._namespace)

    async def crash_agent(self) -> None:
        end_agents(self._agents)

    async def terminate_agent(self) -> None:
        end_agents(self._agents, signal.SIGTERM)

    def close(self) -> None:
        end_agents(self._agents)
