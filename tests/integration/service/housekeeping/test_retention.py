"""A scheduler keeps its database within its limits while it schedules, and goes on when the disk is full."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.scheduling.commands import TriggerJob
from elasticjob_cloud.service import scheduler as scheduler_module
from elasticjob_cloud.service.clock import read_clock
from elasticjob_cloud.service.housekeeping.retention import HistoryLimits
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from tests.contract.store import samples
from tests.contract.store.factories import EMPTY_DATABASES
from tests.integration.service.instant_engine import APP, JOB, InstantEngine
from tests.integration.small_disk import fill, small_disk
from tests.integration.store.opened_stores import lead, opened
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
_SECONDS = 40
ROWS = 6_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def leading(url: str, limits: HistoryLimits) -> AsyncIterator[tuple[Scheduler, SqlStore]]:
    store = SqlStore(url)
    settings = LeadershipSettings("http://127.0.0.1:1", lease_seconds=1, history=limits)
    scheduler = Scheduler(store, InstantEngine(), CoreSettings(), settings, database_url=url)
    async with asyncio.timeout(_SECONDS):
        await scheduler.start()
    try:
        yield scheduler, store
    finally:
        await scheduler.stop()


async def submit_once_it_leads(scheduler: Scheduler) -> None:
    """Submit until there is a leader, and room for what it writes."""
    while True:
        try:
            await scheduler.submit(TriggerJob("job"))
        except UnavailableError:
            await asyncio.sleep(0.01)
        else:
            return


def write_history(url: str, rows: int) -> None:
    """Write history of the present, as no limit of age would delete it."""
    now_ms = read_clock().wall_ms
    with opened(url) as store:
        epoch = lead(store)
        for begin in range(0, rows, 1000):
            traces = [
                samples.status_trace(f"t{number}", now_ms - rows + number, message="x" * 300)
                for number in range(begin, begin + 1000)
            ]
            assert store.commit(epoch, Changes(status_traces=traces))
        live = samples.fire(1, FireState.RUNNING, recorded_ms=1)
        assert store.commit(epoch, Changes(fires={1: live}))
        store.release_lease(epoch)


@pytest.mark.parametrize("database", EMPTY_DATABASES)
async def test_history_of_a_database_that_is_too_large_goes_whatever_its_age(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "_PRUNE_EVERY_SECONDS", 0.1)
    with EMPTY_DATABASES[database]() as url:
        write_history(url, ROWS)
        with opened(url) as store:
            before = store.size()
        limit = before.used_bytes - ROWS * 200
        async with leading(url, HistoryLimits(bytes=limit)) as (scheduler, store):
            await until(lambda: store.size().used_bytes <= limit, "the database fits its limit")
            left = store.status_traces(HistoryQuery(per_page=1))
            assert 0 < left.total < ROWS
            assert left.rows[0]["taskId"] == f"t{ROWS - 1}", "the newest stay"

            def metric(name: str) -> float:
                return scheduler.metrics.registry.get_sample_value(f"elasticjob_database_{name}_bytes") or 0

            await until(lambda: 0 < metric("used") <= limit, "the metric follows")
            assert metric("file") >= metric("used")
        with opened(url) as store, store._database.reader.connect() as connection:
            states = connection.exec_driver_sql("SELECT state FROM fire WHERE fire_id = 1").scalars()
            assert list(states) == ["RUNNING"]


async def test_a_limit_that_no_deletion_can_keep_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "_PRUNE_EVERY_SECONDS", 0.01)
    with capture_logs() as logs:
        await _exceed_the_limit(tmp_path, monkeypatch, logs)
    assert sum("no history is left" in each["event"] for each in logs) == 1


async def _exceed_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: Sequence[Mapping[str, object]]
) -> None:
    """Let a scheduler look at its database until it has warned, and three times more."""
    async with leading(f"sqlite:///{tmp_path}/cloud.db", HistoryLimits(bytes=1)) as (scheduler, store):
        await scheduler.submit(APP)
        await until(lambda: any("no history is left" in str(each["event"]) for each in logs), "a warning")
        measured = store.size
        sizes = 0

        def count() -> object:
            nonlocal sizes
            sizes += 1
            return measured()

        monkeypatch.setattr(store, "size", count)
        await until(lambda: sizes > 3, "the next looks")


async def test_a_scheduler_whose_disk_is_full_goes_on_by_itself(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/cloud.db"
    with small_disk(tmp_path, 12 * 1024 * 1024):
        write_history(url, ROWS)
        async with leading(url, HistoryLimits()) as (scheduler, store):
            await scheduler.submit(APP)
            await scheduler.submit(JOB)
            total = store.status_traces(HistoryQuery()).total
            another = fill(tmp_path)
            async with asyncio.timeout(_SECONDS):
                while store.status_traces(HistoryQuery()).total >= total:
                    await submit_once_it_leads(scheduler)
                for _ in range(20):
                    await submit_once_it_leads(scheduler)
            another.unlink()
            await until(lambda: not store.is_full(), "there is room again")
