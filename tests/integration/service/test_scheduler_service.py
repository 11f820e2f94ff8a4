"""A scheduler on a real SQLite file, with an engine and a store that fail as a test likes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from elasticjob_cloud.model.errors import BugError, StoreUnavailableError, UnavailableError
from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.model.queries.queues import QueueFilter
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.scheduling.commands import RegisterJob, TriggerJob
from elasticjob_cloud.service.housekeeping.placement_watch import PlacementWatch
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from tests.integration.service.instant_engine import APP, JOB, InstantEngine, submit_at_last

pytestmark = pytest.mark.anyio
_SECONDS = 10


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class FaultyStore(SqlStore):
    """A real store whose commits fail while `failure` is set."""

    failure: Exception | None = None

    def commit(self, epoch: int, changes: Changes) -> bool:
        if self.failure is not None:
            raise self.failure
        return super().commit(epoch, changes)


@asynccontextmanager
async def leading(tmp_path: Path) -> AsyncIterator[tuple[Scheduler, FaultyStore, InstantEngine]]:
    url = f"sqlite:///{tmp_path}/elasticjob.db"
    store, engine = FaultyStore(url), InstantEngine()
    settings = LeadershipSettings("http://127.0.0.1:1", lease_seconds=1)
    scheduler = Scheduler(store, engine, CoreSettings(), settings, database_url=url)
    await scheduler.start()
    try:
        yield scheduler, store, engine
    finally:
        store.failure = None
        await scheduler.stop()


async def traces(scheduler: Scheduler, count: int) -> list[dict[str, Any]]:
    """Wait for so many status traces."""
    async with asyncio.timeout(_SECONDS):
        while True:
            page = await scheduler.status_traces(HistoryQuery(per_page=100, sort="id", ascending=True))
            if page.total >= count:
                return page.rows
            await asyncio.sleep(0.01)


async def test_trigger_is_committed_launched_acknowledged_and_traced(tmp_path: Path) -> None:
    async with leading(tmp_path) as (scheduler, _, engine):
        for command in (APP, JOB, TriggerJob("job")):
            await scheduler.submit(command)

        rows = await traces(scheduler, 2)
        await scheduler.reading.running_tasks(QueueFilter())  # the turn that wrote the last of them is over

        assert [row["state"] for row in rows] == ["TASK_STAGING", "TASK_FINISHED"]
        assert engine.launched == [rows[0]["taskId"]]
        assert engine.acknowledged == [1]
        sample = scheduler.metrics.registry.get_sample_value
        assert sample("elasticjob_fires_total", {"source": "TRIGGER"}) == 1
        assert sample("elasticjob_tasks_ended_total", {"state": "TASK_FINISHED"}) == 1
        assert sample("elasticjob_tasks", {"state": "TASK_RUNNING"}) == 0
        assert await scheduler.reading.running_tasks(QueueFilter()) == []


@pytest.mark.parametrize(
    "failure", [StoreUnavailableError("The disk is full."), RuntimeError("a bug")], ids=["world", "bug"]
)
async def test_failed_commit_answers_nobody_launches_nothing_and_is_recovered_from(
    tmp_path: Path, failure: Exception
) -> None:
    async with leading(tmp_path) as (scheduler, store, engine):
        await scheduler.submit(APP)
        await scheduler.submit(JOB)
        store.failure = failure

        with pytest.raises((UnavailableError, BugError)):
            await scheduler.submit(TriggerJob("job"))

        assert engine.launched == []
        store.failure = None
        await submit_at_last(scheduler, TriggerJob("job"))
        assert [row["state"] for row in await traces(scheduler, 2)] == ["TASK_STAGING", "TASK_FINISHED"]
        assert len(engine.launched) == 1
        assert engine.reconciled == 2
        failed = {"error": "BugError" if isinstance(failure, RuntimeError) else type(failure).__name__}
        assert scheduler.metrics.registry.get_sample_value("elasticjob_failed_turns_total", failed) == 1


async def test_deposed_leader_writes_nothing_more(tmp_path: Path) -> None:
    async with leading(tmp_path) as (scheduler, _, engine):
        await scheduler.submit(APP)
        await scheduler.submit(JOB)
        rival = SqlStore(f"sqlite:///{tmp_path}/elasticjob.db")
        rival.migrate()
        epoch = rival.acquire_lease("rival", "http://127.0.0.1:2", 60, steal=True)
        assert epoch is not None
        before = rival.load()

        with pytest.raises(UnavailableError):
            await scheduler.submit(TriggerJob("job"))

        assert rival.load() == before
        assert engine.launched == []
        rival.close()


async def test_queries_see_only_what_is_committed(tmp_path: Path) -> None:
    async with leading(tmp_path) as (scheduler, store, _):
        await scheduler.submit(APP)
        store.failure = StoreUnavailableError("The disk is full.")
        registering = asyncio.create_task(scheduler.submit(JOB))
        await asyncio.sleep(0)

        try:
            jobs = await scheduler.jobs()
        except UnavailableError:
            jobs = []

        assert jobs == []
        with pytest.raises(UnavailableError):
            await registering


async def test_not_ready_without_a_leader(tmp_path: Path) -> None:
    async with leading(tmp_path) as (scheduler, store, _):
        await scheduler.submit(APP)
        assert scheduler.not_ready_reason() is None
        store.failure = StoreUnavailableError("The disk is full.")
        with pytest.raises(UnavailableError):
            await scheduler.submit(JOB)

        reason = scheduler.not_ready_reason()

        assert reason is not None
        assert "lead" in reason


async def test_run_that_no_agent_could_hold_is_a_warning_and_a_metric(
    tmp_path: Path,
) -> None:
    async with leading(tmp_path) as (scheduler, _, _):
        await scheduler.submit(APP)
        huge = msgspec.structs.replace(JOB.configuration, cpu_count=64)
        await scheduler.submit(RegisterJob(huge))
        await scheduler.submit(TriggerJob("job"))
        watch = PlacementWatch(scheduler._query, scheduler.metrics, lambda _: None)

        with capture_logs() as logs:
            await watch.look()
            assert not logs, "agents may be on their way"
            for _ in range(10):
                await watch.look()

        (warning,) = [each for each in logs if "cannot be placed" in each["event"]]
        assert warning["job"] == "job"
        assert "Lower cpuCount" in warning["reason"]
        assert scheduler.metrics.registry.get_sample_value("elasticjob_unplaceable_jobs") == 1
