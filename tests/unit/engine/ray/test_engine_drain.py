"""Nodes that Ray takes away, and agents that end: what the Ray engine tells of them, and when it ends what they run."""

import asyncio

import pytest

from elasticjob_cloud.agent.scheduler_link.frames import Draining, Events, Farewell, Heartbeat, Retire
from elasticjob_cloud.engine.ray.frames import (
    NodeGone,
    NodeSeen,
    Release,
    SessionEnded,
    SessionOpened,
    Trouble,
)
from elasticjob_cloud.model.messages import AgentDraining, AgentEvents, AgentLost, TaskStatus
from elasticjob_cloud.model.task import TaskState
from tests.unit.engine.ray.ray_link import LOST_SECONDS, World, play, welcome


def seen(*, drains: bool = True, left_seconds: float | None = None) -> NodeSeen:
    return NodeSeen("n1", "host", "10.0.0.1", 4000, 1 << 20, drains, left_seconds)


def draining(world: World) -> list[str]:
    return [event.agent_id for event in world.events if isinstance(event, AgentDraining)]


def losses(world: World) -> dict[str, str]:
    return {event.agent_id: event.reason for event in world.events if isinstance(event, AgentLost)}


async def beat(world: World, seconds: int, session: str = "s1") -> None:
    """Let time pass in which the agent is heard."""
    for number in range(seconds):
        await asyncio.sleep(1)
        world.agent_says("n1", session, Heartbeat(number + 1))


def retired(world: World) -> int:
    return sum(isinstance(frame, Retire) for frame in world.to_agent())


def test_agent_of_a_node_that_drains_is_told_at_once_and_at_each_of_its_joins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        assert draining(world) == []
        world.say(seen())
        assert draining(world) == ["a1"]
        world.agent_says("n1", "s1", welcome("a1"))
        assert world.joined()[-1].agent.draining
        assert not world.joined()[0].agent.draining

    play(monkeypatch, scenario)


def test_tasks_of_a_node_end_some_seconds_before_it_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(seen(left_seconds=30.0))
        await beat(world, 24)
        assert retired(world) == 0
        await beat(world, 2)
        assert retired(world) == 1

    play(monkeypatch, scenario)


def test_node_that_drains_without_a_deadline_keeps_its_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(seen())
        await beat(world, 300)
        assert retired(world) == 0

    play(monkeypatch, scenario)


def test_deadline_that_is_over_already_ends_the_tasks_at_once_and_one_that_is_moved_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(seen(left_seconds=600.0))
        await beat(world, 2)
        world.say(seen(left_seconds=0.0))
        await beat(world, 1)
        assert retired(world) == 1

    play(monkeypatch, scenario)


def test_agent_that_joins_again_after_its_time_is_ended_then(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.say(seen(left_seconds=10.0), SessionEnded("n1", "s1", "why"))
        await asyncio.sleep(6)
        assert retired(world) == 0
        world.say(SessionOpened("n1", "s2"))
        world.agent_says("n1", "s2", welcome("a1"))
        assert retired(world) == 1

    play(monkeypatch, scenario)


def test_agent_that_takes_its_leave_is_lost_at_once_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        lost = TaskStatus("t", TaskState.LOST, 1)
        world.agent_says(
            "n1",
            "s1",
            Draining("it got SIGTERM."),
            Events(AgentEvents("a1", 1, (lost,))),
            Farewell("it got SIGTERM."),
        )
        assert [type(event) for event in world.events[1:]] == [AgentDraining, AgentEvents, AgentLost]
        assert losses(world) == {"a1": "It ended: it got SIGTERM."}
        world.say(SessionEnded("n1", "s1", "why"), SessionOpened("n1", "s2"))
        world.agent_says("n1", "s2", welcome("a2", predecessors=("a1",)))
        await beat(world, int(LOST_SECONDS) + 5, "s2")
        assert list(losses(world)) == ["a1"]

    play(monkeypatch, scenario)


def test_agent_that_is_ending_needs_no_release(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        world.agent_says("n1", "s1", Draining("it got SIGTERM."))
        world.engine.release("a1")
        assert not any(isinstance(frame, Release) for frame in world.gateway.sent)
        world.say(SessionEnded("n1", "s1", "why"), SessionOpened("n1", "s2"))
        world.agent_says("n1", "s2", welcome("a2", predecessors=("a1",)))
        world.engine.release("a2")
        assert any(isinstance(frame, Release) for frame in world.gateway.sent)

    play(monkeypatch, scenario)


def test_loss_by_silence_says_what_rays_head_knows_of_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        cause = "Its relay died: NODE_OUT_OF_MEMORY: low on memory."
        world.say(
            SessionEnded("n1", "s1", "The actor is unavailable."),
            Trouble("Node 10.0.0.1: ...", "n1", cause),
            Trouble("Node 10.0.0.1 has no agent yet: The actor is restarting.", "n1"),
            NodeGone("n1", "Ray counts its node as dead: UNEXPECTED_TERMINATION: health check failed."),
        )
        await asyncio.sleep(LOST_SECONDS + 2)
        reason = losses(world)["a1"]
        assert "Nothing was heard of it" in reason
        assert cause in reason
        assert "UNEXPECTED_TERMINATION" in reason

    play(monkeypatch, scenario)


def test_tasks_that_an_agent_fenced_say_why_it_heard_of_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.join()
        cause = "Its relay died: NODE_OUT_OF_MEMORY: low on memory."
        world.say(SessionEnded("n1", "s1", "why"), Trouble("...", "n1", cause), SessionOpened("n1", "s2"))
        fenced = TaskStatus("t", TaskState.LOST, 1, "Its agent stopped: no scheduler was heard of for 10 s.")
        crashed = TaskStatus("u", TaskState.LOST, 1, "The executor ended with exit code 1.", by_executor=True)
        world.agent_says("n1", "s2", welcome("a2", tasks=(fenced, crashed), predecessors=("a1",)))
        messages = {status.task_id: status.message for status in world.joined()[-1].tasks}
        assert messages == {"t": f"{fenced.message} {cause}", "u": crashed.message}
        assert losses(world)["a1"].endswith(cause)
        world.say(SessionEnded("n1", "s2", "another reason"))
        await asyncio.sleep(LOST_SECONDS + 2)
        assert cause not in losses(world)["a2"], "it was reached meanwhile"
        assert "another reason" in losses(world)["a2"]

    play(monkeypatch, scenario)
