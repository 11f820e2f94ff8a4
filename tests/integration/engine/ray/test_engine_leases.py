"""What the Ray engine takes of a cluster that it shares with others, and what it asks the autoscaler for."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.model.messages import AgentJoined
from elasticjob_cloud.model.task import TaskState
from tests.clusters.ray_nodes import MISSING, has_ray
from tests.contract.conftest import empty_app
from tests.integration.engine.ray.ray_fleet import Place, gateway_pids, leading, own_place, until

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not has_ray(), reason=MISSING),
]
_CPUS = 4.0  # of the shared cluster's only node


@pytest.fixture
def place() -> Iterator[Place]:
    with own_place(fence=40.0, lost=60.0) as made:
        yield made


@pytest.fixture
def url(tmp_path: Path) -> str:
    return empty_app(tmp_path)


def test_room_is_leased_while_it_is_taken_found_by_the_next_gateway_and_given_back(
    place: Place, url: str
) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            assert place.leases() == set()
            fleet.run(fleet.agent_id, "sleep 100; true", "t", url=url, cpus=1.5)
            await fleet.runs("t")
            await until(lambda: place.driver.free_cpus() == _CPUS - 1.5, "others see that it is taken")
            leases = place.leases()
            assert leases
            os.kill(gateway_pids()[0], signal.SIGKILL)
            await until(lambda: len(fleet.joined) == 2, "the agent joins again")
            fleet.engine.reserve(fleet.agent_id, 1.5, 64.0)
            await asyncio.sleep(1)  # nothing is to change
            assert place.leases() == leases
            fleet.engine.reserve(fleet.agent_id, 0.0, 0.0)
            await until(lambda: place.leases() == set(), "the leases are given back")
            await until(lambda: place.driver.free_cpus() == _CPUS, "others see that it is free")

    asyncio.run(scenario())


def test_leases_of_a_scheduler_that_died_are_given_back_by_the_next_that_needs_none(
    place: Place, url: str
) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            fleet.run(fleet.agent_id, "true", "t", url=url, cpus=1.5)
            await fleet.ended("t")
            assert place.leases()
        async with leading(place.engine(), epoch=2) as fleet:
            fleet.engine.reserve(fleet.agent_id, 0.0, 0.0)
            await until(lambda: place.leases() == set(), "the leases are given back")

    asyncio.run(scenario())


def test_launch_is_dropped_where_others_have_the_room_and_the_agent_is_as_large_as_what_is_left(
    place: Place, url: str
) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            place.driver.take(_CPUS - 0.5)
            fleet.run(fleet.agent_id, "true", "t", url=url, cpus=2.0)
            status = await fleet.ended("t")
            assert status.state is TaskState.DROPPED
            assert "Others use the node" in status.message
            assert "2 CPU" in status.message
            fleet.engine.reserve(fleet.agent_id, 0.0, 0.0)

            def cpus() -> float:
                joined = [event for event in fleet.events if isinstance(event, AgentJoined)]
                return joined[-1].inventory.agent.cpus

            await until(lambda: cpus() == 0.5, "the scheduler learns what is left")
            place.driver.give_back()
            await until(lambda: cpus() == _CPUS, "the scheduler learns that there is more again")
            fleet.run(fleet.agent_id, "true", "u", url=url, cpus=2.0)
            assert (await fleet.ended("u")).state is TaskState.FINISHED

    asyncio.run(scenario())


def test_leases_of_a_node_that_is_gone_are_removed(place: Place, url: str) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            first = fleet.agent_id
            node = await asyncio.to_thread(place.cluster.add_node, 1, 512)
            await until(lambda: len(fleet.agents) == 2, "the new node has an agent")
            (second,) = fleet.agents.keys() - {first}
            fleet.run(second, "sleep 100; true", "t", url=url, cpus=0.5)
            await fleet.runs("t")
            assert any(node.node_id in name for name in place.leases())
            await asyncio.to_thread(place.cluster.remove_node, node)
            await until(
                lambda: not any(node.node_id in name for name in place.leases()), "its lease is removed"
            )

    asyncio.run(scenario())


@pytest.mark.parametrize("_time", range(3))  # once is a matter of luck
def test_node_that_joins_for_what_waits_is_shown_with_all_its_room(place: Place, _time: int) -> None:
    """Ray gives the node to what we asked for before we look: that is ours, and not another's."""

    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            first = fleet.agent_id
            # The first node has less memory.
            fleet.engine.want_room([((3.0, 2000.0),)] * 3)
            await until(lambda: len(place.driver.demand()) == 3, "the autoscaler is asked")
            node = await asyncio.to_thread(place.cluster.add_node, 3, 2048)
            try:
                await until(lambda: len(fleet.agents) == 2, "the new node has an agent")
                (second,) = fleet.agents.keys() - {first}
                agents = [joined.inventory.agent for joined in fleet.joined]
                shown = [agent.cpus for agent in agents if agent.agent_id == second]
                assert shown[0] == 3, "it is shown with less at first"
            finally:
                await asyncio.to_thread(place.cluster.remove_node, node)

    asyncio.run(scenario())


def test_what_waits_for_room_is_shown_to_the_autoscaler_until_it_has_it_or_waits_no_more(
    place: Place,
) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            big = {"CPU": 64.0, "memory": float(128 << 20)}
            fleet.engine.want_room([((64.0, 128.0),), ((64.0, 128.0),)])
            await until(lambda: place.driver.demand() == [big, big], "the autoscaler is asked")
            fleet.engine.want_room([((64.0, 128.0),), ((0.5, 64.0),)])
            await until(lambda: place.driver.demand() == [big], "the piece that fits is there")
            await until(lambda: len(place.driver.groups()) == 1, "what came is given back")
            os.kill(gateway_pids()[0], signal.SIGKILL)
            await until(lambda: len(fleet.joined) == 2, "the agent joins again")
            await until(lambda: place.driver.demand() == [big], "the next gateway asks for the same")
            fleet.engine.want_room([])
            await until(lambda: place.driver.demand() == [], "nothing is asked for")

    asyncio.run(scenario())


def test_calls_to_relays_are_not_kept_among_the_tasks_that_others_look_up(place: Place, url: str) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            fleet.run(fleet.agent_id, "true", "t", url=url)
            await fleet.ended("t")
            assert place.driver.tasks("Relay") == 0

    asyncio.run(scenario())
