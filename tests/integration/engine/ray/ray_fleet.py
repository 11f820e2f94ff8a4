"""A scheduler's end of the Ray engine over several nodes, for tests that break what is between."""

import contextlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory, AgentProcess
from elasticjob_cloud.engine.ray.engine import RayEngine
from elasticjob_cloud.model.messages import AgentDraining, AgentJoined, AgentLost, EngineEvent, Inventory
from elasticjob_cloud.model.task import TaskState
from tests import waiting
from tests.clusters.ray_driver import RayDriver
from tests.clusters.ray_nodes import RayCluster
from tests.contract.conftest import Scheduler, script_launch
from tests.contract.ray_world import end_agents_for_good, make_engine, shared_cluster

DEADLINE_SECONDS = 60.0


class Place(NamedTuple):
    """A namespace of the shared cluster, and its agents' directory."""

    cluster: RayCluster
    driver: RayDriver
    namespace: str
    agents: Path
    fence: float
    lost: float

    def engine(self, fence: float | None = None, lost: float | None = None) -> RayEngine:
        """Make a scheduler's engine."""
        return make_engine(self.cluster, self.agents, self.namespace, fence or self.fence, lost or self.lost)

    def leases(self) -> set[str]:
        """Give the names of the leases."""
        return {name for name in self.driver.groups() if "/lease/" in name}


@contextlib.contextmanager
def own_place(fence: float, lost: float) -> Iterator[Place]:
    """Give a place whose relays, agents and leases are gone at the end."""
    cluster, _ = shared_cluster()
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    with (
        TemporaryDirectory(prefix="agents-", ignore_cleanup_errors=True) as agents,
        RayDriver.joined(cluster, namespace) as driver,
    ):
        yield Place(cluster, driver, namespace, Path(agents), fence, lost)
        driver.clean()  # else the relays would start the agents again
        end_agents_for_good(Path(agents))


class Fleet(Scheduler):
    """Like the engine suite's, with many agents; notes when each was lost."""

    def __init__(self, engine: RayEngine) -> None:
        super().__init__(engine)
        self.lost_at: dict[str, float] = {}  # wall time

    @property
    def agents(self) -> dict[str, Inventory]:
        """Give the agents that are there, as they told last."""
        found = {}
        for event in self.events:
            if isinstance(event, AgentJoined):
                found[event.inventory.agent.agent_id] = event.inventory
            elif isinstance(event, AgentLost):
                found.pop(event.agent_id, None)
        return found

    def run(self, agent_id: str, command: str, *task_ids: str, url: str, cpus: float = 0.1) -> None:
        """Launch script shards, with the room that they take."""
        self.engine.reserve(agent_id, cpus, 64.0)
        self.engine.send(agent_id, [script_launch(command, task_ids, url)])

    async def runs(self, task_id: str) -> None:
        """Wait until a task runs."""
        await self.until(lambda: TaskState.RUNNING in self.states(task_id))

    def drains(self, agent_id: str) -> bool:
        """Tell whether the scheduler was told that the agent takes no new tasks."""
        return any(isinstance(event, AgentDraining) and event.agent_id == agent_id for event in self.events)

    def reason_of_loss(self, agent_id: str) -> str:
        """Give what was told of why an agent is lost."""
        return next(
            event.reason
            for event in self.events
            if isinstance(event, AgentLost) and event.agent_id == agent_id
        )

    def ends(self, task_id: str) -> list[TaskState]:
        """Give all ends that were told of a task."""
        return [state for state in self.states(task_id) if state.is_terminal]

    def _sink(self, event: EngineEvent) -> None:
        if isinstance(event, AgentLost):
            self.lost_at[event.agent_id] = time.time()
        super()._sink(event)


@contextlib.asynccontextmanager
async def leading(
    engine: RayEngine, epoch: int = 1, known: frozenset[str] = frozenset()
) -> AsyncIterator[Fleet]:
    """A fleet whose first agent has joined; stops cleanly."""
    fleet = Fleet(engine)
    try:
        await engine.start(epoch, known, fleet._sink)
        await until(lambda: bool(fleet.joined), "an agent joins")
        yield fleet
    finally:
        await engine.stop()


async def until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Wait for something that is seen from outside only, for as long as Ray may take."""
    await waiting.until(condition, what, seconds)


def beating(file: Path) -> str:
    """Give a script that shows that it runs, by touching a file."""
    return f"while true; do : > {file}; sleep 0.02; done; true"


def last_beat(file: Path) -> float:
    """Tell when such a script touched its file last: wall time."""
    return file.stat().st_mtime


def agent_process(agent_dir: Path, agent_id: str) -> AgentProcess:
    """Find an agent's process."""
    for directory in agent_dir.iterdir():
        present = AgentDirectory(directory).read_process()
        if present is not None and present.agent_id == agent_id:
            return present
    raise AssertionError(f"{agent_id} has no directory.")


def relay_pid(agent_dir: Path, agent_id: str) -> int:
    """Find the process of the relay that keeps this agent: it has the lock of its directory."""
    for directory in agent_dir.iterdir():
        present = AgentDirectory(directory).read_process()
        if present is None or present.agent_id != agent_id:
            continue
        inode = (directory / "keeper.lock").stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if fields[5].endswith(f":{inode}"):
                return int(fields[4])
    raise AssertionError(f"{agent_id} has no relay.")


def gateway_pids() -> list[int]:
    """Find the gateways that this process has started."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    found = []
    for pid in (int(it) for file in children for it in file.read_text().split()):
        with contextlib.suppress(OSError):
            if b"elasticjob_cloud.engine.ray.gateway" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found
