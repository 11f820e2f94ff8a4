"""A scheduler whose PostgreSQL fails over: it goes on from the record of the new primary, and nothing fires twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.records import Snapshot
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.scheduling.commands import ApiCommand, DeregisterJob, TriggerJob
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from tests.integration.service.instant_engine import APP, JOB, InstantEngine
from tests.integration.store.opened_stores import opened
from tests.postgres.pair import PostgresPair
from tests.postgres.programs import PostgresMissingError
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
_SECONDS = 50


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def pair() -> Iterator[PostgresPair]:
    try:
        servers = PostgresPair()
    except PostgresMissingError as error:
        pytest.skip(str(error))
    with servers:
        yield servers


class LeftBehindStore(SqlStore):
    """A real store whose readers are elsewhere, where `readers` says so, until all sessions are opened again."""

    readers: SqlStore | None = None

    @property
    def are_left_behind(self) -> bool:
        return self.readers is not None

    def leave_behind(self, former: SqlStore) -> None:
        self.readers = former

    def load(self) -> Snapshot:
        return super().load() if self.readers is None else self.readers.load()

    def reconnect(self) -> None:
        self.readers = None
        super().reconnect()


@asynccontextmanager
async def leading(url: str) -> AsyncIterator[tuple[Scheduler, LeftBehindStore, InstantEngine]]:
    store, engine = LeftBehindStore(url), InstantEngine()
    settings = LeadershipSettings("http://127.0.0.1:1", lease_seconds=4)
    scheduler = Scheduler(store, engine, CoreSettings(), settings, database_url=url)
    await scheduler.start()
    try:
        yield scheduler, store, engine
    finally:
        await scheduler.stop()


async def insist(scheduler: Scheduler, command: ApiCommand) -> None:
    async with asyncio.timeout(_SECONDS):
        while True:
            try:
                await scheduler.submit(command)
            except UnavailableError:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.timeout(120)
async def test_leader_goes_on_at_the_new_primary_with_all_that_was_answered(pair: PostgresPair) -> None:
    async with leading(pair.url) as (scheduler, store, engine):
        await insist(scheduler, APP)
        await insist(scheduler, JOB)
        await insist(scheduler, TriggerJob("job"))
        await until(lambda: len(engine.launched) == 1, "the run is launched")
        await asyncio.to_thread(pair.wait_for_standby)
        await asyncio.to_thread(pair.make_read_only)
        with pytest.raises(UnavailableError):
            await scheduler.submit(TriggerJob("job"))
        await asyncio.to_thread(pair.promote)
        await insist(scheduler, TriggerJob("job"))
        await until(lambda: len(engine.launched) == 2, "the second run is launched")
        assert set(store.load().jobs) == {"job"}
        assert store.load().next_fire_id == 3


@pytest.mark.timeout(120)
async def test_new_term_does_not_start_from_what_readers_still_see_at_the_former_server(
    pair: PostgresPair,
) -> None:
    """What was written since must neither be undone nor done again."""
    async with leading(pair.url) as (scheduler, store, engine):
        await insist(scheduler, APP)
        await insist(scheduler, JOB)
        await asyncio.to_thread(pair.wait_for_standby)
        await asyncio.to_thread(pair.promote)
        store._database.forget_sessions()
        await insist(scheduler, TriggerJob("job"))
        await until(lambda: len(engine.launched) == 1, "the run is launched")
        await insist(scheduler, DeregisterJob("job"))
        leader = scheduler._leader
        assert leader is not None
        epoch = leader.epoch
        assert epoch is not None
        with opened(pair.primary.url("cloud")) as former:
            assert set(former.load().jobs) == {"job"}
            store.leave_behind(former)
            store.release_lease(epoch)
            await until(
                lambda: leader.epoch is not None and leader.epoch > epoch and leader.leads,
                "it leads again, in another term",
            )
            assert await scheduler.jobs() == [], "a job that was removed is back"
        assert not store.are_left_behind, "the first load was from the former server"
        assert len(engine.launched) == 1, "a fire ran again"
