"""A scheduler stops in a bounded time, and its event loop serves others meanwhile, whatever its database does."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from elasticjob_cloud.model.errors import BugError, NotLeadingError, UnavailableError
from elasticjob_cloud.model.queries.history import HistoryPage, HistoryQuery
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.service import life
from elasticjob_cloud.service import scheduler as scheduler_module
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.service.threads import store_threads
from elasticjob_cloud.store import SqlStore
from tests.integration.service.instant_engine import APP, JOB, InstantEngine
from tests.integration.service.scheduler_processes import schedulers
from tests.postgres.server import PostgresServer
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
_SECONDS = 40


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class FrozenStore(SqlStore):
    """A real store, whose calls hang as a test likes, as on a disk that does not answer."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url
        self.hangs: set[str] = set()
        self.hung = threading.Event()
        self.thawed = threading.Event()
        self.failure: Exception | None = None

    def _call(self, name: str) -> None:
        if name in self.hangs:
            self.hung.set()
            self.thawed.wait()

    def executions(self, query: HistoryQuery) -> HistoryPage:
        with self._read():
            self._call("executions")
        return super().executions(query)

    def renew_lease(self, epoch: int, lease_seconds: float) -> bool:
        self._call("renew_lease")
        return super().renew_lease(epoch, lease_seconds)

    def commit(self, epoch: int, changes: Changes) -> bool:
        self._call("commit")
        if self.failure is not None:
            raise self.failure
        return super().commit(epoch, changes)

    def prune_history(self, before_ms: int, limit: int) -> int:
        self._call("prune_history")
        return super().prune_history(before_ms, limit)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FrozenStore]:
    store = FrozenStore(f"sqlite:///{tmp_path}/elasticjob.db")
    yield store
    store.thawed.set()
    store.close()


async def started(store: FrozenStore) -> Scheduler:
    settings = LeadershipSettings("http://127.0.0.1:1", lease_seconds=1)
    scheduler = Scheduler(store, InstantEngine(), CoreSettings(), settings, database_url=store.url)
    async with asyncio.timeout(_SECONDS):
        await scheduler.start()
    return scheduler


async def hung(store: FrozenStore) -> None:
    await until(store.hung.is_set, f"a call of {store.hangs} was to hang")


@pytest.mark.parametrize("call", ["executions", "renew_lease", "commit", "prune_history"])
async def test_a_call_that_hangs_holds_up_neither_the_stop_nor_the_event_loop(
    store: FrozenStore, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "_RETIRE_SECONDS", 0.3)
    monkeypatch.setattr(store_threads, "_CLOSE_SECONDS", 0.3)
    monkeypatch.setattr(scheduler_module, "_PRUNE_EVERY_SECONDS", 0.01)
    scheduler = await started(store)
    store.hangs.add(call)
    caller: asyncio.Task[Any] | None = None
    if call == "executions":
        caller = asyncio.create_task(scheduler.executions(HistoryQuery()))
    elif call == "commit":
        caller = asyncio.create_task(scheduler.submit(APP))
    await hung(store)

    # Were the loop blocked, this timeout would not come either: pytest's own ends the test then.
    async with asyncio.timeout(_SECONDS):
        await scheduler.stop()

    assert not store.thawed.is_set()
    store.thawed.set()
    if caller is not None:
        with suppress(UnavailableError, asyncio.CancelledError):
            async with asyncio.timeout(_SECONDS):
                await caller


async def test_a_call_that_ends_while_the_scheduler_stops_is_waited_for(store: FrozenStore) -> None:
    scheduler = await started(store)
    store.hangs.add("executions")
    query = asyncio.create_task(scheduler.executions(HistoryQuery()))
    await hung(store)
    stopping = asyncio.create_task(scheduler.stop())
    # Only a loop that goes on gets here before the stop is over.
    asyncio.get_running_loop().call_later(0.1, store.thawed.set)
    async with asyncio.timeout(_SECONDS):
        await stopping
        with suppress(UnavailableError, asyncio.CancelledError):
            await query
    assert list(Path(store.url.removeprefix("sqlite:///")).parent.glob("*-wal")) == []


async def test_callers_of_a_turn_that_a_bug_of_ours_undid_are_told_that_it_is_one(store: FrozenStore) -> None:
    scheduler = await started(store)
    store.failure = BugError("The database refused a statement of ours: no such table: job.")
    with pytest.raises(BugError, match="no such table") as raised:
        await scheduler.submit(APP)
    assert raised.value.status == 500
    assert not isinstance(raised.value, UnavailableError)
    store.failure = None
    await scheduler.stop()


async def test_queries_that_wait_for_a_turn_that_a_bug_undid_are_told_that_it_is_one(
    store: FrozenStore,
) -> None:
    scheduler = await started(store)
    await scheduler.submit(APP)
    store.failure = BugError("The database refused a statement of ours.")
    store.hangs.add("commit")
    submitting = asyncio.create_task(scheduler.submit(JOB))
    await hung(store)
    query = asyncio.create_task(scheduler.jobs())
    await asyncio.sleep(0)
    late = asyncio.create_task(scheduler.submit(JOB))  # of the next turn: nothing was tried for it
    await asyncio.sleep(0)
    store.thawed.set()
    answers = await asyncio.gather(submitting, query, late, return_exceptions=True)
    assert [type(answer) for answer in answers] == [BugError, BugError, NotLeadingError]
    store.failure = None
    await scheduler.stop()


@pytest.mark.timeout(150)
def test_process_ends_soon_while_its_database_is_frozen_and_queried(tmp_path: Path) -> None:
    with PostgresServer() as server:
        server.create_database("cloud")
        with schedulers(server.url("cloud"), tmp_path, 1) as (scheduler,):
            client = scheduler.client()
            server.freeze()
            try:
                with ThreadPoolExecutor(1) as beside:
                    asking = beside.submit(client.get, "/job/events/executions")
                    scheduler.signal(signal.SIGTERM)
                    scheduler.process.join(60)
                    assert scheduler.process.exitcode == 0, scheduler.log()
                    with suppress(httpx.HTTPError):
                        asking.result(60)
            finally:
                server.thaw()
