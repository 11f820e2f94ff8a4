"""Idle nodes of a real Ray cluster that are let go of: to Ray they are idle, and they come back when there is need."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from elasticjob_cloud.agent.scheduler_link.directory import AgentProcess
from elasticjob_cloud.engine.ray.engine import RayEngine
from elasticjob_cloud.engine.ray.frames import Release
from elasticjob_cloud.model.task import TaskState
from tests.clusters.ray_nodes import MISSING, RayNode, has_ray
from tests.contract.conftest import empty_app
from tests.integration.engine.ray.ray_fleet import (
    Fleet,
    Place,
    agent_process,
    gateway_pids,
    leading,
    own_place,
    relay_pid,
    until,
)

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not has_ray(), reason=MISSING),
]
_FENCE = 20.0
_LOST = 30.0


@pytest.fixture
def place() -> Iterator[Place]:
    with own_place(_FENCE, _LOST) as made:
        yield made


@pytest.fixture
def url(tmp_path: Path) -> str:
    return empty_app(tmp_path)


class Second(NamedTuple):
    """A node of a test's own, on which there is nothing else, and what lives there."""

    node: RayNode
    agent_id: str
    agent: AgentProcess
    relay: int

    def is_gone(self) -> bool:
        return not self.agent.runs() and not Path(f"/proc/{self.relay}").exists()


@contextlib.asynccontextmanager
async def _two_nodes(place: Place) -> AsyncIterator[tuple[Fleet, Second]]:
    async with leading(place.engine()) as fleet:
        first = fleet.agent_id
        node = await asyncio.to_thread(place.cluster.add_node, 1, 512)
        try:
            await until(lambda: len(fleet.agents) == 2, "the new node has an agent")
            (second,) = fleet.agents.keys() - {first}
            process, relay = agent_process(place.agents, second), relay_pid(place.agents, second)
            yield fleet, Second(node, second, process, relay)
        finally:
            await asyncio.to_thread(place.cluster.remove_node, node)


def _successor(fleet: Fleet, former: str) -> str | None:
    """Give the agent that took the place of this one."""
    return next((it for it, inventory in fleet.agents.items() if former in inventory.predecessors), None)


async def _runs_a_task(fleet: Fleet, agent_id: str, url: str) -> None:
    fleet.run(agent_id, "true", f"on-{agent_id}", url=url)
    assert (await fleet.ended(f"on-{agent_id}")).state is TaskState.FINISHED


def test_released_node_is_idle_to_ray_until_room_is_wanted(place: Place, url: str) -> None:
    async def scenario() -> None:
        async with _two_nodes(place) as (fleet, second):
            await _runs_a_task(fleet, second.agent_id, url)
            node_id = second.node.node_id
            assert any(node_id in lease for lease in place.leases())
            await until(
                lambda: place.driver.idle_ms(node_id) == 0, "the node is busy, as Ray's head knows by now"
            )

            fleet.engine.release(second.agent_id)
            await until(second.is_gone, "agent and relay end")
            await until(lambda: place.driver.idle_ms(node_id) > 2_500, "the node is idle, and stays so")
            assert not any(node_id in lease for lease in place.leases())
            assert fleet.lost == []

            began = time.monotonic()
            fleet.engine.want_room([((0.5, 64.0),)])
            await until(lambda: _successor(fleet, second.agent_id) is not None, "the node is used again")
            print(f"an agent is back after {time.monotonic() - began:.2f} s")
            await _runs_a_task(fleet, _successor(fleet, second.agent_id) or "", url)
            assert fleet.lost == []
            await until(lambda: place.driver.idle_ms(node_id) == 0, "the node is busy")

    asyncio.run(scenario())


def test_last_node_that_was_let_go_of_is_used_again_at_once(place: Place, url: str) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            released = fleet.agent_id
            process = agent_process(place.agents, released)
            fleet.engine.release(released)
            await until(lambda: _successor(fleet, released) is not None, "its node has an agent again")
            assert not process.runs()
            await _runs_a_task(fleet, _successor(fleet, released) or "", url)
            assert fleet.lost == []

    asyncio.run(scenario())


def test_next_leader_hears_at_once_that_a_released_agent_is_lost(place: Place, url: str) -> None:
    async def scenario() -> None:
        async with _two_nodes(place) as (fleet, second):
            fleet.engine.release(second.agent_id)
            await until(lambda: not second.agent.runs(), "the agent ends")
            await fleet.engine.stop()
            # As if it had recorded a task on it before it knew.
            async with leading(place.engine(), epoch=2, known=frozenset({second.agent_id})) as newer:
                await until(lambda: newer.lost == [second.agent_id], "it is lost", _LOST / 2)
                await _runs_a_task(newer, _successor(newer, second.agent_id) or "", url)

    asyncio.run(scenario())


def test_deposed_leader_cannot_end_an_agent_that_obeys_another(place: Place, url: str) -> None:
    async def scenario() -> None:
        async with _two_nodes(place) as (older, second), leading(place.engine(), epoch=2) as newer:
            await until(lambda: len(newer.agents) == 2, "both have both agents")
            assert isinstance(older.engine, RayEngine)
            older.engine.tell_gateway(Release(second.node.node_id))
            joined = len(newer.joined)
            await asyncio.sleep(2)  # what must not happen has no event to wait for
            assert second.agent.runs()
            assert len(newer.joined) == joined
            await _runs_a_task(newer, second.agent_id, url)

    asyncio.run(scenario())


def test_node_is_used_as_before_when_the_gateway_dies_in_the_middle(place: Place, url: str) -> None:
    async def scenario() -> None:
        async with _two_nodes(place) as (fleet, second):
            joined = len(fleet.joined)
            (gateway,) = gateway_pids()
            fleet.engine.release(second.agent_id)
            await asyncio.sleep(0.1)  # anywhere in between
            os.kill(gateway, signal.SIGKILL)
            await until(lambda: len(fleet.joined) >= joined + 2, "both nodes join by the next gateway")
            present = _successor(fleet, second.agent_id) or second.agent_id
            await _runs_a_task(fleet, present, url)
            assert fleet.lost == []

    asyncio.run(scenario())


def test_node_whose_relay_is_frozen_is_used_again_after_a_while(place: Place, url: str) -> None:
    async def scenario() -> None:
        async with _two_nodes(place) as (fleet, second):
            joined = len(fleet.joined)
            os.kill(second.relay, signal.SIGSTOP)
            fleet.engine.release(second.agent_id)
            await until(lambda: len(fleet.joined) > joined, "it joins anew")
            assert fleet.agent_id == second.agent_id
            await _runs_a_task(fleet, second.agent_id, url)
            assert fleet.lost == []

    asyncio.run(scenario())
