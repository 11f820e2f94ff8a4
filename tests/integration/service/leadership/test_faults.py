"""A leader whose store or engine fails at the worst moment, on real databases."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from elasticjob_cloud.engine.contract import EventSink
from elasticjob_cloud.model.errors import (
    BugError,
    NotLeadingError,
    OutcomeUnknownError,
    StoreUnavailableError,
)
from elasticjob_cloud.model.records import Changes, Snapshot
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.scheduling.commands import TriggerJob
from elasticjob_cloud.service import scheduler as scheduler_module
from elasticjob_cloud.service.housekeeping import tasks as housekeeping_tasks
from elasticjob_cloud.service.leadership import term as term_module
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from tests.integration.service.instant_engine import APP, JOB, InstantEngine, submit_at_last
from tests.postgres.databases import new_database
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
_SECONDS = 20


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class TroubledStore(SqlStore):
    """A real store that does what a test has it do before, or instead of, its own."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url
        self.before_commit: Callable[[int, Changes], None] = lambda _, __: None
        self.before_renewal: Callable[[], None] = lambda: None
        self.before_load: Callable[[], None] = lambda: None
        self.after_load: Callable[[], None] = lambda: None
        self.before_prune: Callable[[], None] = lambda: None
        self.before_asking: Callable[[], None] = lambda: None

    def acquire_lease(
        self, scheduler_id: str, address: str, lease_seconds: float, *, steal: bool = False
    ) -> int | None:
        self.before_asking()
        return super().acquire_lease(scheduler_id, address, lease_seconds, steal=steal)

    def commit(self, epoch: int, changes: Changes) -> bool:
        self.before_commit(epoch, changes)
        return super().commit(epoch, changes)

    def renew_lease(self, epoch: int, lease_seconds: float) -> bool:
        self.before_renewal()
        return super().renew_lease(epoch, lease_seconds)

    def load(self) -> Snapshot:
        self.before_load()
        snapshot = super().load()
        self.after_load()
        return snapshot

    def prune_history(self, before_ms: int, limit: int) -> int:
        self.before_prune()
        return super().prune_history(before_ms, limit)


class HesitantEngine(InstantEngine):
    """Takes its time to start, while `hesitates` is set."""

    hesitates = False

    def __init__(self) -> None:
        super().__init__()
        self.prepared = threading.Event()

    async def prepare(self) -> None:
        self.prepared.set()

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        if self.hesitates:
            await asyncio.sleep(_SECONDS)
        await super().start(epoch, known_agents, sink)


@asynccontextmanager
async def leading(
    store: TroubledStore, lease_seconds: float = 1
) -> AsyncIterator[tuple[Scheduler, HesitantEngine]]:
    engine = HesitantEngine()
    settings = LeadershipSettings("http://127.0.0.1:1", lease_seconds=lease_seconds)
    scheduler = Scheduler(store, engine, CoreSettings(), settings, database_url=store.url)
    async with asyncio.timeout(_SECONDS):
        await scheduler.start()
    try:
        yield scheduler, engine
    finally:
        await scheduler.stop()


@pytest.fixture
def store(tmp_path: Path) -> TroubledStore:
    return TroubledStore(f"sqlite:///{tmp_path}/elasticjob.db")


@pytest.fixture
def shared_store() -> Iterator[TroubledStore]:
    """One whose lease another scheduler could take."""
    with new_database() as url:
        yield TroubledStore(url)


async def test_caller_whose_commit_was_cut_off_is_told_that_nobody_knows_its_outcome(
    store: TroubledStore,
) -> None:
    def cut_off(_: int, __: Changes) -> None:
        raise StoreUnavailableError("The connection broke in COMMIT.", outcome_unknown=True)

    async with leading(store) as (scheduler, _):
        await scheduler.submit(APP)
        store.before_commit = cut_off

        with pytest.raises(OutcomeUnknownError) as raised:
            await scheduler.submit(JOB)

        assert raised.value.status == 502
        assert "before you repeat it" in str(raised.value)


async def test_commit_that_ends_after_its_connection_broke_is_seen_by_the_core_that_goes_on(
    shared_store: TroubledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = shared_store
    server_side = SqlStore(store.url)  # what the server does for the connection that broke
    gone_on = threading.Event()  # the leader has begun anew
    committed: list[bool] = []

    def commit_late(epoch: int, changes: Changes) -> None:
        committed.append(server_side.commit(epoch, changes))

    def speed_up(slow_disk: psycopg.Connection) -> None:
        gone_on.wait(_SECONDS)
        slow_disk.close()

    def cut_off(epoch: int, changes: Changes) -> None:
        store.before_commit = lambda _, __: None
        store.before_renewal = store.after_load = gone_on.set
        slow_disk = psycopg.connect(store.url, autocommit=False)
        slow_disk.execute("LOCK TABLE fire IN SHARE MODE")  # it can be read, and not written
        threading.Thread(target=commit_late, args=(epoch, changes), daemon=True).start()
        while not slow_disk.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
            assert not committed
        threading.Thread(target=speed_up, args=(slow_disk,), daemon=True).start()
        raise StoreUnavailableError("The connection broke in COMMIT.", outcome_unknown=True)

    # The commit waits for its lock for 2 s.
    monkeypatch.setattr(term_module, "_RETRY_SECONDS", 0.05)
    async with leading(store, lease_seconds=120) as (scheduler, engine):
        await scheduler.submit(APP)
        await scheduler.submit(JOB)
        store.before_commit = cut_off
        with pytest.raises(OutcomeUnknownError):
            await scheduler.submit(TriggerJob("job"))

        await until(lambda: len(engine.launched) == 1, "the run that was recorded after all is launched")
        assert committed == [True]
        await submit_at_last(scheduler, TriggerJob("job"))
        await until(lambda: len(engine.launched) == 2, "the next run is launched")
    server_side.close()


async def test_lease_is_renewed_while_a_large_record_is_loaded(shared_store: TroubledStore) -> None:
    renewals = 0
    enough = threading.Event()

    def count() -> None:
        nonlocal renewals
        renewals += 1
        if renewals == 8:  # twice the lease
            enough.set()

    def load_slowly() -> None:
        shared_store.before_load = lambda: None
        enough.wait(_SECONDS)

    shared_store.before_renewal, shared_store.before_load = count, load_slowly
    async with leading(shared_store) as (scheduler, _):
        assert enough.is_set()
        assert [row.epoch for row in await scheduler.schedulers()] == [1]


async def test_call_that_came_before_the_term_had_begun_is_answered_when_the_term_ends(
    store: TroubledStore,
) -> None:
    async with leading(store) as (scheduler, engine):
        await scheduler.submit(APP)
        rival = SqlStore(store.url)
        rival.migrate()
        epoch = rival.acquire_lease("rival", "http://127.0.0.1:2", 60, steal=True)
        assert epoch is not None
        await until(lambda: not scheduler._leads(), "it is deposed")
        engine.hesitates = True
        rival.release_lease(epoch)
        await until(scheduler._leads, "it has the lease again, and its engine starts")
        calls = [asyncio.create_task(scheduler.jobs()), asyncio.create_task(scheduler.submit(JOB))]
        await asyncio.sleep(0)

        assert rival.acquire_lease("rival", "http://127.0.0.1:2", 60, steal=True) is not None
        async with asyncio.timeout(_SECONDS / 2):
            answers = await asyncio.gather(*calls, return_exceptions=True)

        assert [type(answer) for answer in answers] == [NotLeadingError, NotLeadingError]
        engine.hesitates = False
        rival.close()


async def test_renewal_that_fails_in_an_unknown_way_deposes_nobody(store: TroubledStore) -> None:
    failed = threading.Event()

    def fail() -> None:
        store.before_renewal = lambda: None
        failed.set()
        raise BugError("The database refused a statement of ours.")

    async with leading(store) as (scheduler, _):
        store.before_renewal = fail
        await until(failed.is_set, "the lease was to be renewed")
        await scheduler.submit(APP)

        assert [row.epoch for row in await scheduler.schedulers()] == [1]


async def test_history_is_pruned_again_after_a_failure(
    store: TroubledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruned = threading.Event()

    def fail() -> None:
        store.before_prune = pruned.set
        raise BugError("The database refused a statement of ours.")

    store.before_prune = fail
    monkeypatch.setattr(scheduler_module, "_PRUNE_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(housekeeping_tasks, "_RETRY_SECONDS", 0.01)
    async with leading(store):
        await until(pruned.is_set, "old history is deleted")


async def test_engine_is_prepared_for_the_next_term_while_the_database_hangs(
    shared_store: TroubledStore,
) -> None:
    answers = threading.Event()

    def hang() -> None:
        answers.wait(_SECONDS)

    async with leading(shared_store) as (scheduler, engine):
        engine.prepared.clear()
        shared_store.before_asking = shared_store.before_renewal = hang
        try:
            await until(engine.prepared.is_set, "the engine is prepared")
            assert not answers.is_set()
        finally:
            answers.set()
        await submit_at_last(scheduler, APP)
