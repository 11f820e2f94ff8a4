"""Which idle executors are stopped to make room: none without need."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elasticjob_cloud.model.messages import ExecutorStarted, StopExecutor
from elasticjob_cloud.scheduling.commands import TriggerJob, UpdateJob
from elasticjob_cloud.scheduling.placement.agent import AgentState
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.planner import Planner
from elasticjob_cloud.scheduling.placement.room import Room
from tests.unit.scheduling.core_driver import CoreDriver, job
from tests.unit.scheduling.placement.fleets import TestFleet


def scripts(count: int, cpus: float) -> Demand:
    """Make a demand of so many shards that need no executor."""
    return Demand("app", count, Room.of(cpus, 100), None)


def test_executor_whose_room_is_not_needed_is_not_stopped_beside_one_whose_room_is() -> None:
    fleet = TestFleet()
    agent = fleet.add("a", 4, executors={"small": Room.of(0.5, 100), "large": Room.of(2, 100)})

    assert Planner(fleet).executors_to_stop(scripts(1, 3)) == [(agent, "large")]


def test_executor_whose_room_is_not_needed_is_not_stopped_before_those_of_another_agent() -> None:
    fleet = TestFleet()
    fleet.add("a", 1, executors={"x": Room.of(1, 100)})
    agent = fleet.add("b", 2, executors={"y": Room.of(2, 100)})

    assert Planner(fleet).executors_to_stop(scripts(2, 1)) == [(agent, "y")]


def test_no_other_executor_is_stopped_while_enough_of_them_are_stopping() -> None:
    fleet = TestFleet()
    agent = fleet.add("a", 4, executors={"x": Room.of(2, 100), "y": Room.of(2, 100)})
    agent.executors["y"].stopping = True
    planner = Planner(fleet)

    assert planner.executors_to_stop(scripts(1, 2)) == []
    assert planner.executors_to_stop(scripts(1, 3)) == [(agent, "x")]


def test_no_executor_is_stopped_for_what_a_job_asked_for_before_it_was_updated() -> None:
    driver = CoreDriver(job("sdk", props={}), job("filler", cpu_count=2.0), job(cpu_count=4.0))
    driver.ask(TriggerJob("sdk"))
    driver.tell(ExecutorStarted("app"))
    driver.end(driver.task("sdk"))
    driver.ask(TriggerJob("filler"))
    driver.ask(TriggerJob("job"))
    driver.ask(UpdateJob(job(cpu_count=100.0)))

    driver.end(driver.task("filler"))

    assert driver.sent(StopExecutor) == [], "4 CPUs are no longer asked for, and 100 are not there"


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_none_of_the_executors_that_are_stopped_could_be_left_out(data: st.DataObject) -> None:
    sizes = st.builds(Room, st.integers(1, 4), st.integers(1, 4))
    fleet = TestFleet()
    for name in ("a", "b", "c"):
        executors = data.draw(st.dictionaries(st.sampled_from("uvwxyz"), sizes, max_size=4))
        fleet.add(name, 0.016, 16 / 1024, executors=executors)
        for executor in fleet.agents[name].executors.values():
            executor.stopping = data.draw(st.booleans())
    demand = Demand("app", data.draw(st.integers(1, 6)), data.draw(sizes), None)
    stops = Planner(fleet).executors_to_stop(demand)

    def fits(stopped: list[tuple[AgentState, str]]) -> bool:
        rooms = {agent: agent.free for agent in fleet.agents.values()}
        for agent in fleet.agents.values():
            for app_name, executor in agent.executors.items():
                if executor.stopping or (agent, app_name) in stopped:
                    rooms[agent] = rooms[agent].plus(executor.room)
        return sum(room.count_of(demand.shard) for room in rooms.values()) >= demand.shards

    everything = [(agent, name) for agent in fleet.agents.values() for name in agent.executors]
    assert bool(stops) == (fits(everything) and not fits([])), "if and only if that helps, and is needed"
    assert not stops or fits(stops)
    assert not any(fits([other for other in stops if other != stop]) for stop in stops)
