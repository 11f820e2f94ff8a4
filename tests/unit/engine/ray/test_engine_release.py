"""A node that is let go of, and what becomes of it: the Ray engine without Ray."""

import asyncio

import pytest

from elasticjob_cloud.agent.scheduler_link.frames import Events, Heartbeat, HeartbeatSeen, Hello
from elasticjob_cloud.engine.ray.frames import Held, NodeGone, Ready, Release, SessionEnded, SessionOpened
from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.messages import AgentEvents, Kill
from elasticjob_cloud.model.queries.logs import LogRead
from tests.contract.conftest import script_launch
from tests.unit.engine.ray.ray_link import LOST_SECONDS, World, play, welcome


def _releases(world: World) -> list[Release]:
    return [frame for frame in world.gateway.sent if isinstance(frame, Release)]


def test_released_agent_is_never_lost_and_nothing_is_sent_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.engine.release("a1")
        assert _releases(world) == [Release("n1")]
        sent = len(world.gateway.sent)
        world.engine.send("a1", [Kill(("t",), "")])
        world.engine.reserve("a1", 1.0, 64.0)
        world.engine.acknowledge("a1", 1)
        world.engine.reconcile(frozenset())
        world.engine.release("a1")
        await asyncio.sleep(2 * LOST_SECONDS)
        assert len(world.gateway.sent) == sent
        assert world.lost() == []

    play(monkeypatch, scenario)


def test_what_was_on_its_way_from_a_released_agent_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        told = len(world.events)
        world.engine.release("a1")
        world.agent_says("n1", "s1", Heartbeat(1), Events(AgentEvents("a1", 1, ())), welcome("a1"))
        await asyncio.sleep(2 * LOST_SECONDS)
        assert len(world.events) == told
        assert HeartbeatSeen(1) not in world.to_agent()

    play(monkeypatch, scenario)


def test_successor_of_a_released_agent_joins_and_the_former_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.engine.release("a1")
        world.say(SessionOpened("n1", "s2"))
        assert world.to_agent()[-1] == Hello(7)
        world.agent_says("n1", "s2", welcome("a2", predecessors=("a1",)))
        assert [it.agent.agent_id for it in world.joined()] == ["a1", "a2"]
        await asyncio.sleep(LOST_SECONDS + 1)
        assert world.lost() == ["a2"]

    play(monkeypatch, scenario)


def test_released_agent_that_stays_joins_anew_and_is_watched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.engine.release("a1")
        await asyncio.sleep(1)
        world.say(SessionOpened("n1", "s2"))
        world.agent_says("n1", "s2", welcome("a1"))
        assert [it.agent.agent_id for it in world.joined()] == ["a1", "a1"]
        world.engine.send("a1", [Kill(("t",), "")])
        assert world.commands() == [Kill(("t",), "")]
        await asyncio.sleep(LOST_SECONDS + 1)
        assert world.lost() == ["a1"]

    play(monkeypatch, scenario)


def test_agent_whose_session_is_broken_is_not_released_and_joins_anew_or_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(SessionEnded("n1", "s1", "why"))
        world.engine.release("a1")
        assert _releases(world) == []
        await asyncio.sleep(LOST_SECONDS + 1)
        assert world.lost() == ["a1"]

    play(monkeypatch, scenario)


def test_answer_about_a_lease_that_was_given_back_meanwhile_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.engine.reserve("a1", 1.0, 64.0)
        (hold,) = world.holds()
        world.engine.release("a1")
        world.say(Held("n1", hold.number, 1_000, 64 << 10), SessionOpened("n1", "s2"))
        world.agent_says("n1", "s2", welcome("a2"))
        world.engine.reserve("a2", 1.0, 64.0)
        world.engine.send("a2", [script_launch("true", ("t",), "file:///a")])
        assert world.commands() == []
        assert len(world.holds()) == 2
        world.say(Held("n1", world.holds()[-1].number, 1_000, 64 << 10))
        assert len(world.commands()) == 1

    play(monkeypatch, scenario)


def test_output_on_a_released_node_cannot_be_read_which_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join(predecessors=("a0",))
        world.engine.release("a1")
        for agent_id in ("a0", "a1"):
            with pytest.raises(UnavailableError, match="was idle and was let go of"):
                await world.engine.ask_log(agent_id, LogRead("t", "stdout", 0, 10))
        assert await world.engine.sandboxes("app") == []
        world.say(NodeGone("n1"))
        with pytest.raises(UnavailableError, match="cannot be reached"):
            await world.engine.ask_log("a1", LogRead("t", "stdout", 0, 10))

    play(monkeypatch, scenario)


def test_released_node_that_is_taken_away_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        told = len(world.events)
        world.engine.release("a1")
        world.say(NodeGone("n1"))
        await asyncio.sleep(2 * LOST_SECONDS)
        assert len(world.events) == told

    play(monkeypatch, scenario)
    assert "counts a node as dead" not in capsys.readouterr().out


def test_next_gateway_uses_all_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.engine.release("a1")
        world.gateway.die()
        world.say(Ready())
        world.join(session="s9", agent_id="a2", predecessors=("a1",))
        assert world.to_agent()[-1] == Hello(7)
        assert world.lost() == []

    play(monkeypatch, scenario)
