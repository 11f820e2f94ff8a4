"""Nodes that Ray takes away with notice, and agents that are told to end: nothing new, and word of all that ran."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.model.messages import AgentLost
from elasticjob_cloud.model.task import TaskState
from tests.clusters.ray_nodes import MISSING, RayNode, has_ray
from tests.contract.conftest import empty_app, waiting_for
from tests.integration.engine.ray.ray_fleet import (
    Fleet,
    Place,
    agent_process,
    beating,
    last_beat,
    leading,
    own_place,
    relay_pid,
    until,
)
from tests.processes import is_alive

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not has_ray(), reason=MISSING),
]
# Long: nothing here must hang on silence.
_FENCE = 100.0
_LOST = 150.0


@pytest.fixture
def place() -> Iterator[Place]:
    with own_place(_FENCE, _LOST) as made:
        yield made


@pytest.fixture
def url(tmp_path: Path) -> str:
    return empty_app(tmp_path)


async def _second_node(place: Place, fleet: Fleet) -> tuple[RayNode, str]:
    """Add a node; give it with its agent."""
    first = fleet.agent_id
    node = await asyncio.to_thread(place.cluster.add_node, 1, 512)
    await until(lambda: len(fleet.agents) == 2, "the new node has an agent")
    (second,) = fleet.agents.keys() - {first}
    return node, second


def test_drained_node_finishes_its_task_and_goes_once_it_was_released(
    place: Place, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            node, agent_id = await _second_node(place, fleet)
            fleet.run(agent_id, waiting_for(tmp_path / "go"), "t", url=url)
            await fleet.runs("t")
            await asyncio.to_thread(place.cluster.drain_node, node)
            await until(lambda: fleet.drains(agent_id), "the scheduler hears of the drain")
            await until(lambda: bool(fleet.agents[agent_id].agent.draining), "its inventory says so too")
            assert is_alive(node.raylet_pid)
            (tmp_path / "go").touch()
            assert (await fleet.ended("t")).state is TaskState.FINISHED
            fleet.engine.release(agent_id)
            await until(lambda: not is_alive(node.raylet_pid), "Ray ends the node")
            assert fleet.lost == []

    asyncio.run(scenario())


def test_tasks_of_a_drained_node_end_and_are_told_before_its_deadline(
    place: Place, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            node, agent_id = await _second_node(place, fleet)
            beat = tmp_path / "beat"
            fleet.run(agent_id, beating(beat), "t", url=url)
            await fleet.runs("t")
            drained_at = time.time()
            await asyncio.to_thread(place.cluster.drain_node, node, 15)
            status = await fleet.ended("t")
            assert status.state is TaskState.LOST
            assert "Ray takes its node away" in status.message
            await until(lambda: agent_id in fleet.lost_at, "the agent is lost without a silence")
            assert "It ended" in fleet.reason_of_loss(agent_id)
            assert last_beat(beat) < fleet.lost_at[agent_id]
            assert last_beat(beat) > drained_at + 2, "it had time until shortly before the deadline"

    asyncio.run(scenario())


def test_node_that_drained_before_it_was_seen_is_joined_as_draining(
    place: Place, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            node, agent_id = await _second_node(place, fleet)
            fleet.run(agent_id, waiting_for(tmp_path / "go"), "t", url=url)
            await fleet.runs("t")
        await asyncio.to_thread(place.cluster.drain_node, node)
        async with leading(place.engine(), epoch=2, known=frozenset({agent_id})) as fleet:
            await until(lambda: agent_id in fleet.agents, "the next leader has the agent too")
            assert fleet.agents[agent_id].agent.draining
            (tmp_path / "go").touch()
            assert (await fleet.ended("t")).state is TaskState.FINISHED
            fleet.engine.release(agent_id)
            await until(lambda: not is_alive(node.raylet_pid), "Ray ends the node")

    asyncio.run(scenario())


def test_terminated_agent_tells_its_end_though_its_relay_dies_with_it(
    place: Place, url: str, tmp_path: Path
) -> None:
    """As a machine does that shuts down: nothing on it lives long enough to start a successor, which could tell."""

    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            node, agent_id = await _second_node(place, fleet)
            beat = tmp_path / "beat"
            fleet.run(agent_id, beating(beat), "t", url=url)
            await fleet.runs("t")
            process, relay = agent_process(place.agents, agent_id), relay_pid(place.agents, agent_id)
            os.kill(process.pid, signal.SIGTERM)
            await until(lambda: fleet.drains(agent_id), "it says at once that it ends")
            await until(lambda: agent_id in fleet.lost_at, "it says that all has ended")
            os.kill(relay, signal.SIGKILL)
            os.kill(node.raylet_pid, signal.SIGKILL)
            assert fleet.ends("t")[0] is TaskState.LOST
            assert "SIGTERM" in fleet.reason_of_loss(agent_id)
            assert last_beat(beat) < fleet.lost_at[agent_id]
            told = [event for event in fleet.events if isinstance(event, AgentLost)]
            assert [event.agent_id for event in told] == [agent_id]

    asyncio.run(scenario())
