"""A leader that reaches the database and no agent, beside another scheduler that may."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from elasticjob_cloud.engine.contract import EventSink
from elasticjob_cloud.model.messages import AgentLost
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.scheduling.commands import TriggerJob
from elasticjob_cloud.service.leadership import agent_watch, leader, term
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from tests.integration.service.instant_engine import APP, JOB, InstantEngine, submit_at_last
from tests.postgres.databases import new_database
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
_SECONDS = 20
_PATIENCE_SECONDS = 1.0  # far more than it takes to begin a term, on a busy machine too


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(term, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(leader, "_WAY_SECONDS", 1.0)
    monkeypatch.setattr(agent_watch.AgentWatch.__init__, "__defaults__", (_PATIENCE_SECONDS,))
    with new_database() as url:
        yield url


class CutOffEngine(InstantEngine):
    """Reaches no agent while it is `cut_off`."""

    cut_off = False

    @property
    def is_started(self) -> bool:
        return self._sink is not None

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        if self.cut_off:
            self._sink = sink
        else:
            await super().start(epoch, known_agents, sink)

    def lose_agent(self) -> None:
        self.cut_off = True
        assert self._sink is not None
        self._sink(AgentLost("agent", "Nothing was heard of it."))


@asynccontextmanager
async def scheduler(url: str, port: int) -> AsyncIterator[tuple[Scheduler, CutOffEngine]]:
    engine = CutOffEngine()
    settings = LeadershipSettings(f"http://127.0.0.1:{port}", lease_seconds=60)
    started = Scheduler(SqlStore(url), engine, CoreSettings(), settings, database_url=url)
    await started.start()
    try:
        yield started, engine
    finally:
        await started.stop()


async def test_leader_that_has_lost_all_agents_leaves_the_lead_to_one_that_reaches_them(url: str) -> None:
    async with scheduler(url, 1) as (first, engine), scheduler(url, 2) as (second, other):
        await first.submit(APP)
        await first.submit(JOB)
        assert not second._leads()
        engine.lose_agent()

        await until(second._leads, "the other scheduler leads")
        assert not first._leads()
        await submit_at_last(second, TriggerJob("job"))
        await until(lambda: len(other.launched) == 1, "jobs run again")
        rows = await second.schedulers()
        assert [row.epoch for row in rows if row.leader] == [2]


async def test_only_scheduler_keeps_the_lead_without_agents(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    look = agent_watch.AgentWatch.look

    def count(self: agent_watch.AgentWatch, *, has_agents: bool, now: float) -> bool:
        nonlocal looks
        looks += look(self, has_agents=has_agents, now=now)
        return look(self, has_agents=has_agents, now=now)

    monkeypatch.setattr(agent_watch.AgentWatch, "look", count)
    async with scheduler(url, 1) as (only, engine):
        engine.lose_agent()
        await until(lambda: looks >= 5, "its patience has been at its end for a while")
        assert only._leads()
        assert [row.epoch for row in await only.schedulers()] == [1]


async def test_lead_comes_to_rest_where_nobody_reaches_an_agent_and_goes_to_whoever_does(url: str) -> None:
    async with scheduler(url, 1) as (first, engine), scheduler(url, 2) as (second, other):
        other.cut_off = True
        engine.lose_agent()
        await until(second._leads, "the second leads")
        await until(first._leads, "the first leads again")
        await until(second._leads, "the second leads again")
        await until(lambda: other.is_started, "its term has begun")
        other.cut_off = False
        other.reconcile(frozenset())  # its agents are there again
        await asyncio.sleep(0)
        assert await second.agents()

        rows = await second.schedulers()
        assert [row.epoch for row in rows if row.leader] == [4]
