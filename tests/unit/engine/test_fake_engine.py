"""What the fake engine can do beyond the contract's suite: many machines, which come, go and change."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from elasticjob_cloud.model.messages import Kill
from elasticjob_cloud.model.task import TaskState
from tests.contract.conftest import Scheduler, script_launch
from tests.fakes.engine import FakeCluster, FakeEngine
from tests.fakes.shell import FakeShell
from tests.waiting import until

URL = "file:///app.sh"


def _play(machines: int, script: Callable[[FakeCluster, Scheduler], Awaitable[None]]) -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        for number in range(machines):
            cluster.add(f"m{number}", cpus=4, memory_mb=1024)
        scheduler = Scheduler(FakeEngine(cluster))
        await scheduler.engine.start(1, frozenset(), scheduler._sink)
        await script(cluster, scheduler)
        await scheduler.engine.stop()

    asyncio.run(scenario())


def test_all_machines_join_and_each_runs_what_is_sent_to_it() -> None:
    async def script(_: FakeCluster, scheduler: Scheduler) -> None:
        agent_ids = [it.inventory.agent.agent_id for it in scheduler.joined]
        assert agent_ids == ["m0-1", "m1-1", "m2-1"]
        for agent_id in agent_ids:
            scheduler.engine.send(agent_id, [script_launch("echo $AGENT", (f"on-{agent_id}",), URL)])
        for agent_id in agent_ids:
            assert (await scheduler.ended(f"on-{agent_id}")).state is TaskState.FINISHED

    _play(3, script)


def test_scheduler_may_start_before_the_first_machine_joins() -> None:
    async def script(cluster: FakeCluster, scheduler: Scheduler) -> None:
        assert scheduler.events == []
        cluster.add("late", cpus=1, memory_mb=1)
        assert scheduler.agent_id == "late-1"

    _play(0, script)


def test_machine_that_leaves_takes_its_tasks_along() -> None:
    async def script(cluster: FakeCluster, scheduler: Scheduler) -> None:
        scheduler.launch("sleep 100", "t", url=URL)
        await scheduler.until(lambda: TaskState.RUNNING in scheduler.states("t"))
        machine = cluster.machines["m0"]
        cluster.remove("m0")
        assert scheduler.lost == ["m0-1"]
        assert not machine.is_live("t")

    _play(1, script)


def test_machine_of_another_size_joins_anew_with_what_it_holds() -> None:
    async def script(cluster: FakeCluster, scheduler: Scheduler) -> None:
        scheduler.launch("sleep 100", "t", url=URL)
        await scheduler.until(lambda: TaskState.RUNNING in scheduler.states("t"))
        cluster.resize("m0", cpus=8, memory_mb=2048)
        inventory = scheduler.joined[-1].inventory
        assert (inventory.agent.cpus, inventory.agent.memory_mb) == (8, 2048)
        assert [it.task_id for it in inventory.tasks] == ["t"]
        scheduler.engine.send(scheduler.agent_id, [Kill(("t",), "")])
        await scheduler.ended("t")

    _play(1, script)


def test_launch_beyond_what_the_machine_still_has_is_dropped() -> None:
    async def script(cluster: FakeCluster, scheduler: Scheduler) -> None:
        cluster.resize("m0", cpus=1, memory_mb=1024)
        scheduler.engine.reserve("m0-1", 1.5, 100)
        scheduler.launch("true", "large", url=URL)
        assert (await scheduler.ended("large")).state is TaskState.DROPPED
        scheduler.engine.reserve("m0-1", 1.0, 100)
        scheduler.launch("true", "small", url=URL)
        assert (await scheduler.ended("small")).state is TaskState.FINISHED

    _play(1, script)


def test_deposed_scheduler_is_neither_obeyed_nor_told() -> None:
    async def script(cluster: FakeCluster, scheduler: Scheduler) -> None:
        newer = Scheduler(FakeEngine(cluster))
        await newer.start(2)
        told = len(scheduler.events)
        scheduler.engine.reconcile(frozenset())
        scheduler.launch("true", "of-the-old", url=URL)
        newer.launch("true", "of-the-new", url=URL)
        await newer.ended("of-the-new")
        assert newer.states("of-the-old") == []
        assert len(scheduler.events) == told

    _play(1, script)


def test_end_that_was_told_by_an_inventory_is_forgotten_once_it_is_acknowledged() -> None:
    async def script(cluster: FakeCluster, scheduler: Scheduler) -> None:
        scheduler._acknowledges = False
        scheduler.launch("true", "t", url=URL)
        await scheduler.ended("t")
        second = Scheduler(FakeEngine(cluster))
        await second.start(2)
        assert [it.state for it in second.joined[0].inventory.tasks] == [TaskState.FINISHED]
        held = cluster.machines["m0"].agent.held
        await until(lambda: not held, "all is acknowledged")

    _play(1, script)


@pytest.mark.parametrize(
    "script,code,output",
    [
        ("echo a b; true", 0, b"a b\n"),
        ("false", 1, b""),
        ("exit 3; echo never", 3, b""),
        ("", 0, b""),
        ("frobnicate now", 127, b"frobnicate: not found\n"),
    ],
)
def test_shell_gives_exit_code_and_output(script: str, code: int, output: bytes) -> None:
    printed = bytearray()
    assert asyncio.run(FakeShell(printed).run(script)) == code
    assert printed == output


@pytest.mark.parametrize("script", ["while true; echo x", "while true; do echo x;"])
def test_shell_refuses_a_loop_that_is_not_whole(script: str) -> None:
    with pytest.raises(ValueError, match="A loop lacks"):
        asyncio.run(FakeShell(bytearray()).run(script))
