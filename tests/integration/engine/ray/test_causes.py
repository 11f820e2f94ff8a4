"""What a scheduler says of agents that it lost: the cause that Ray knows, not only that nothing was heard."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from elasticjob_cloud.engine.ray import engine as engine_module
from tests.clusters.ray_nodes import MISSING, RayCluster, has_ray
from tests.contract.conftest import empty_app
from tests.contract.ray_world import end_agents_for_good, make_engine
from tests.integration.engine.ray.ray_fleet import (
    Place,
    agent_process,
    beating,
    leading,
    own_place,
    relay_pid,
    until,
)

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not has_ray(), reason=MISSING),
]


class Log:
    """Stands where the engine's log does."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, line: str, **facts: object) -> None:
        self.lines.append(f"{line} {facts}")

    info = error = warning

    def has(self, words: str) -> bool:
        return any(words in line for line in self.lines)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    made = Log()
    monkeypatch.setattr(engine_module, "_log", made)
    return made


@pytest.fixture
def place() -> Iterator[Place]:
    with own_place(fence=5.0, lost=10.0) as made:
        yield made


@pytest.fixture
def url(tmp_path: Path) -> str:
    return empty_app(tmp_path)


def test_agent_of_a_node_that_died_is_lost_with_rays_reason(place: Place, url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            first = fleet.agent_id
            node = await asyncio.to_thread(place.cluster.add_node, 1, 512)
            await until(lambda: len(fleet.agents) == 2, "the new node has an agent")
            (second,) = fleet.agents.keys() - {first}
            fleet.run(second, beating(tmp_path / "beat"), "t", url=url)
            await fleet.runs("t")
            os.kill(node.raylet_pid, signal.SIGKILL)
            await until(lambda: second in fleet.lost_at, "the agent is lost")
            assert "Ray counts its node as dead: UNEXPECTED_TERMINATION" in fleet.reason_of_loss(second)

    asyncio.run(scenario())


def test_agent_that_died_with_its_relay_is_lost_with_the_relays_cause(
    place: Place, url: str, tmp_path: Path, log: Log
) -> None:
    async def scenario() -> None:
        async with leading(place.engine(40.0, 60.0)) as fleet:
            agent_id = fleet.agent_id
            fleet.run(agent_id, beating(tmp_path / "beat"), "t", url=url)
            await fleet.runs("t")
            relay, process = relay_pid(place.agents, agent_id), agent_process(place.agents, agent_id)
            os.kill(relay, signal.SIGKILL)
            os.kill(process.pid, signal.SIGKILL)
            await until(lambda: agent_id in fleet.lost_at, "its successor has joined")
            await until(lambda: log.has("Its relay died: SYSTEM_ERROR"), "the log has it too")

    asyncio.run(scenario())


def test_relay_that_was_killed_by_hand_is_told_so(place: Place, log: Log) -> None:
    async def scenario() -> None:
        async with leading(place.engine(40.0, 60.0)) as fleet:
            await asyncio.to_thread(place.driver.kill_actors)
            await until(lambda: len(fleet.joined) == 2, "it joins again")
            await until(lambda: log.has("killed by `ray.kill`"), "the log says who killed it")

    asyncio.run(scenario())


def test_relay_that_cannot_start_says_why(place: Place, log: Log) -> None:
    async def scenario() -> None:
        blocked = place.agents / "file"
        blocked.touch()
        engine = make_engine(place.cluster, blocked / "agents", place.namespace, answer=1.0)
        await engine.start(1, frozenset(), lambda _: None)
        try:
            await until(lambda: log.has("Its relay died"), "the head's word of it is told")
            await until(lambda: log.has("The relay could not start"), "the reason is told")
            assert log.has("cannot be written")
            assert not log.has("Traceback"), log.lines
        finally:
            await engine.stop()

    asyncio.run(scenario())


@contextlib.contextmanager
def _monitored(threshold: str) -> Iterator[tuple[RayCluster, Path]]:
    """Give a cluster whose memory monitor is on, with one node, and a directory for agents."""
    monitor = {
        "RAY_memory_monitor_refresh_ms": "250",
        "RAY_memory_usage_threshold": threshold,
        "RAY_min_memory_free_bytes": "-1",
    }
    with (
        TemporaryDirectory(prefix="agents-", ignore_cleanup_errors=True) as agents,
        RayCluster.started(environment=monitor) as cluster,
    ):
        cluster.add_node(cpus=1, memory_mb=512)
        yield cluster, Path(agents)
        cluster.stop()
        end_agents_for_good(Path(agents))


def test_relay_that_the_memory_monitor_kills_is_told_so(log: Log) -> None:
    """A threshold of one percent is always exceeded: what a machine does whose memory others use up."""

    async def scenario(cluster: RayCluster, agents: Path) -> None:
        engine = make_engine(cluster, agents, "monitored", 1.0, 2.0, answer=1.0)
        await engine.start(1, frozenset(), lambda _: None)
        try:
            await until(lambda: log.has("Its relay died: NODE_OUT_OF_MEMORY"), "the cause is told")
            assert log.has("RAY_memory_monitor_refresh_ms=0")
        finally:
            await engine.stop()

    with _monitored("0.01") as (cluster, agents):
        asyncio.run(scenario(cluster, agents))


def test_memory_monitor_that_is_on_is_warned_of_before_it_kills(log: Log) -> None:
    async def scenario(cluster: RayCluster, agents: Path) -> None:
        async with leading(make_engine(cluster, agents, "monitored", 40.0, 60.0)):
            await until(lambda: log.has("memory monitor is on"), "the setting is warned of")

    with _monitored("0.99") as (cluster, agents):
        asyncio.run(scenario(cluster, agents))


def test_nothing_is_warned_of_where_the_memory_monitor_is_off(place: Place, log: Log) -> None:
    async def scenario() -> None:
        async with leading(place.engine(40.0, 60.0)) as fleet:
            fleet.engine.reconcile(frozenset())
            await until(lambda: len(fleet.joined) == 2, "all that the gateway said of the session has come")
            assert not log.has("memory monitor")

    asyncio.run(scenario())
