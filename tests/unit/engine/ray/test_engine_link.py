"""The Ray engine without Ray: messages of a gateway in, messages to it and events out."""

import asyncio

import pytest

from elasticjob_cloud.agent.scheduler_link.frames import (
    Acknowledge,
    Commands,
    Events,
    Heartbeat,
    HeartbeatSeen,
    Hello,
    Refused,
    Retire,
    encode_frame,
)
from elasticjob_cloud.engine.ray import engine as engine_module
from elasticjob_cloud.engine.ray.engine import RayEngine
from elasticjob_cloud.engine.ray.frames import (
    Arrived,
    Begin,
    NodeGone,
    NodeSeen,
    Ready,
    SessionEnded,
    SessionOpened,
    Trouble,
    Want,
)
from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.errors import StartError, UnavailableError
from elasticjob_cloud.model.messages import (
    AgentEvents,
    AgentInfo,
    AgentJoined,
    AgentLost,
    DisksMeasured,
    EngineEvent,
    Kill,
)
from elasticjob_cloud.model.queries.logs import LogRead
from tests.unit.engine.ray.ray_link import (
    LOST_SECONDS,
    SETTINGS,
    FakeGateway,
    World,
    gateway_of,
    play,
    welcome,
)
from tests.unit.virtual_loop import run_in_virtual_time


def test_agent_is_greeted_with_the_epoch_and_joins_with_what_its_node_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        assert world.gateway.sent[:2] == [Begin(), Want([])]
        world.join()
        assert world.to_agent() == [Hello(7)]
        (inventory,) = world.joined()
        assert inventory.agent == AgentInfo("a1", "host", "10.0.0.1", 4.0, 1024.0)

    play(monkeypatch, scenario)


def test_messages_of_an_earlier_session_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(SessionEnded("n1", "s1", "why"), SessionOpened("n1", "s2"))
        world.agent_says("n1", "s1", welcome("a1"), Events(AgentEvents("a1", 1, ())))
        assert world.events == [AgentJoined(world.joined()[0])]
        world.agent_says("n1", "s2", welcome("a1"), Events(AgentEvents("a1", 1, ())))
        assert world.events[-1] == AgentEvents("a1", 1, ())

    play(monkeypatch, scenario)


def test_events_before_the_welcome_of_a_session_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(SessionEnded("n1", "s1", "why"), SessionOpened("n1", "s2"))
        world.agent_says("n1", "s2", Events(AgentEvents("a1", 1, ())))
        assert len(world.events) == 1

    play(monkeypatch, scenario)


def test_commands_without_a_session_are_lost_until_it_has_joined_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(SessionEnded("n1", "s1", "why"), SessionOpened("n1", "s2"))
        world.engine.send("a1", [Kill(("t",), "")])
        assert world.commands() == []
        world.agent_says("n1", "s2", welcome("a1"))
        world.engine.send("a1", [Kill(("t",), "")])
        assert world.commands() == [Kill(("t",), "")]

    play(monkeypatch, scenario)


def test_heartbeat_is_confirmed_only_while_the_lease_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.agent_says("n1", "s1", Heartbeat(1))
        assert world.to_agent()[-1] == HeartbeatSeen(1)
        world.engine.lead_until(asyncio.get_running_loop().time())
        world.agent_says("n1", "s1", Heartbeat(2))
        assert world.to_agent()[-1] == HeartbeatSeen(1)

    play(monkeypatch, scenario)


def test_disks_that_come_with_a_heartbeat_are_told_once_the_agent_has_joined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disks = (Disk("/data", 1, 100),)

    async def scenario(world: World) -> None:
        world.say(NodeSeen("n1", "host", "10.0.0.1", 4000, 1 << 20), SessionOpened("n1", "s1"))
        world.agent_says("n1", "s1", Heartbeat(1, disks))
        assert world.events == []
        world.agent_says("n1", "s1", welcome("a1"), Heartbeat(2, disks), Heartbeat(3))
        assert world.events[1:] == [DisksMeasured("a1", disks)]

    play(monkeypatch, scenario)


def test_heartbeat_of_the_welcome_is_confirmed_before_anything_is_commanded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the agent, which nobody led for longer than its fence, would carry out nothing."""

    async def scenario(world: World) -> None:
        world.on_event = lambda _: world.engine.send("a1", [Kill(("t",), "")])
        world.join(heartbeat=3)
        assert world.to_agent() == [Hello(7), HeartbeatSeen(3), Commands([Kill(("t",), "")])]
        world.engine.lead_until(asyncio.get_running_loop().time())
        world.agent_says("n1", "s1", welcome("a1", heartbeat=4))
        assert HeartbeatSeen(4) not in world.to_agent()

    play(monkeypatch, scenario)


def test_silent_agent_is_lost_after_its_time_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        loop = asyncio.get_running_loop()
        await asyncio.sleep(5)
        world.agent_says("n1", "s1", Heartbeat(1))
        heard_at = loop.time()
        await asyncio.sleep(LOST_SECONDS - 0.1)
        assert world.lost() == []
        await asyncio.sleep(1.1)
        assert world.lost() == ["a1"]
        assert loop.time() - heard_at < LOST_SECONDS + 1.1

    play(monkeypatch, scenario)


def test_agent_that_may_have_a_longer_fence_is_lost_as_late_as_the_engine_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.engine.lose_after(3 * LOST_SECONDS)
        assert world.engine.lost_seconds == LOST_SECONDS
        world.join()
        await asyncio.sleep(3 * LOST_SECONDS - 0.1)
        assert world.lost() == []
        await asyncio.sleep(1.1)
        assert sorted(world.lost()) == ["a0", "a1"]

    play(monkeypatch, scenario, frozenset({"a0"}))


def test_agent_is_heard_when_its_message_is_read_though_the_loop_has_not_looked_at_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A turn may take long, or the process stand still in the middle of it; its fence counts from when it sent."""

    async def scenario(world: World) -> None:
        world.join()
        await asyncio.sleep(1)
        world.clock.ahead_seconds = 12.0
        world.agent_says("n1", "s1", Heartbeat(1))
        assert world.to_agent()[-1] == HeartbeatSeen(1)
        world.clock.ahead_seconds = 0.0
        await asyncio.sleep(12 + LOST_SECONDS - 0.1)
        assert world.lost() == []
        await asyncio.sleep(1.1)
        assert world.lost() == ["a1"]

    play(monkeypatch, scenario)


def test_agent_that_comes_back_after_it_was_lost_is_retired_and_joins_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        await asyncio.sleep(LOST_SECONDS + 1)
        world.say(SessionEnded("n1", "s1", "why"), SessionOpened("n1", "s2"))
        world.agent_says("n1", "s2", welcome("a1"))
        assert isinstance(world.to_agent()[-1], Retire)
        assert len(world.joined()) == 1
        world.engine.send("a1", [Kill(("t",), "")])
        assert world.commands() == []

    play(monkeypatch, scenario)


def test_agent_that_speaks_again_after_it_was_lost_is_retired_though_its_session_never_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        await asyncio.sleep(LOST_SECONDS + 1)
        world.agent_says("n1", "s1", Heartbeat(1))
        assert [type(it) for it in world.to_agent()] == [Hello, Retire]

    play(monkeypatch, scenario)


def test_known_agents_that_never_come_are_lost_and_again_at_each_reconcile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        await asyncio.sleep(LOST_SECONDS + 1)
        assert world.lost() == ["gone"]
        world.engine.reconcile(frozenset({"gone"}))
        assert world.lost() == ["gone", "gone"]

    play(monkeypatch, scenario, known=frozenset({"gone"}))


def test_successor_joins_before_its_predecessor_is_lost_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(SessionEnded("n1", "s1", "why"), SessionOpened("n1", "s2"))
        world.agent_says("n1", "s2", welcome("a2", predecessors=("a1", "a0")))
        assert [type(event) for event in world.events] == [AgentJoined, AgentJoined, AgentLost]
        assert world.lost() == ["a1"]

    play(monkeypatch, scenario)


def test_message_that_cannot_be_read_costs_nobody_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(Arrived("n1", "s1", [b"\x81\xa4type\xa7unknown", encode_frame(Heartbeat(1))]))
        assert world.to_agent()[-1] == HeartbeatSeen(1)

    play(monkeypatch, scenario)


def test_refusal_at_the_start_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "GatewayProcess", FakeGateway)

    async def run() -> None:
        engine = RayEngine(SETTINGS, LOST_SECONDS)
        await engine.prepare()
        gateway = gateway_of(engine)
        gateway.say(Ready())
        events: list[EngineEvent] = []
        starting = asyncio.get_running_loop().create_task(engine.start(3, frozenset(), events.append))
        await asyncio.sleep(0)
        gateway.say(NodeSeen("n1", "h", "i", 1, 1))
        gateway.say(SessionOpened("n1", "s1"))
        gateway.say(Arrived("n1", "s1", [encode_frame(Refused(5))]))
        with pytest.raises(StartError, match=r"epoch 5.*ray_namespace"):
            await starting
        gateway.say(Arrived("n1", "s1", [encode_frame(welcome("a1"))]))
        assert events == []
        await engine.stop()

    run_in_virtual_time(run())


def test_start_returns_in_two_seconds_when_no_agent_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "GatewayProcess", FakeGateway)

    async def run() -> None:
        engine = RayEngine(SETTINGS, LOST_SECONDS)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await engine.start(1, frozenset(), lambda _: None)
        assert loop.time() - began == pytest.approx(2.0, abs=0.01)
        await engine.stop()

    run_in_virtual_time(run())


def test_question_fails_at_once_when_the_way_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        asking = asyncio.ensure_future(world.engine.ask_log("a1", LogRead("t", "stdout", 0, 10)))
        await asyncio.sleep(0)
        world.gateway.die()
        with pytest.raises(UnavailableError):
            await asking
        with pytest.raises(UnavailableError):
            await world.engine.ask_log("a1", LogRead("t", "stdout", 0, 10))

    play(monkeypatch, scenario)


def test_agents_of_a_dead_gateway_join_again_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.engine.want_room([((1.0, 64.0),)])
        world.join()
        world.gateway.die()
        world.gateway.sent.clear()
        world.say(Ready())
        assert world.gateway.sent == [Begin(), Want([((1.0, 64.0),)])]
        world.join(session="s9")
        assert [it.agent.agent_id for it in world.joined()] == ["a1", "a1"]
        assert world.lost() == []

    play(monkeypatch, scenario)


def test_node_that_ray_counts_as_dead_does_not_lose_its_agent_before_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(NodeGone("n1"))
        await asyncio.sleep(LOST_SECONDS - 1)
        assert world.lost() == []
        world.join(node="n2", session="s2")  # the raylet is back, under another id, and its agent never went
        await asyncio.sleep(LOST_SECONDS - 1)
        assert world.lost() == []

    play(monkeypatch, scenario)


def test_node_of_another_size_has_its_agent_tell_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(NodeSeen("n1", "host", "10.0.0.1", 1500, 1 << 19))
        assert world.to_agent() == [Hello(7), Hello(7)]
        world.agent_says("n1", "s1", welcome("a1"))
        assert (world.joined()[-1].agent.cpus, world.joined()[-1].agent.memory_mb) == (1.5, 512.0)

    play(monkeypatch, scenario)


def test_trouble_is_told_once_and_again_after_it_was_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario(world: World) -> None:
        world.say(Trouble("No way."), Trouble("No way."), Ready(), Trouble("No way."))

    play(monkeypatch, scenario)
    assert capsys.readouterr().out.count("No way.") == 2


def test_acknowledgements_of_a_moment_go_as_one_and_none_to_the_next_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        for sequence in (1, 2, 3):
            world.engine.acknowledge("a1", sequence)
        assert Acknowledge(3) not in world.to_agent()
        await asyncio.sleep(0.3)
        assert [it for it in world.to_agent() if isinstance(it, Acknowledge)] == [Acknowledge(3)]
        world.engine.acknowledge("a1", 9)
        world.say(SessionEnded("n1", "s1", "why"), SessionOpened("n1", "s2"))
        world.agent_says("n1", "s2", welcome("a2"))  # it counts from 1
        await asyncio.sleep(0.3)
        assert Acknowledge(9) not in world.to_agent()

    play(monkeypatch, scenario)


def test_refusal_is_told_once_however_often_the_agent_repeats_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        for _ in range(3):
            world.agent_says("n1", "s1", Refused(9))

    play(monkeypatch, scenario)
    assert capsys.readouterr().out.count("epoch 9") == 1
