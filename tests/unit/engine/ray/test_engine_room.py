"""Room that the Ray engine leases for launches, and gives back: without Ray, by what it says to its gateway."""

import asyncio

import pytest

from elasticjob_cloud.agent.scheduler_link.frames import Events, Heartbeat
from elasticjob_cloud.engine.ray.frames import (
    Held,
    SessionEnded,
    SessionOpened,
)
from elasticjob_cloud.model.messages import (
    AgentEvents,
    Kill,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState
from tests.contract.conftest import script_launch
from tests.unit.engine.ray.ray_link import World, play, welcome


def test_launch_waits_for_its_room_and_a_kill_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        launch = script_launch("true", ("t",), "file:///x")
        world.engine.reserve("a1", 0.25, 64.0)
        world.engine.send("a1", [launch, Kill(("u",), "")])
        (hold,) = world.holds()
        assert (hold.milli_cpus, hold.memory_kib) == (250, 65536)
        assert world.commands() == [Kill(("u",), "")]
        world.say(Held("n1", hold.number, 1000, 65536))
        assert world.commands() == [Kill(("u",), ""), launch]
        world.engine.reserve("a1", 1.0, 64.0)
        world.engine.send("a1", [launch])
        assert len(world.holds()) == 1  # there is room enough
        assert world.commands()[-1] == launch

    play(monkeypatch, scenario)


def test_answer_to_an_earlier_hold_lets_no_launch_through(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        launch = script_launch("true", ("t",), "file:///x")
        world.engine.reserve("a1", 0.25, 64.0)
        world.engine.reserve("a1", 0.5, 64.0)
        world.engine.send("a1", [launch])
        first, second = world.holds()
        world.say(Held("n1", first.number, 250, 65536))
        assert world.commands() == []
        world.say(Held("n1", second.number, 500, 65536))
        assert world.commands() == [launch]

    play(monkeypatch, scenario)


def test_launch_whose_room_cannot_be_had_is_dropped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.engine.reserve("a1", 2.0, 64.0)
        world.engine.send("a1", [script_launch("true", ("t",), "file:///x")])
        world.say(Held("n1", world.holds()[0].number, 0, 0, "Others use the node."))
        dropped = world.events[-1]
        assert isinstance(dropped, AgentEvents)
        (status,) = dropped.events
        assert isinstance(status, TaskStatus)
        assert (status.task_id, status.state, status.message) == (
            "t",
            TaskState.DROPPED,
            "Others use the node.",
        )
        assert world.commands() == []

    play(monkeypatch, scenario)


def test_launch_that_the_agent_has_already_is_not_dropped_when_it_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The agent was greeted again, and tells what it held before the launch came: so the scheduler sends it once more."""

    async def scenario(world: World) -> None:
        world.join()
        first, second = (script_launch("true", (task_id,), "file:///x") for task_id in ("t", "u"))
        world.engine.reserve("a1", 1.0, 64.0)
        world.engine.send("a1", [first])
        world.say(Held("n1", world.holds()[0].number, 1000, 65536))
        assert world.commands() == [first]
        world.engine.reserve("a1", 2.0, 64.0)
        world.engine.send("a1", [first, second])
        world.say(Held("n1", world.holds()[-1].number, 1000, 65536, "Others use the node."))
        assert world.dropped() == ["u"]
        world.agent_says("n1", "s1", Events(AgentEvents("a1", 1, (TaskStatus("t", TaskState.KILLED, 1),))))
        world.engine.send("a1", [first])  # which is long over: nothing is kept of it here
        world.say(Held("n1", world.holds()[-1].number, 1000, 65536, "Others use the node."))
        assert world.dropped() == ["u", "t"]

    play(monkeypatch, scenario)


def test_new_leader_that_needs_nothing_has_what_an_earlier_one_leased_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.engine.reserve("a1", 0.0, 0.0)
        (hold,) = world.holds()
        assert (hold.milli_cpus, hold.memory_kib) == (0, 0)
        world.say(Held("n1", hold.number, 0, 0))
        world.engine.reserve("a1", 0.0, 0.0)
        assert len(world.holds()) == 1

    play(monkeypatch, scenario)


def test_idle_room_is_given_back_after_a_while_and_not_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.engine.reserve("a1", 1.0, 64.0)
        world.say(Held("n1", world.holds()[0].number, 1000, 65536))
        world.engine.reserve("a1", 0.0, 0.0)
        await asyncio.sleep(9)
        assert len(world.holds()) == 1
        await asyncio.sleep(2)
        assert (world.holds()[-1].milli_cpus, world.holds()[-1].memory_kib) == (0, 0)

    play(monkeypatch, scenario)


def test_room_that_is_needed_now_and_then_is_kept_and_not_leased_anew_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        for number in range(20):
            world.agent_says("n1", "s1", Heartbeat(number))
            world.engine.reserve("a1", 1.0, 64.0)
            if len(world.holds()) == 1:
                world.say(Held("n1", world.holds()[0].number, 1000, 65536))
            await asyncio.sleep(1)
            world.engine.reserve("a1", 0.0, 0.0)
            await asyncio.sleep(3)
        assert len(world.holds()) == 1
        await asyncio.sleep(21)
        assert [(it.milli_cpus, it.memory_kib) for it in world.holds()] == [(1000, 65536), (0, 0)]

    play(monkeypatch, scenario)


def test_room_that_only_a_larger_block_holds_is_not_asked_for_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.engine.reserve("a1", 0.5, 64.0)
        world.say(Held("n1", world.holds()[0].number, 1000, 1 << 19))
        for number in range(20):
            world.agent_says("n1", "s1", Heartbeat(number))
            await asyncio.sleep(5)
            world.engine.reserve("a1", 0.5, 64.0)
        assert len(world.holds()) == 1

    play(monkeypatch, scenario)


def test_launches_that_waited_when_the_session_broke_are_not_sent_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.engine.reserve("a1", 1.0, 64.0)
        world.engine.send("a1", [script_launch("true", ("t",), "file:///x")])
        world.say(SessionEnded("n1", "s1", "why"), SessionOpened("n1", "s2"))
        world.agent_says("n1", "s2", welcome("a1"))
        world.say(Held("n1", world.holds()[0].number, 1000, 65536))
        assert world.commands() == []

    play(monkeypatch, scenario)
