"""How soon another scheduler leads, and what a deposed one may still do, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from elasticjob_cloud.model.errors import NotLeadingError, OutcomeUnknownError
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.scheduling import commands
from elasticjob_cloud.service.leadership.phases import LeaderPhase
from tests.simulation.cluster.cluster import Cluster, ClusterHazards, play
from tests.simulation.cluster.host import Host

_APP = commands.PublishApp(AppConfiguration(app_name="app", app_url="http://a/b.gz", bootstrap_script="b"))
_DEADLINE_SECONDS = 30.0
_HAND_OVER_SECONDS = 1.0
_FAIL_OVER_SECONDS = 6.0


async def until(cluster: Cluster, condition: Callable[[], bool]) -> float:
    """Wait for a condition; give how many seconds it took."""
    started = cluster.loop.time()
    while not condition():
        assert cluster.loop.time() - started < _DEADLINE_SECONDS, "it never came to pass"
        await asyncio.sleep(0.001)
    return cluster.loop.time() - started


async def a_leader_and_a_standby(cluster: Cluster) -> tuple[Host, Host]:
    await until(cluster, lambda: any(host.leads for host in cluster.hosts))
    await asyncio.sleep(3.5)  # so that the next renewal is due at some odd moment
    (leader,) = (host for host in cluster.hosts if host.leads)
    (standby,) = (host for host in cluster.hosts if not host.leads)
    return leader, standby


def play_calmly(seed: int, script: Callable[[Cluster], Awaitable[None]]) -> None:
    play(seed, ClusterHazards(), script)


@pytest.mark.parametrize("seed", range(8))
def test_clean_hand_over_takes_less_than_a_second(seed: int) -> None:
    async def script(cluster: Cluster) -> None:
        leader, standby = await a_leader_and_a_standby(cluster)
        leader.retire()
        assert await until(cluster, lambda: standby.leads) < _HAND_OVER_SECONDS

    play_calmly(seed, script)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "fault",
    [Host.crash, lambda host: host.freeze(60), lambda host: host.lose_database(60)],
    ids=["killed", "frozen", "without-database"],
)
def test_fail_over_takes_less_than_six_seconds(fault: Callable[[Host], None], seed: int) -> None:
    async def script(cluster: Cluster) -> None:
        leader, standby = await a_leader_and_a_standby(cluster)
        fault(leader)
        assert await until(cluster, lambda: standby.leads) < _FAIL_OVER_SECONDS

    play_calmly(seed, script)


def test_standby_prepares_its_engine_and_asks_for_the_lead_four_times_a_second() -> None:
    async def script(cluster: Cluster) -> None:
        _, standby = await a_leader_and_a_standby(cluster)
        asked = cluster.database.asked
        await asyncio.sleep(10)
        assert 30 <= cluster.database.asked - asked <= 42
        assert standby.engine.prepared >= 2

    play_calmly(1, script)


def test_standby_that_stops_lets_go_of_what_its_engine_has_prepared() -> None:
    async def script(cluster: Cluster) -> None:
        _, standby = await a_leader_and_a_standby(cluster)
        assert standby.engine.is_ready
        standby.retire()
        await until(cluster, lambda: standby.leader is None)
        assert not standby.engine.is_ready

    play_calmly(6, script)


def test_leader_frozen_in_the_middle_of_a_commit_sends_nothing_when_it_wakes_and_leads_again_later() -> None:
    async def script(cluster: Cluster) -> None:
        leader, standby = await a_leader_and_a_standby(cluster)
        assert leader.leader is not None
        assert leader.leader.loop is not None
        assert leader.leader.phase is LeaderPhase.LEADING
        assert standby.leader is not None
        assert standby.leader.phase is LeaderPhase.STANDING_BY
        sent = leader.process.context.run(asyncio.create_task, leader.leader.loop.submit(_APP))
        await until(cluster, lambda: leader.database_call_is_under_way)
        leader.freeze(20)
        spoken = leader.engine.hello.epoch
        await until(cluster, lambda: standby.leads)
        assert "app" in cluster.database.rows.apps, "the commit was sent before the freeze"
        await until(cluster, lambda: not leader.is_frozen)
        with pytest.raises(OutcomeUnknownError, match="look whether it was carried out"):
            await sent
        assert not leader.leads
        assert leader.leader.epoch is None
        assert cluster.database.epoch > spoken

        standby.retire()
        assert await until(cluster, lambda: leader.leads) < _HAND_OVER_SECONDS
        assert await cluster.request(commands.SetAppDisabled("app", disabled=True))

    play_calmly(2, script)


def test_leader_without_its_database_stops_answering_before_another_leads() -> None:
    async def script(cluster: Cluster) -> None:
        leader, standby = await a_leader_and_a_standby(cluster)
        assert leader.leader is not None
        loop = leader.leader.loop
        leader.lose_database(30)
        while not standby.leads:
            assert not (leader.leads and standby.leads)
            await asyncio.sleep(0.001)
        assert loop is not None
        with pytest.raises(NotLeadingError):
            await loop.submit(_APP)

    play_calmly(3, script)


def test_call_is_answered_and_the_term_over_although_the_database_hangs() -> None:
    async def script(cluster: Cluster) -> None:
        leader, _ = await a_leader_and_a_standby(cluster)
        assert leader.leader is not None
        loop = leader.leader.loop
        assert loop is not None
        started = cluster.loop.time()
        leader.lose_database(60, hangs_seconds=(30.0,))
        with pytest.raises(OutcomeUnknownError):
            await loop.submit(_APP)
        assert cluster.loop.time() - started < _FAIL_OVER_SECONDS
        assert leader.leader.loop is None

    play_calmly(5, script)


def test_scheduler_that_cannot_renew_for_a_moment_goes_on_leading() -> None:
    async def script(cluster: Cluster) -> None:
        leader, standby = await a_leader_and_a_standby(cluster)
        epoch = cluster.database.epoch
        leader.lose_database(1.5, hangs_seconds=(0.0, 0.5))
        await asyncio.sleep(10)
        assert leader.leads
        assert not standby.leads
        assert cluster.database.epoch == epoch

    play_calmly(4, script)
