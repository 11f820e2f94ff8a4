"""The loop tells the core of slow commits: a real core over a fake cluster, in virtual time."""

import asyncio

from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.records import Changes, Snapshot
from elasticjob_cloud.scheduling import Core, CoreSettings, Now
from elasticjob_cloud.scheduling.commands import PublishApp
from elasticjob_cloud.service.loop import SchedulingLoop
from elasticjob_cloud.service.metrics.metrics import Metrics
from tests.fakes.engine import FakeCluster, FakeEngine
from tests.unit.scheduling.core_driver import NOON_MS, app
from tests.unit.virtual_loop import VirtualLoop


def counts_of_slow_commits(commit_seconds: float, lead_seconds: float) -> list[int]:
    """Give the `count` of each row of a DATABASE_SLOW alert that is written while a scheduler leads."""
    counts: list[int] = []

    async def commit(changes: Changes) -> bool:
        await asyncio.sleep(commit_seconds)
        alerts = changes.alerts.alerts.values()
        counts.extend(it.count for it in alerts if it.condition is Condition.DATABASE_SLOW)
        return True

    def read_clock() -> Now:
        milliseconds = int(asyncio.get_running_loop().time() * 1000)
        return Now(NOON_MS + milliseconds, milliseconds)

    async def lead() -> None:
        cluster = FakeCluster()
        cluster.add("machine", cpus=4, memory_mb=1024)
        engine = FakeEngine(cluster)
        core = Core(Snapshot(), CoreSettings(), lambda: "id")
        loop = SchedulingLoop(core, engine, commit, lambda: True, read_clock, Metrics())
        running = asyncio.create_task(loop.run())
        await engine.start(1, frozenset(), loop.take)
        await loop.submit(PublishApp(app()))
        await asyncio.sleep(lead_seconds)
        loop.stop()
        await running

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(lead())
    return counts


def test_slow_commit_is_an_alert() -> None:
    assert counts_of_slow_commits(1.5, lead_seconds=5)[:1] == [1]


def test_commits_that_are_fast_enough_are_none() -> None:
    assert not counts_of_slow_commits(0.9, lead_seconds=5)


def test_commits_of_the_alert_itself_begin_no_other() -> None:
    assert counts_of_slow_commits(1.5, lead_seconds=300) == [1, 1]  # it fires, and is over
