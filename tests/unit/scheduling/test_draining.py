"""Agents that are about to go get no new task, and are released once they hold none."""

import pytest

from elasticjob_cloud.model.messages import (
    AgentDraining,
    AgentEvents,
    AgentInfo,
    AgentJoined,
    Inventory,
    Launch,
)
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import CoreSettings, Event, Request
from elasticjob_cloud.scheduling.commands import TriggerJob
from elasticjob_cloud.scheduling.settings import PlacementPolicy
from tests.unit.scheduling.core_driver import LOST, SECOND_MS, CoreDriver, job

REASON = "Ray drains its node."


def drain(agent_id: str = "agent-0") -> AgentDraining:
    return AgentDraining(agent_id, REASON)


def draining_join(agent_id: str = "agent-0") -> AgentJoined:
    info = AgentInfo(agent_id, "host", "127.0.0.1", 4, 8_192, draining=REASON)
    return AgentJoined(Inventory(info))


@pytest.mark.parametrize("placement", list(PlacementPolicy))
def test_nothing_is_placed_on_an_agent_that_drains(placement: PlacementPolicy) -> None:
    driver = CoreDriver(job(sharding_total_count=3), settings=CoreSettings(placement=placement), agents=2)
    driver.ask(TriggerJob("job"))
    for task in driver.tasks():
        driver.end(task)

    driver.handle(drain(), Request(100, TriggerJob("job")))

    assert {task.agent_id for task in driver.tasks()} == {"agent-1"}


def test_run_waits_where_all_agents_drain_and_says_so_and_starts_on_the_next_that_joins() -> None:
    driver = CoreDriver(job("busy"), job())
    driver.ask(TriggerJob("busy"))
    driver.handle(drain())
    driver.ask(TriggerJob("job"))

    assert driver.tasks() == []
    assert driver.core.explain_waiting("job") == "No agent takes new tasks: all that are there are draining."
    assert driver.core.unplaceable_jobs() == {}, "nobody knows what is to come"
    driver.join("agent-1")
    assert driver.task().agent_id == "agent-1"


def test_agent_that_joins_as_draining_gets_nothing() -> None:
    driver = CoreDriver(job(), agents=0)
    driver.handle(draining_join(), Request(100, TriggerJob("job")))

    assert driver.tasks() == []


def test_agent_that_joins_again_still_drains() -> None:
    driver = CoreDriver(job("busy"), job())
    driver.ask(TriggerJob("busy"))
    driver.handle(drain())
    driver.join("agent-0", driver.status(driver.task("busy"), TaskState.RUNNING))
    driver.ask(TriggerJob("job"))

    assert driver.tasks() == []


def test_room_of_a_draining_agent_counts_for_nobody() -> None:
    driver = CoreDriver(job("busy"), job(cpu_count=6.0))
    driver.join("agent-1", cpus=8)
    driver.ask(TriggerJob("busy"))
    large = driver.task("busy").agent_id
    driver.handle(drain(large))
    driver.ask(TriggerJob("job"))

    assert large == "agent-1"
    assert "even when empty" in driver.core.explain_waiting("job")
    assert driver.core.unmet_room(10) == [((6.0, 100.0),)]


def test_idle_executor_of_a_draining_agent_makes_no_room() -> None:
    driver = CoreDriver(job("first", props={}), job("hold"))
    driver.ask(TriggerJob("first"), TriggerJob("hold"))
    first, hold = driver.task("first"), driver.task("hold")
    running = [driver.status(task, TaskState.RUNNING) for task in (first, hold)]
    driver.join("agent-0", *running, executors=("app",))
    driver.end(first)
    fleet = driver.core._state.fleet
    assert len(fleet.with_idle_executors()) == 1

    driver.handle(drain())

    assert len(fleet.with_idle_executors()) == 0


def test_draining_agent_is_released_when_its_last_task_has_ended() -> None:
    driver = CoreDriver(job(), agents=1)
    driver.ask(TriggerJob("job"))

    assert driver.handle(drain()).released == []
    assert driver.end(driver.task()).released == ["agent-0"]
    assert list(driver.core.state.agents) == []
    assert driver.handle(drain()).released == [], "it is gone"


def test_idle_agent_is_released_as_soon_as_it_drains_though_it_be_the_last() -> None:
    driver = CoreDriver(agents=1)

    assert driver.handle(drain()).released == ["agent-0"]
    assert driver.handle(draining_join()).released == ["agent-0"], "it could not be ended"


def test_last_agent_that_takes_tasks_is_not_released_for_its_idleness() -> None:
    driver = CoreDriver(job(), settings=CoreSettings(release_idle_ms=30 * SECOND_MS), agents=1)
    driver.ask(TriggerJob("job"))
    busy = driver.task()
    driver.join("agent-1")
    driver.handle(drain(busy.agent_id))

    assert driver.pass_time(60 * SECOND_MS).released == []


def test_shard_that_was_lost_with_a_draining_agent_starts_elsewhere() -> None:
    driver = CoreDriver(job(failover=True), agents=2)
    driver.ask(TriggerJob("job"))
    task = driver.task()
    driver.handle(drain(task.agent_id))
    driver.end(task, LOST)

    (launch,) = driver.sent(Launch)
    assert [spec.item for spec in launch.tasks] == [0]
    assert driver.task().agent_id != task.agent_id


def test_drain_that_is_told_with_the_end_of_the_last_task_releases_at_once() -> None:
    driver = CoreDriver(job(), agents=1)
    driver.ask(TriggerJob("job"))
    ended = AgentEvents("agent-0", 1, (driver.status(driver.task(), TaskState.FINISHED),))
    events: list[Event] = [drain(), ended]

    assert driver.handle(*events).released == ["agent-0"]


def test_drain_of_an_unknown_agent_changes_nothing() -> None:
    driver = CoreDriver(agents=1)

    assert driver.handle(drain("agent-9")).released == []
    assert list(driver.core.state.agents) == ["agent-0"]
