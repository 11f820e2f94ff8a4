"""What the loop takes in a turn, and what may wait for it: a real core, without an engine, in virtual time."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.messages import AgentEvents, TaskStatus
from elasticjob_cloud.model.records import AppRecord, Changes, JobRecord, Snapshot
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import Core, CoreSettings, Decisions, Event, Now
from elasticjob_cloud.scheduling.commands import PublishApp, SetJobDisabled
from elasticjob_cloud.service import callers
from elasticjob_cloud.service.loop import SchedulingLoop
from elasticjob_cloud.service.metrics.metrics import Metrics
from tests.fakes.engine import FakeCluster, FakeEngine
from tests.unit.scheduling.core_driver import HOUR_MS, NOON_MS, app, job
from tests.unit.virtual_loop import run_in_virtual_time


class _Watched(Core):
    """A core that notes the events of its turns."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot, CoreSettings(cron_searches_a_turn=5), map(str, itertools.count()).__next__)
        self.turns: list[list[Event]] = []

    def handle(self, events: list[Event], now: Now) -> Decisions:  # type: ignore[override]
        self.turns.append(list(events))
        return super().handle(events, now)


def _play(scenario: Callable[[SchedulingLoop, _Watched], Awaitable[None]], snapshot: Snapshot) -> None:
    async def run() -> None:
        core = _Watched(snapshot)

        def read_clock() -> Now:
            milliseconds = int(asyncio.get_running_loop().time() * 1000)
            return Now(NOON_MS + milliseconds, milliseconds)

        async def commit(_: Changes) -> bool:
            await asyncio.sleep(0.01)
            return True

        loop = SchedulingLoop(core, FakeEngine(FakeCluster()), commit, lambda: True, read_clock, Metrics())
        running = asyncio.create_task(loop.run())
        await loop.query(lambda _: None)
        await scenario(loop, core)
        loop.stop()
        await running

    run_in_virtual_time(run())


def _batch(sequence: int, size: int) -> AgentEvents:
    status = TaskStatus("job@-@0@-@READY@-@agent@-@1", TaskState.FINISHED, NOON_MS)
    return AgentEvents("agent", sequence, (status,) * size)


def test_a_turn_takes_so_many_statuses_however_few_batches_they_come_in() -> None:
    async def scenario(loop: SchedulingLoop, core: _Watched) -> None:
        for sequence in range(1, 11):
            loop.take(_batch(sequence, 400))
        loop.take(_batch(11, 5_000))
        await asyncio.sleep(1)
        sizes = [sum(len(it.events) for it in turn if isinstance(it, AgentEvents)) for turn in core.turns]
        assert [it for it in sizes if it] == [1_200, 1_200, 1_200, 5_400]

    _play(scenario, Snapshot())


def test_commands_beyond_a_limit_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "_COMMANDS_WAITING", 3)

    async def scenario(loop: SchedulingLoop, _: _Watched) -> None:
        waiting = [asyncio.create_task(loop.submit(PublishApp(app(f"app-{n}")))) for n in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError) as refused:
            await loop.submit(PublishApp(app("app-3")))
        assert refused.value.retry_after_seconds == 5
        await asyncio.gather(*waiting)
        await loop.submit(PublishApp(app("app-3")))

    _play(scenario, Snapshot())


def test_a_command_that_has_to_wait_for_missed_fires_is_answered_in_the_end() -> None:
    jobs = {
        f"job-{n}": JobRecord(job(f"job-{n}", cron=f"{n} * * * * ?"), since_ms=NOON_MS - 30 * HOUR_MS)
        for n in range(20)
    }
    snapshot = Snapshot(
        apps={"app": AppRecord(app())}, jobs=jobs, schedules=dict.fromkeys(jobs, NOON_MS - 30 * HOUR_MS)
    )

    async def scenario(loop: SchedulingLoop, core: _Watched) -> None:
        assert core.state.backlog
        await loop.submit(SetJobDisabled("job-19", disabled=True))
        assert core.state.jobs["job-19"].disabled
        assert core.state.backlog  # it did not wait for all the others
        turns = len(core.turns)
        while core.state.backlog:
            await loop.query(lambda _: None)
            await asyncio.sleep(0.01)
        assert len(core.turns) > turns
        await asyncio.sleep(10)
        assert len(core.turns) < turns + 1_000  # and it sleeps again

    _play(scenario, snapshot)
