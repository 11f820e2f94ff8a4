"""What breaks between a scheduler and its agents on a real Ray cluster, and what must not come of it."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.model.messages import EngineEvent, Kill
from elasticjob_cloud.model.task import TaskState
from tests.clusters.ray_nodes import MISSING, has_ray
from tests.contract.conftest import empty_app, waiting_for
from tests.contract.ray_world import make_engine
from tests.integration.engine.ray.ray_fleet import (
    Fleet,
    Place,
    agent_process,
    beating,
    gateway_pids,
    last_beat,
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
# What is measured here must not hang on how busy the machine is: longer than elsewhere, and long where no fence is meant.
_FENCE = 5.0
_LOST = 10.0
_LONG_FENCE = 40.0
_LONG_LOST = 60.0


@pytest.fixture
def place() -> Iterator[Place]:
    with own_place(_FENCE, _LOST) as made:
        yield made


@pytest.fixture
def url(tmp_path: Path) -> str:
    return empty_app(tmp_path)


async def _beats_after(beat: Path, seconds: float) -> None:
    """Wait until a script has beaten after that time, for it runs on."""
    await until(lambda: beat.exists() and last_beat(beat) > seconds, "the script runs on")


async def _gone_before_lost(fleet: Fleet, agent_id: str, beat: Path) -> None:
    """Wait for the loss; what the agent ran must have ended before."""
    await until(lambda: agent_id in fleet.lost_at, "the agent is lost")
    await asyncio.sleep(0.5)  # what must not happen has no event to wait for
    assert last_beat(beat) < fleet.lost_at[agent_id]


def test_node_that_comes_has_an_agent_and_one_that_dies_loses_it_after_its_tasks(
    place: Place, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            first = fleet.agent_id
            node = await asyncio.to_thread(place.cluster.add_node, 1, 512)
            await until(lambda: len(fleet.agents) == 2, "the new node has an agent")
            (second,) = fleet.agents.keys() - {first}
            assert fleet.agents[second].agent.cpus == 1
            beat = tmp_path / "beat"
            fleet.run(second, beating(beat), "t", url=url)
            await fleet.runs("t")
            process = agent_process(place.agents, second)
            killed_at = time.time()
            os.kill(node.raylet_pid, signal.SIGKILL)
            # The agent is nobody's child, and lives until its fence; Ray ends those of a dead raylet after two seconds.
            await _beats_after(beat, killed_at + 2.5)
            assert process.runs()
            await _gone_before_lost(fleet, second, beat)
            assert fleet.lost_at[second] - killed_at < _LOST + 5
            assert first in fleet.agents

    asyncio.run(scenario())


def test_frozen_agent_is_replaced_and_its_script_gone_before_it_is_lost(
    place: Place, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with leading(place.engine()) as fleet:
            former = fleet.agent_id
            beat = tmp_path / "beat"
            fleet.run(former, beating(beat), "t", url=url)
            await fleet.runs("t")
            frozen_at = time.time()
            os.kill(agent_process(place.agents, former).pid, signal.SIGSTOP)
            await _beats_after(beat, frozen_at + 0.5)
            await _gone_before_lost(fleet, former, beat)
            assert fleet.agent_id != former

    asyncio.run(scenario())


def test_task_survives_the_deaths_of_relay_and_gateway_and_its_end_is_told_once(
    place: Place, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with leading(place.engine(_LONG_FENCE, _LONG_LOST)) as fleet:
            agent_id = fleet.agent_id
            fleet.run(agent_id, waiting_for(tmp_path / "go"), "t", url=url)
            await fleet.runs("t")
            os.kill(relay_pid(place.agents, agent_id), signal.SIGKILL)
            await until(lambda: len(fleet.joined) >= 2, "it joins again after its relay died")
            joined = len(fleet.joined)
            (gateway,) = gateway_pids()
            os.kill(gateway, signal.SIGKILL)
            await until(lambda: len(fleet.joined) > joined, "it joins again after the gateway died")
            joined = len(fleet.joined)
            await until(lambda: len(gateway_pids()) == 1, "there is one gateway")
            os.kill(gateway_pids()[0], signal.SIGSTOP)
            await until(lambda: len(fleet.joined) > joined, "it joins again after the gateway froze")
            (tmp_path / "go").touch()
            await fleet.ended("t")
            assert fleet.ends("t") == [TaskState.FINISHED]
            assert {it.inventory.agent.agent_id for it in fleet.joined} == {agent_id}
            assert not fleet.lost

    asyncio.run(scenario())


def test_relays_need_no_code_that_rays_head_may_forget_before_it_starts_them_again(place: Place) -> None:
    """It forgets what a driver brought when it counts that driver's node as dead, at the latest with the next relay that ends."""

    async def scenario() -> None:
        async with leading(place.engine()):
            assert place.driver.actor_classes() == 0

    asyncio.run(scenario())


def test_frozen_relay_is_replaced_and_the_task_runs_on(place: Place, url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with leading(place.engine(100.0, 120.0)) as fleet:
            agent_id = fleet.agent_id
            fleet.run(agent_id, waiting_for(tmp_path / "go"), "t", url=url)
            await fleet.runs("t")
            os.kill(relay_pid(place.agents, agent_id), signal.SIGSTOP)
            await until(lambda: len(fleet.joined) == 2, "it joins again by another relay", 90)
            (tmp_path / "go").touch()
            assert (await fleet.ended("t")).state is TaskState.FINISHED
            assert fleet.agent_id == agent_id

    asyncio.run(scenario())


def test_agent_whose_heartbeats_are_not_confirmed_ends_its_tasks_before_they_are_given_away(
    place: Place, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        engine = place.engine()
        async with leading(engine) as fleet:
            beat = tmp_path / "beat"
            fleet.run(fleet.agent_id, beating(beat), "t", url=url)
            await fleet.runs("t")
            unconfirmed_at = time.time()
            engine.lead_until(0.0)
            await fleet.ended("t")
            assert fleet.states("t")[-1] is not TaskState.FINISHED
            assert last_beat(beat) - unconfirmed_at < _LOST
            assert last_beat(beat) - unconfirmed_at > _FENCE * 0.5

    asyncio.run(scenario())


def test_commands_of_an_older_epoch_that_is_still_connected_are_refused(
    place: Place, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with leading(place.engine(), epoch=1) as older, leading(place.engine(), epoch=2) as newer:
            agent_id = newer.agent_id
            assert agent_id == older.agent_id
            newer.run(agent_id, waiting_for(tmp_path / "go"), "t", url=url)
            await newer.runs("t")
            told = len(older.events)
            older.run(agent_id, f"touch {tmp_path}/wrong; true", "wrong", url=url)
            older.engine.send(agent_id, [Kill(("t",), "of a deposed leader")])
            (tmp_path / "go").touch()
            assert (await newer.ended("t")).state is TaskState.FINISHED
            assert not (tmp_path / "wrong").exists()
            assert len(older.events) == told

    asyncio.run(scenario())


def test_two_schedulers_that_begin_at_once_have_one_agent_and_the_newer_epoch_has_it(
    place: Place, url: str
) -> None:
    async def scenario() -> None:
        older, newer = Fleet(place.engine()), Fleet(place.engine())
        await asyncio.gather(
            older.engine.start(1, frozenset(), older._sink),
            newer.engine.start(2, frozenset(), newer._sink),
            return_exceptions=True,  # the older one may be refused at once, or later
        )
        try:
            await newer.until(lambda: bool(newer.joined))
            newer.run(newer.agent_id, "true", "t", url=url)
            assert (await newer.ended("t")).state is TaskState.FINISHED
            assert [it.name for it in place.agents.iterdir()] == ["0"]
        finally:
            await older.engine.stop()
            await newer.engine.stop()

    asyncio.run(scenario())


def test_changed_settings_reach_an_idle_agent_and_not_one_that_runs_a_task(
    place: Place, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with leading(place.engine(_LONG_FENCE, _LONG_LOST)) as fleet:
            former = fleet.agent_id
            fleet.run(former, waiting_for(tmp_path / "go"), "t", url=url)
            await fleet.runs("t")
        async with leading(
            place.engine(_LONG_FENCE + 1, _LONG_LOST), epoch=2, known=frozenset({former})
        ) as fleet:
            assert fleet.agent_id == former
            (tmp_path / "go").touch()
            assert (await fleet.ended("t")).state is TaskState.FINISHED
        async with leading(
            place.engine(_LONG_FENCE + 1, _LONG_LOST), epoch=3, known=frozenset({former})
        ) as fleet:
            await until(lambda: fleet.lost == [former], "the former agent is told to be gone")
            assert fleet.agent_id != former

    asyncio.run(scenario())


def test_gateway_that_cannot_join_says_so_and_holds_up_nobody(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario() -> None:
        engine = make_engine(place.cluster, place.agents, place.namespace, address="127.0.0.1:1", answer=2.0)
        began = asyncio.get_running_loop().time()
        told: list[EngineEvent] = []
        await engine.start(1, frozenset(), told.append)
        assert asyncio.get_running_loop().time() - began < 10
        said = ""

        def complains() -> bool:
            nonlocal said
            said += capsys.readouterr().out
            return "does not answer yet" in said or "cannot be joined" in said

        await until(complains, "the gateway says that it has not joined")
        assert "127.0.0.1:1" in said
        assert told == []
        (first,) = gateway_pids()
        await until(lambda: gateway_pids() not in ([], [first]), "the next gateway tries")
        stopping = asyncio.get_running_loop().time()
        await engine.stop()
        assert asyncio.get_running_loop().time() - stopping < 10

    asyncio.run(scenario())
