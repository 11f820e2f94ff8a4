"""The raylet beside the gateway dies: Ray counts the driver as ended, though its process lives and serves on."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from elasticjob_cloud.model.messages import AgentJoined
from tests.clusters.ray_nodes import MISSING, RayCluster, has_ray
from tests.contract.ray_world import end_agents_for_good, make_engine
from tests.integration.engine.ray.ray_fleet import gateway_pids, leading, until

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not has_ray(), reason=MISSING),
]


def _ids(joined: Sequence[AgentJoined]) -> set[str]:
    return {it.inventory.agent.agent_id for it in joined}


def test_nodes_that_come_after_the_gateways_own_raylet_died_have_agents() -> None:
    async def scenario(agents: Path) -> None:
        with RayCluster.started() as cluster:
            await asyncio.to_thread(cluster.add_node, 2, 512)
            engine = make_engine(cluster, agents, "test", fence=60.0, lost=80.0)
            async with leading(engine) as fleet:
                # The next gateway has made no relay, and so nothing but its own life keeps its code with the head.
                (first,) = gateway_pids()
                os.kill(first, signal.SIGKILL)
                await until(lambda: len(fleet.joined) == 2, "the agent joins by the next gateway")
                await asyncio.to_thread(cluster.kill_heads_raylet)
                node = await asyncio.to_thread(cluster.add_node, 2, 512)
                await until(lambda: len(fleet.agents) == 2, "the new node has an agent")
                # With the only relay that a driver without a home has made its code is forgotten too.
                await asyncio.to_thread(cluster.remove_node, node)
                known = len(fleet.joined)
                await asyncio.to_thread(cluster.add_node, 2, 512)
                # It is the one of the node before, whose directory the next node on this machine takes.
                agent_id = list(fleet.agents)[-1]
                await until(
                    lambda: agent_id in _ids(fleet.joined[known:]), "the node after that has one as well"
                )
                assert not fleet.lost

    with TemporaryDirectory(prefix="agents-", ignore_cleanup_errors=True) as directory:
        try:
            asyncio.run(scenario(Path(directory)))
        finally:
            end_agents_for_good(Path(directory))
