"""Ray's head dies, and takes the whole cluster with it: what a scheduler and its agents make of that."""

import asyncio
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.queries.logs import LogRead
from elasticjob_cloud.model.task import TaskState
from tests.clusters.ray_nodes import MISSING, RayCluster, has_ray
from tests.contract.conftest import empty_app, waiting_for
from tests.contract.ray_world import end_agents, make_engine
from tests.integration.engine.ray.ray_fleet import gateway_pids, leading, until
from tests.processes import free_port

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(280),
    pytest.mark.skipif(not has_ray(), reason=MISSING),
]
_AWAY_SECONDS = 5  # Ray's processes end when the head is away for longer
_ANSWER_SECONDS = 12


def test_task_survives_the_death_of_the_whole_cluster_and_its_scheduler_waits_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", str(_AWAY_SECONDS))
    url = empty_app(tmp_path)
    port = free_port()

    async def scenario(agents: Path) -> None:
        with RayCluster.started(port) as first:
            await asyncio.to_thread(first.add_node, 2, 512)
            engine = make_engine(first, agents, "test", fence=150.0, lost=180.0)
            async with leading(engine) as fleet:
                agent_id = fleet.agent_id
                fleet.run(agent_id, waiting_for(tmp_path / "go"), "t", url=url)
                await fleet.runs("t")
                (gateway,) = gateway_pids()
                first.kill_head()
                await until(lambda: gateway not in gateway_pids(), "the gateway ends")
                began = time.monotonic()
                with pytest.raises(UnavailableError):
                    await engine.ask_log(agent_id, LogRead("t", "stdout", 0, 10))
                engine.reconcile(frozenset({agent_id}))
                engine.want_room([((1.0, 64.0),)])
                assert time.monotonic() - began < _ANSWER_SECONDS
                await asyncio.to_thread(first.stop)
                with RayCluster.started(port) as second:
                    os.environ.update(second.environment)  # for the next gateway: another token
                    await asyncio.to_thread(second.add_node, 2, 512)
                    await until(lambda: len(fleet.joined) > 1, "the agent joins by the next cluster", 120)
                    assert fleet.agent_id == agent_id
                    (tmp_path / "go").touch()
                    assert (await fleet.ended("t")).state is TaskState.FINISHED
                    assert not fleet.lost
                    await engine.stop()

    with TemporaryDirectory(prefix="agents-", ignore_cleanup_errors=True) as directory:
        agents = Path(directory)
        try:
            asyncio.run(scenario(agents))
        finally:
            end_agents(agents)
