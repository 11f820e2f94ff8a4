"""A scheduler whose clock is not the database server's: it warns, and does not lead where fires would come early."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from elasticjob_cloud.scheduling import CoreSettings, Now
from elasticjob_cloud.service.housekeeping.clock_watch import ClockWatch
from elasticjob_cloud.service.metrics.metrics import Metrics
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from tests.integration.service.instant_engine import InstantEngine
from tests.postgres.databases import lent_database
from tests.waiting import until

pytestmark = pytest.mark.anyio
_SECONDS = 60


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class ClockStore(SqlStore):
    """A real store, as of a database whose clock is behind this machine's by `behind_ms`."""

    has_clock = True
    behind_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 - self.behind_ms


@asynccontextmanager
async def started(
    tmp_path: Path, behind_ms: int, limit: float
) -> AsyncIterator[tuple[Scheduler, ClockStore]]:
    url = f"sqlite:///{tmp_path / 'cloud.db'}"
    store = ClockStore(url)
    store.behind_ms = behind_ms
    settings = LeadershipSettings("http://127.0.0.1:1", lease_seconds=1, clock_limit_seconds=limit)
    scheduler = Scheduler(store, InstantEngine(), CoreSettings(), settings, database_url=url)
    try:
        async with asyncio.timeout(_SECONDS):
            await scheduler.start()
        yield scheduler, store
    finally:
        await scheduler.stop()


@pytest.mark.slow
@pytest.mark.parametrize("behind_ms", [30_000, -30_000])
async def test_scheduler_with_a_wrong_clock_takes_no_lead_until_it_is_right(
    tmp_path: Path, behind_ms: int
) -> None:
    async with started(tmp_path, behind_ms, limit=5) as (scheduler, store):
        reason = str(scheduler.not_ready_reason())
        assert "the database server's, more than clock_limit_seconds (5)" in reason
        assert ("ahead of" if behind_ms > 0 else "behind") in reason
        store.behind_ms = 0
        await until(lambda: scheduler.not_ready_reason() is None, "it is ready")
        store.behind_ms = behind_ms
        await until(
            lambda: "clock_limit_seconds" in str(scheduler.not_ready_reason()),
            "it is not ready for its clock",
        )


@pytest.mark.slow
async def test_without_a_limit_it_leads_and_the_difference_is_shown(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with started(tmp_path, 30_000, limit=0) as (scheduler, _):
            await until(lambda: scheduler.not_ready_reason() is None, "it is ready")
            shown = scheduler.metrics.registry.get_sample_value("elasticjob_clock_offset_seconds")
    assert shown is not None
    assert 25 < shown < 60
    (warning,) = [each for each in logs if each["log_level"] == "warning" and "clock" in each["event"]]
    assert "Synchronise both with NTP" in warning["event"]
    assert -60 < warning["ahead_seconds"] < -25 or 25 < warning["ahead_seconds"] < 60


async def test_what_the_question_takes_is_no_difference() -> None:
    monotonic = 0
    wall = [1_000_000, 1_060_000]  # a minute passes while the database is asked

    def read_clock() -> Now:
        nonlocal monotonic
        monotonic += 2_000
        return Now(wall.pop(0), monotonic)

    async def ask() -> int:
        return 1_050_000

    metrics = Metrics()
    watch = ClockWatch(read_clock, ask, 5, metrics)
    assert await watch.look() is None
    assert metrics.registry.get_sample_value("elasticjob_clock_offset_seconds") == 0


@pytest.mark.slow
async def test_the_servers_clock_is_asked_on_postgresql_and_none_on_sqlite(tmp_path: Path) -> None:
    assert not SqlStore(f"sqlite:///{tmp_path / 'cloud.db'}").has_clock
    with lent_database() as url:
        store = SqlStore(url)
        try:
            store.migrate()
            assert store.has_clock
            before, now, after = time.time() * 1000 - 1, store.now_ms(), time.time() * 1000 + 1
            assert before <= now <= after
        finally:
            store.close()
