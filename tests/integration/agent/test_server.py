"""An agent's server, spoken to in its own frames: who is obeyed, and what happens at its end."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.scheduler_link import conversation
from elasticjob_cloud.agent.scheduler_link.frames import (
    Commands,
    Draining,
    Events,
    Farewell,
    Hello,
    Retire,
    Welcome,
)
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.engine.local import LocalEngine
from elasticjob_cloud.model.messages import AgentEvents, Kill
from elasticjob_cloud.model.task import TaskState
from tests.integration.agent.agent_peer import launch_script, peer_of, scheduler_of
from tests.integration.agent.server_world import World, play
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]


def test_agent_that_stops_takes_no_scheduler_and_starts_nothing(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        first = await scheduler_of(world.place, 1)
        late = await peer_of(world.place)
        first.send(launch_script(tmp_path, "trap '' TERM; while true; do sleep 0.05; done; true", "t"))
        await first.until(lambda: TaskState.RUNNING in first.states("t"))
        first.send(Retire("its tasks count as lost."))
        await first.until(lambda: first.heard(Draining))
        late.send(Hello(2))
        late.send(launch_script(tmp_path, f"touch {tmp_path}/started; sleep 300; true", "late"))
        await world.running
        assert not (tmp_path / "started").exists()
        assert not late.heard(Welcome)
        await late.until(lambda: late.is_lost)

    # Half a second for what ignores SIGTERM: long enough for the late one to be heard.
    play(tmp_path, AgentSettings(fence_seconds=5.0), scenario)


def test_agent_that_stops_says_so_then_tells_of_its_tasks_and_then_takes_its_leave(tmp_path: Path) -> None:
    """Its machine may go with it: then there is no successor that could tell."""

    async def scenario(world: World) -> None:
        scheduler = await scheduler_of(world.place, 1)
        scheduler.send(launch_script(tmp_path, "sleep 300; true", "t"))
        await scheduler.until(lambda: TaskState.RUNNING in scheduler.states("t"))
        told = len(scheduler.frames)
        await world.stop()
        await scheduler.until(lambda: scheduler.is_lost)
        kinds = [type(frame) for frame in scheduler.frames[told:]]
        assert [kind for kind in kinds if kind in {Draining, Events, Farewell}] == [
            Draining,
            Events,
            Farewell,
        ]
        assert scheduler.states("t")[-1] is TaskState.LOST

    play(tmp_path, AgentSettings(fence_seconds=30.0), scenario)


def test_launch_that_comes_while_the_agent_stops_is_dropped_and_never_started(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        scheduler = await scheduler_of(world.place, 1)
        scheduler.send(launch_script(tmp_path, "trap '' TERM; while true; do sleep 0.05; done; true", "t"))
        await scheduler.until(lambda: TaskState.RUNNING in scheduler.states("t"))
        scheduler.send(Retire("the machine goes."))
        await scheduler.until(lambda: scheduler.heard(Draining))
        scheduler.send(launch_script(tmp_path, f"touch {tmp_path}/started; true", "late"))
        await scheduler.until(lambda: bool(scheduler.states("late")))
        await world.running
        assert scheduler.states("late") == [TaskState.DROPPED]
        assert not (tmp_path / "started").exists()

    # A second for what ignores SIGTERM: long enough for the late launch to be heard.
    play(tmp_path, AgentSettings(fence_seconds=30.0), scenario)


def test_agent_whose_processes_do_not_end_takes_no_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(world: World) -> None:
        scheduler = await scheduler_of(world.place, 1)

        async def end_none(_: object, __: str, ___: float | None = None) -> bool:
            return False

        monkeypatch.setattr(Agent, "end_all", end_none)
        scheduler.send(Retire("the machine goes."))
        await scheduler.until(lambda: scheduler.is_lost)
        assert not scheduler.heard(Farewell)
        monkeypatch.undo()

    play(tmp_path, AgentSettings(fence_seconds=30.0), scenario)


def test_agent_of_a_machine_that_was_suspended_for_longer_than_its_fence_ends_its_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_clock = time.clock_gettime

    def read_clock_after_a_minutes_sleep(clock: int) -> float:
        return read_clock(clock) + 60 * (clock == time.CLOCK_BOOTTIME)

    async def scenario(world: World) -> None:
        scheduler = await scheduler_of(world.place, 1)
        scheduler.send(launch_script(tmp_path, "sleep 300; true", "t"))
        await scheduler.until(lambda: TaskState.RUNNING in scheduler.states("t"))
        # The monotonic clock stands still while a machine is suspended, and the scheduler's does not.
        monkeypatch.setattr(time, "clock_gettime", read_clock_after_a_minutes_sleep)
        await scheduler.until(lambda: scheduler.is_lost)
        await world.running

    play(tmp_path, AgentSettings(fence_seconds=30.0), scenario)


def test_agent_that_nobody_led_for_longer_than_its_fence_obeys_the_leader_that_confirms_its_welcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_clock = time.clock_gettime

    async def scenario(world: World) -> None:
        (await scheduler_of(world.place, 1)).close()
        monkeypatch.setattr(time, "clock_gettime", lambda clock: read_clock(clock) + 60)
        second = await scheduler_of(world.place, 2)
        welcome = next(frame for frame in second.frames if isinstance(frame, Welcome))
        assert welcome.heartbeat > 0, "the leader has nothing to confirm before it commands"
        second.send(Commands([Kill(("t",), "early")]))
        await second.until(lambda: second.is_lost or bool(second.states("t")))
        assert second.states("t") == [TaskState.KILLED]

    play(tmp_path, AgentSettings(fence_seconds=30.0), scenario)


def test_agent_that_is_told_to_stop_ends_its_tasks_within_its_fence_whatever_their_grace(
    tmp_path: Path,
) -> None:
    async def scenario(world: World) -> None:
        scheduler = await scheduler_of(world.place, 1)
        scheduler.send(launch_script(tmp_path, "trap '' TERM; while true; do sleep 0.05; done; true", "t"))
        await scheduler.until(lambda: TaskState.RUNNING in scheduler.states("t"))
        began = time.monotonic()
        await world.stop()
        # From now on its scheduler counts the time after which others start the task.
        assert time.monotonic() - began < 7, "the grace is 8 s"

    play(tmp_path, AgentSettings(fence_seconds=1.5, kill_grace_seconds=8.0), scenario)


def test_scheduler_that_reads_nothing_for_long_costs_its_connection_and_no_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "_BACKLOG_BYTES", 1 << 20)
    task_ids = [f"t{number}" for number in range(20)]

    async def scenario(world: World) -> None:
        frozen = await scheduler_of(world.place, 1)
        frozen.stand_still()
        for task_id in task_ids:
            # Each is answered by a status with the reason.
            frozen.send(Commands([Kill((task_id,), "x" * (1 << 18))]))
        await until(lambda: not world.has_scheduler, "the agent gives the frozen scheduler up", 10)
        frozen.close()
        thawed = await scheduler_of(world.place, 1)
        await thawed.until(lambda: all(thawed.states(task_id) for task_id in task_ids[:5]))
        thawed.close()

    play(tmp_path, AgentSettings(), scenario)


def test_goodbye_is_heard_by_an_agent_that_tells_something_in_that_moment(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        engine = LocalEngine(world.place.path, AgentSettings())
        # It listens, then: where nobody does the engine starts an agent of its own.
        (await peer_of(world.place)).close()
        await engine.start(1, frozenset(), lambda _: None)
        assert world.scheduler is not None
        connection = world.scheduler._transport
        assert connection is not None
        connection.pause_reading()  # as an agent on a busy machine, whose turn it is not
        leaving = asyncio.create_task(engine.stop())
        for _ in range(10):
            await asyncio.sleep(0)
        world.tell(AgentEvents("agent", 1, ()))
        connection.resume_reading()
        await leaving
        await asyncio.wait({world.running}, timeout=10)
        assert world.running.done(), "it waits for its orphan rule, which takes 600 s"

    play(tmp_path, AgentSettings(), scenario)
