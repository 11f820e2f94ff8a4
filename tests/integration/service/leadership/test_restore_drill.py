"""A restored copy of the database, with a scheduler of its own, beside the living one and its agents."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.engine.local import LocalEngine
from elasticjob_cloud.model.errors import AgentsRefuseError
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
_SECONDS = 60
SETTINGS = AgentSettings(orphan_seconds=20)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def scheduler_of(database: Path, agent: Path, *, takes_over_agents: bool = False) -> Scheduler:
    url = f"sqlite:///{database}"
    return Scheduler(
        SqlStore(url),
        LocalEngine(agent, SETTINGS),
        CoreSettings(time_zone="UTC"),
        LeadershipSettings("http://127.0.0.1:1", lease_seconds=1, takes_over_agents=takes_over_agents),
        database_url=url,
    )


@contextlib.asynccontextmanager
async def running(scheduler: Scheduler) -> AsyncIterator[Scheduler]:
    try:
        async with asyncio.timeout(_SECONDS):
            await scheduler.start()
        yield scheduler
    finally:
        await scheduler.stop()


def back_up(database: Path, copy: Path) -> Path:
    with (
        contextlib.closing(sqlite3.connect(database)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return copy


def epoch_and_renewals(database: Path) -> tuple[int, int]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        epoch, renewals = connection.execute("SELECT epoch, renewals FROM lease").fetchone()
        return int(epoch), int(renewals)


async def is_told_of_a_later_state(production: Path) -> None:
    _, renewals = epoch_and_renewals(production)
    # Each ping tells the agent, one a second; a lease of 1 s is renewed four times in it.
    await until(lambda: epoch_and_renewals(production)[1] > renewals + 9, "the lease is renewed")


async def test_drill_is_refused_again_and_again_uses_up_no_epoch_and_production_goes_on(
    tmp_path: Path,
) -> None:
    production, agent = tmp_path / "production.db", tmp_path / "agent"
    async with running(scheduler_of(production, agent)) as living:
        copy = back_up(production, tmp_path / "drill.db")
        epoch, _ = epoch_and_renewals(copy)
        await is_told_of_a_later_state(production)
        for _ in range(4):
            with pytest.raises(AgentsRefuseError, match=r"older copy.*--take-over-agents"):
                await scheduler_of(copy, agent).start()
            assert epoch_and_renewals(copy)[0] == epoch
            assert living.not_ready_reason() is None
            assert (await living.agents())[0].agent_id


async def test_drill_that_takes_over_ends_the_term_of_production_which_says_why(tmp_path: Path) -> None:
    production, agent = tmp_path / "production.db", tmp_path / "agent"
    async with running(scheduler_of(production, agent)) as living:
        copy = back_up(production, tmp_path / "drill.db")
        await is_told_of_a_later_state(production)
        async with running(scheduler_of(copy, agent, takes_over_agents=True)) as drill:
            assert drill.not_ready_reason() is None
            await until(lambda: living.not_ready_reason() is not None, "production is not ready")
            await until(
                lambda: "The agents refuse this scheduler" in str(living.not_ready_reason()),
                "production says why",
            )
            epoch, _ = epoch_and_renewals(production)
            assert drill.not_ready_reason() is None
        # It went with its orphans' rule or by its goodbye: production has an agent again.
        await until(lambda: living.not_ready_reason() is None, "production is ready again")
        assert epoch_and_renewals(production)[0] <= epoch + 1


async def test_next_scheduler_of_the_same_database_has_the_agent_at_once(tmp_path: Path) -> None:
    database, agent = tmp_path / "production.db", tmp_path / "agent"
    async with running(scheduler_of(database, agent)):
        await is_told_of_a_later_state(database)
    async with running(scheduler_of(database, agent)) as following:
        await until(lambda: following.not_ready_reason() is None, "the next one is ready")
