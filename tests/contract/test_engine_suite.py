"""The promises of `engine/contract.py`, of every engine."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.errors import NotFoundError, StartError
from elasticjob_cloud.model.messages import AgentDraining, AgentLost, DisksMeasured, Kill, LogChunk
from elasticjob_cloud.model.queries.logs import (
    LogHits,
    LogPiece,
    LogPieces,
    LogQuestion,
    LogRead,
    LogReadBoth,
    LogReply,
    LogSearch,
)
from elasticjob_cloud.model.task import TaskState
from tests.contract.conftest import WORLDS, EngineWorld, Scheduler, empty_app, running, script_launch
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.slow


# The real cluster takes seconds to start.
_MARKS = {"ray": pytest.mark.long}
PARAMETERS = [pytest.param(name, marks=_MARKS.get(name, ())) for name in sorted(WORLDS)]


@pytest.fixture(params=PARAMETERS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EngineWorld]:
    made = WORLDS[request.param](tmp_path / "agent")
    yield made
    made.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return empty_app(tmp_path)


def test_started_engine_has_one_agent_joined_and_the_known_ones_lost_after_it(world: EngineWorld) -> None:
    async def scenario() -> None:
        async with running(world, known=frozenset({"gone-1", "gone-2"})) as scheduler:
            await scheduler.until(lambda: len(scheduler.lost) == 2)
            assert scheduler.events[0] is scheduler.joined[0]
            assert sorted(scheduler.lost) == ["gone-1", "gone-2"]

    asyncio.run(scenario())


def test_agent_tells_of_its_disks_when_it_joins_or_soon_after(world: EngineWorld) -> None:
    async def scenario() -> None:
        async with running(world) as scheduler:

            def disks() -> tuple[Disk, ...]:
                told = [it.disks for it in scheduler.events if isinstance(it, DisksMeasured)]
                told += [it.inventory.agent.disks for it in scheduler.joined]
                return next(filter(None, told), ())

            await scheduler.until(lambda: bool(disks()))
            for disk in disks():
                assert disk.mount_point.startswith("/")
                assert 0 <= disk.free_mb <= disk.total_mb

    asyncio.run(scenario())


def test_launched_task_runs_then_finishes_and_its_output_can_be_read(world: EngineWorld, url: str) -> None:
    async def scenario() -> None:
        async with running(world) as scheduler:
            scheduler.launch("echo hello; true", "t", url=url)
            status = await scheduler.ended("t")
            assert scheduler.states("t") == [TaskState.RUNNING, TaskState.FINISHED]
            assert status.execution is not None
            assert status.execution.success
            chunk = await scheduler.read("t")
            assert (chunk.content, chunk.ended, chunk.truncated) == (b"hello\n", True, False)
            with pytest.raises(NotFoundError):
                await scheduler.read("never")

    asyncio.run(scenario())


def test_last_lines_both_streams_and_searches_are_answered(world: EngineWorld, url: str) -> None:
    async def scenario() -> None:
        task_id = "prints"  # the agent may have kept the output of other tests' tasks
        async with running(world) as scheduler:
            scheduler.launch("echo one; echo two; echo three; true", task_id, url=url)
            await scheduler.ended(task_id)

            async def ask(question: LogQuestion) -> LogReply:
                return await scheduler.engine.ask_log(scheduler.agent_id, question)

            tail = await ask(LogRead(task_id, "stdout", 0, 100, tail=2))
            assert isinstance(tail, LogChunk)
            assert (tail.content, tail.offset, tail.ended) == (b"two\nthree\n", 4, True)
            again = await ask(LogRead(task_id, "stdout", 14, 100, generation=tail.generation))
            assert isinstance(again, LogChunk)
            assert (again.content, again.generation) == (b"", tail.generation)
            both = await ask(LogReadBoth(task_id, 0, 0, 100))
            assert isinstance(both, LogPieces)
            assert both.pieces == (LogPiece("stdout", 0, b"one\ntwo\nthree\n"),)
            hits = await ask(LogSearch(task_id, "both", 0, "^t", is_regex=True, limit=1))
            assert isinstance(hits, LogHits)
            assert [hit.line for hit in hits.hits] == [b"two"]
            rest = await ask(LogSearch(task_id, "both", hits.next_offset, "^t", is_regex=True, limit=9))
            assert isinstance(rest, LogHits)
            assert ([hit.offset for hit in rest.hits], rest.next_stream) == ([8], "")
            with pytest.raises(NotFoundError):
                await ask(LogReadBoth("never", 0, 0, 100))

    asyncio.run(scenario())


def test_failed_task_tells_its_exit_code_and_its_reason(world: EngineWorld, url: str) -> None:
    async def scenario() -> None:
        async with running(world) as scheduler:
            scheduler.launch("echo begins; echo 'FATAL: 配额 exceeded'; exit 3;", "quota", url=url)
            status = await scheduler.ended("quota")
            assert status.summary == "exit code 3: FATAL: 配额 exceeded"
            assert status.execution is not None
            assert (status.execution.exit_code, status.execution.signal) == (3, 0)
            assert "FATAL: 配额 exceeded" in status.execution.failure_cause

    asyncio.run(scenario())


def test_task_launched_twice_runs_once(world: EngineWorld, url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(world) as scheduler:
            launch = script_launch(f"echo x >> {tmp_path}/runs; true", ("t",), url)
            scheduler.engine.send(scheduler.agent_id, [launch, launch])
            await scheduler.ended("t")
            scheduler.engine.send(scheduler.agent_id, [launch])
            scheduler.launch("true", "after", url=url)
            await scheduler.ended("after")
            assert (tmp_path / "runs").read_text() == "x\n"

    asyncio.run(scenario())


def test_killed_task_ends_as_killed(world: EngineWorld, url: str) -> None:
    async def scenario() -> None:
        async with running(world) as scheduler:
            scheduler.launch("sleep 100; true", "t", url=url)
            await scheduler.until(lambda: TaskState.RUNNING in scheduler.states("t"))
            scheduler.engine.send(scheduler.agent_id, [Kill(("t",), "not wanted")])
            status = await scheduler.ended("t")
            assert (status.state, status.message) == (TaskState.KILLED, "not wanted")

    asyncio.run(scenario())


def test_kill_of_an_unknown_task_is_answered_and_refuses_its_late_launch(
    world: EngineWorld, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with running(world) as scheduler:
            scheduler.engine.send(scheduler.agent_id, [Kill(("t",), "early")])
            assert (await scheduler.ended("t")).state is TaskState.KILLED
            scheduler.launch(f"touch {tmp_path}/started; true", "t", url=url)
            scheduler.launch("true", "after", url=url)
            await scheduler.ended("after")
            assert scheduler.states("t") == [TaskState.KILLED]
            assert not (tmp_path / "started").exists()

    asyncio.run(scenario())


def test_next_scheduler_is_told_running_tasks_and_unacknowledged_ends(world: EngineWorld, url: str) -> None:
    async def scenario() -> None:
        async with running(world, acknowledges=False) as first:
            first.launch("sleep 100; true", "long", url=url)
            first.launch("exit 3; true", "short", url=url)
            await first.ended("short")
            await first.until(lambda: TaskState.RUNNING in first.states("long"))
            agent_id = first.agent_id
        async with running(world, epoch=2, known=frozenset({agent_id})) as second:
            assert second.agent_id == agent_id
            assert not second.lost
            held = {status.task_id: status.state for status in second.joined[0].inventory.tasks}
            assert held == {"long": TaskState.RUNNING, "short": TaskState.FAILED}
            second.engine.send(agent_id, [Kill(("long",), "enough")])
            assert (await second.ended("long")).state is TaskState.KILLED

    asyncio.run(scenario())


def test_reconcile_has_the_agent_tell_anew_what_it_holds(world: EngineWorld, url: str) -> None:
    async def scenario() -> None:
        async with running(world) as scheduler:
            scheduler.launch("sleep 100; true", "t", url=url)
            await scheduler.until(lambda: TaskState.RUNNING in scheduler.states("t"))
            scheduler.engine.reconcile(frozenset({scheduler.agent_id, "gone"}))
            await scheduler.until(lambda: len(scheduler.joined) == 2 and scheduler.lost == ["gone"])
            held = {status.task_id: status.state for status in scheduler.joined[1].inventory.tasks}
            assert held == {"t": TaskState.RUNNING}
            scheduler.engine.send(scheduler.agent_id, [Kill(("t",), "enough")])
            await scheduler.ended("t")

    asyncio.run(scenario())


def test_scheduler_of_an_older_epoch_is_refused(world: EngineWorld, url: str) -> None:
    async def scenario() -> None:
        async with running(world, epoch=5) as present:
            older = Scheduler(world.make())
            with pytest.raises(StartError, match="epoch 5"):
                await older.start(4)
            await older.engine.stop()
            present.launch("true", "t", url=url)
            assert (await present.ended("t")).state is TaskState.FINISHED

    asyncio.run(scenario())


def test_crashed_agent_is_replaced_and_lost_only_after_its_tasks_are_gone(
    world: EngineWorld, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with running(world) as scheduler:
            former = scheduler.agent_id
            beat = tmp_path / "beat"
            scheduler.launch(f"while true; do echo x >> {beat}; sleep 0.01; done;", "t", url=url)
            await scheduler.until(lambda: TaskState.RUNNING in scheduler.states("t"))
            await world.crash_agent()
            await scheduler.until(lambda: scheduler.lost == [former])
            assert scheduler.agent_id != former
            size = beat.stat().st_size
            await asyncio.sleep(0.1)  # what must not happen has no event to wait for
            assert beat.stat().st_size == size

    asyncio.run(scenario())


def test_agent_that_is_told_to_end_says_so_before_its_tasks_end_and_is_lost_after_them(
    world: EngineWorld, url: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with running(world) as scheduler:
            former = scheduler.agent_id
            task_id = "terminated"
            beat = tmp_path / "beat"
            scheduler.launch(f"while true; do echo x >> {beat}; sleep 0.01; done;", task_id, url=url)
            await scheduler.until(lambda: TaskState.RUNNING in scheduler.states(task_id))
            await world.terminate_agent()
            await scheduler.until(lambda: scheduler.draining == [former])
            status = await scheduler.ended(task_id)
            await scheduler.until(lambda: scheduler.lost == [former])
            assert (status.state, "agent stopped" in status.message) == (TaskState.LOST, True)
            told = [type(event) for event in scheduler.events]
            assert told.index(AgentDraining) < told.index(AgentLost)
            size = beat.stat().st_size
            await asyncio.sleep(0.1)  # what must not happen has no event to wait for
            assert beat.stat().st_size == size
            await scheduler.until(lambda: scheduler.agent_id != former)
            await _forgotten(scheduler)

    asyncio.run(scenario())


async def _forgotten(scheduler: Scheduler) -> None:
    """Wait until the agent has forgotten what was acknowledged: the next test's agent would tell of it again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while scheduler.joined[-1].inventory.tasks:
            joined = len(scheduler.joined)
            scheduler.engine.reconcile(frozenset())
            await scheduler.until(lambda: len(scheduler.joined) > joined)  # noqa: B023 - waited for here


def test_released_agent_is_not_lost_and_there_is_one_when_room_is_wanted(
    world: EngineWorld, url: str
) -> None:
    async def scenario() -> None:
        async with running(world) as scheduler:
            released = scheduler.agent_id
            scheduler.engine.release(released)
            await asyncio.sleep(0)
            scheduler.engine.want_room([((0.1, 64.0),)])
            await scheduler.until(lambda: len(scheduler.joined) == 2)
            scheduler.launch("true", "t", url=url)
            assert (await scheduler.ended("t")).state is TaskState.FINISHED
            scheduler.engine.want_room([])
            assert scheduler.lost == []

    asyncio.run(scenario())


def test_agent_that_holds_a_task_stays_though_it_is_released(world: EngineWorld, url: str) -> None:
    async def scenario() -> None:
        async with running(world) as scheduler:
            scheduler.launch("sleep 100; true", "t", url=url)
            await scheduler.until(lambda: TaskState.RUNNING in scheduler.states("t"))
            released = scheduler.agent_id
            scheduler.engine.release(released)
            await scheduler.until(lambda: len(scheduler.joined) == 2)
            assert scheduler.agent_id == released
            held = {status.task_id: status.state for status in scheduler.joined[1].inventory.tasks}
            assert held == {"t": TaskState.RUNNING}
            scheduler.engine.send(released, [Kill(("t",), "enough")])
            assert (await scheduler.ended("t")).state is TaskState.KILLED
            assert scheduler.lost == []

    asyncio.run(scenario())
