"""Promise 4: what waits for room says why."""

from elasticjob_cloud.scheduling.commands import TriggerJob
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.refusals import EmptyAgents
from elasticjob_cloud.scheduling.placement.room import Room
from elasticjob_cloud.service.views import agent_views
from tests.unit.scheduling.core_driver import CoreDriver, job, triggered
from tests.unit.scheduling.placement.fleets import TestFleet


def _fleet(*cpus: float) -> EmptyAgents:
    fleet = TestFleet()
    for number, count in enumerate(cpus):
        agent = fleet.add(f"agent-{number}", count, 1_000)
        fleet.start(agent, Demand("filler", 1, Room.of(count, 1), None))
    return EmptyAgents(fleet.agents.values())


def _demand(shards: int, cpus: float, executor: Room | None = None) -> Demand:
    return Demand("app", shards, Room.of(cpus, 100), executor)


def test_run_that_all_agents_could_hold_a_part_of_waits_for_room() -> None:
    assert _fleet(4, 4, 4).explain(_demand(12, 1)) == "Waits until there is room for all its shards."


def test_run_that_only_some_agents_are_large_enough_for_says_how_many() -> None:
    agents = _fleet(2, 8, 2, 8, 16)

    assert agents.could_hold(_demand(8, 4))
    assert agents.explain(_demand(8, 4)) == (
        "Waits until there is room for all its shards on the 3 of 5 agents that are large enough for them."
    )


def test_run_that_no_agents_could_hold_says_what_it_needs_and_what_there_is() -> None:
    agents = _fleet(2, 8, 2, 8, 16)

    assert not agents.could_hold(_demand(9, 4, Room.of(1, 50)))
    assert agents.explain(_demand(9, 4, Room.of(1, 50))) == (
        "Needs 9 x 4 CPU and 100 MB, and 1 CPU and 50 MB for the app's executor on each agent; "
        "the 5 agent(s) could hold 5 of its shards even when empty, on 3 of them "
        "(the largest has 16 CPU and 1000 MB). Lower cpuCount, memoryMB or shardingTotalCount, or add agents."
    )


def test_without_agents_nobody_can_tell_what_they_could_hold() -> None:
    assert _fleet().could_hold(_demand(1, 1))
    assert _fleet().explain(_demand(1, 1)) == "No agent is there to run it."


def test_operators_see_all_agents_and_why_each_job_waits() -> None:
    driver = CoreDriver(
        job("twice", cpu_count=4), job("large", cpu_count=6), job("huge", cpu_count=60), agents=3
    )
    driver.join("agent-large", cpus=8)
    driver.ask(*(TriggerJob(name) for name in ("twice", "twice", "large", "large", "huge")))

    reasons = driver.core.explain_waiting_jobs(driver.core.state.waiting)

    assert reasons == {name: driver.core.explain_waiting(name) for name in ("twice", "large", "huge")}
    assert reasons["twice"] == "Waits until the job's earlier run has ended."
    assert "on 0 of them" in reasons["huge"]
    views = {it.agent_id: (it.cpus_total, it.cpus_used, it.task_count) for it in agent_views(driver.core)}
    assert sorted(views) == ["agent-0", "agent-1", "agent-2", "agent-large"]
    assert views["agent-large"] == (8.0, 4.0, 1), "the one with the most room has the first run"
    assert [views[f"agent-{number}"] for number in range(3)] == [(4.0, 0.0, 0)] * 3


def test_job_is_unplaceable_where_a_shard_that_failed_over_fits_on_no_agent_that_is_left() -> None:
    driver = triggered(job(cpu_count=3, failover=True))
    driver.join("agent-1", cpus=2)
    assert driver.core.unplaceable_jobs() == {}

    driver.lose()

    assert driver.core.unplaceable_jobs().keys() == {"job"}
    assert "Needs 1 x 3 CPU" in driver.core.unplaceable_jobs()["job"]
    driver.join("agent-2")
    assert driver.core.unplaceable_jobs() == {}
