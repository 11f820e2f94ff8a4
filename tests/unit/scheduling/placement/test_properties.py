"""Placement against models that are slow and obvious, while agents come and go and tasks begin and end."""

from collections.abc import Iterable
from unittest.mock import patch

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from elasticjob_cloud.model.records import TaskRecord
from elasticjob_cloud.scheduling.placement import fleet
from elasticjob_cloud.scheduling.placement.agent import AgentState
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.fleet import RoomIndex
from elasticjob_cloud.scheduling.placement.planner import Planner
from elasticjob_cloud.scheduling.placement.policies import POLICIES, Placement
from elasticjob_cloud.scheduling.placement.room import Room
from elasticjob_cloud.scheduling.settings import PlacementPolicy
from tests.unit.scheduling.placement.fleets import PACK, SPREAD, TestFleet

_NAMES = [f"agent-{number}" for number in range(7)]
_EXECUTORS = {"a": Room(500, 256), "b": Room(1_500, 1_024), "c": Room(4_000, 64)}
_SIZES = st.tuples(st.integers(0, 12), st.integers(0, 12))
_DEMANDS = st.builds(
    lambda app_name, shards, shard, is_script: Demand(
        app_name, shards, shard, None if is_script else _EXECUTORS[app_name]
    ),
    st.sampled_from(sorted(_EXECUTORS)),
    st.one_of(st.integers(1, 4), st.integers(1, 40)),
    st.builds(Room, st.sampled_from((1, 250, 1_000, 3_000)), st.sampled_from((1, 128, 1_000, 5_000))),
    st.booleans(),
)


# Without making a failing history smaller, which takes longer than a test may.
_SETTINGS = settings(
    max_examples=25, stateful_step_count=25, deadline=None, phases=[Phase.reuse, Phase.generate]
)


class _Placements(RuleBasedStateMachine):
    """A fleet that lives on from placement to placement, as the core's does."""

    policy: PlacementPolicy

    def __init__(self) -> None:
        super().__init__()
        self.fleet = TestFleet(self.policy)
        self.tasks: dict[str, list[TaskRecord]] = {}

    @rule(name=st.sampled_from(_NAMES), size=_SIZES)
    def join(self, name: str, size: tuple[int, int]) -> None:
        self.fleet.add(name, size[0], size[1])
        self.tasks[name] = []

    @precondition(lambda self: self.fleet.agents)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.fleet.agents)))
        self.fleet.leave(name)
        del self.tasks[name]

    @precondition(lambda self: any(self.tasks.values()))
    @rule(data=st.data())
    def end_task(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([name for name, tasks in self.tasks.items() if tasks]))
        task = self.tasks[name].pop(data.draw(st.integers(0, len(self.tasks[name]) - 1)))
        self.fleet.agents[name].remove_task(task)

    @precondition(lambda self: self.fleet.agents)
    @rule(data=st.data(), app_name=st.sampled_from(sorted(_EXECUTORS)), starts=st.booleans())
    def change_executor(self, data: st.DataObject, app_name: str, *, starts: bool) -> None:
        agent = self.fleet.agents[data.draw(st.sampled_from(sorted(self.fleet.agents)))]
        if not starts:
            agent.executor_stopped(app_name)
        elif app_name in agent.executors or min(agent.free.minus(_EXECUTORS[app_name])) >= 0:
            agent.executor_started(app_name, _EXECUTORS[app_name])

    @rule(demands=st.lists(_DEMANDS, min_size=1, max_size=6), avoid=st.sampled_from(("", *_NAMES)))
    def place_in_one_pass(self, demands: list[Demand], avoid: str) -> None:
        planner = Planner(self.fleet)
        for demand in demands:
            capacities = {
                agent: _slow_capacity(agent, demand, self.tasks[name])
                for name, agent in self.fleet.agents.items()
            }
            hopeless = planner.is_hopeless(demand)
            placement = planner.plan(demand, avoid)
            could = sum(capacities.values()) >= demand.shards
            assert (placement is not None) == could, "all or none, and all wherever all have room"
            assert not (hopeless and could)
            if placement is not None:
                self._check(demand, placement, capacities, avoid)
                for agent, count in placement:
                    started = self.fleet.start(agent, demand, count)
                    self.tasks[agent.info.agent_id] += started

    @rule(demand=_DEMANDS)
    def look_for_idle_executors(self, demand: Demand) -> None:
        planner = Planner(self.fleet)
        if planner.plan(demand) is not None:
            return
        stops = planner.executors_to_stop(demand)
        assert len(set(stops)) == len(stops)
        assert all(agent.executors[app_name].is_idle for agent, app_name in stops)
        after = most = 0
        for name, agent in self.fleet.agents.items():
            own = {app_name for stopped, app_name in stops if stopped is agent}
            idle = {app_name for app_name, it in agent.executors.items() if it.is_idle}
            if demand.executor is not None:
                idle.discard(demand.app_name)
            after += _slow_capacity(agent, demand, self.tasks[name], without=own)
            most += _slow_capacity(agent, demand, self.tasks[name], without=idle)
        assert bool(stops) == (most >= demand.shards), "executors are stopped if and only if that helps"
        assert not stops or after >= demand.shards, "those that are stopped make enough room"

    @invariant()
    def room_is_what_tasks_and_executors_leave(self) -> None:
        for name, agent in self.fleet.agents.items():
            assert agent.free == _slow_free(agent, self.tasks[name])
            assert min(agent.free) >= 0

    @invariant()
    def orders_are_those_of_one_who_looks_at_all_agents(self) -> None:
        for kind in list(self.fleet._indexes):
            fresh = RoomIndex(kind, POLICIES[self.policy])
            fresh.renew(self.fleet.agents.values())
            index = self.fleet.index_of(kind)
            assert index.capacity == fresh.capacity
            assert index.entries_without(None) == fresh.entries_without(None)

    def _check(
        self, demand: Demand, placement: Placement, capacities: dict[AgentState, int], avoid: str
    ) -> None:
        counts = dict(placement)
        assert len(counts) == len(placement), "an agent is named once"
        assert sum(counts.values()) == demand.shards
        assert all(0 < count <= capacities[agent] for agent, count in counts.items())
        avoided = self.fleet.agents.get(avoid)
        if avoided is not None:
            elsewhere = sum(capacities.values()) - capacities[avoided]
            assert counts.pop(avoided, 0) == max(0, demand.shards - elsewhere), "avoided wherever it can be"
            capacities = {agent: count for agent, count in capacities.items() if agent is not avoided}
        self._check_quality(demand, counts, capacities)

    def _check_quality(
        self, demand: Demand, counts: dict[AgentState, int], capacities: dict[AgentState, int]
    ) -> None:
        raise NotImplementedError


class _Spreading(_Placements):
    policy = SPREAD

    def _check_quality(
        self, demand: Demand, counts: dict[AgentState, int], capacities: dict[AgentState, int]
    ) -> None:
        """No shard would have found more room elsewhere: what is left differs by less than a shard."""
        taken = [_weighted_room(agent, demand, count - 1) for agent, count in counts.items()]
        open_to_more = [
            _weighted_room(agent, demand, counts.get(agent, 0))
            for agent, capacity in capacities.items()
            if capacity > counts.get(agent, 0)
        ]
        assert min(taken, default=0) >= max(open_to_more, default=0) - 1e-9 or not taken


class _Packing(_Placements):
    policy = PACK

    def _check_quality(
        self, demand: Demand, counts: dict[AgentState, int], capacities: dict[AgentState, int]
    ) -> None:
        """No first fit, in whatever order, leaves more agents idle, and none without need is begun."""
        busy = [agent for agent in capacities if agent.task_ids]
        idle = [agent for agent in capacities if not agent.task_ids]
        begun = sum(agent in counts for agent in idle)
        shards = sum(counts.values())
        for order in ([*capacities], [*reversed(capacities)], busy + idle):
            assert begun <= sum(agent in idle for agent in _first_fit(order, capacities, shards))
        if begun:
            assert all(counts.get(agent, 0) == capacities[agent] for agent in busy)
        warm = [agent for agent in busy if not demand.kind.needs_executor_on(agent)]
        if any(agent in counts for agent in capacities if agent not in warm):
            assert all(counts.get(agent, 0) == capacities[agent] for agent in warm)


def _slow_free(agent: AgentState, tasks: Iterable[TaskRecord], without: Iterable[str] = ()) -> Room:
    milli_cpus, memory_kib = agent.total
    for task in tasks:
        milli_cpus -= round(task.cpu_count * 1000)
        memory_kib -= round(task.memory_mb * 1024)
    for app_name in set(agent.executors).difference(without):
        milli_cpus -= _EXECUTORS[app_name].milli_cpus
        memory_kib -= _EXECUTORS[app_name].memory_kib
    return Room(milli_cpus, memory_kib)


def _slow_capacity(
    agent: AgentState, demand: Demand, tasks: Iterable[TaskRecord], without: Iterable[str] = ()
) -> int:
    """Put one shard after another on an agent until the next one does not fit."""
    milli_cpus, memory_kib = _slow_free(agent, tasks, without)
    if demand.executor is not None and demand.app_name not in agent.executors:
        milli_cpus -= demand.executor.milli_cpus
        memory_kib -= demand.executor.memory_kib
    count = 0
    while count < demand.shards + 50 and milli_cpus >= demand.shard[0] and memory_kib >= demand.shard[1]:
        milli_cpus -= demand.shard[0]
        memory_kib -= demand.shard[1]
        count += 1
    return count


def _weighted_room(agent: AgentState, demand: Demand, taken: int) -> float:
    milli_cpus, memory_kib = demand.kind.room_on(agent)
    room = min(milli_cpus / demand.shard.milli_cpus, memory_kib / demand.shard.memory_kib) - taken
    return room / 2 if demand.kind.needs_executor_on(agent) else room


def _first_fit(
    agents: Iterable[AgentState], capacities: dict[AgentState, int], shards: int
) -> list[AgentState]:
    used = []
    for agent in agents:
        if shards > 0 and capacities[agent]:
            used.append(agent)
            shards -= capacities[agent]
    return used


@pytest.mark.slow
@pytest.mark.parametrize("few", [1, 10])
@pytest.mark.parametrize("placements", [_Spreading, _Packing])
def test_placements_keep_what_the_page_says_of_them(placements: type[_Placements], few: int) -> None:
    with patch.object(fleet, "_FEW", few):  # there are few agents, and both ways are to be tried
        run_state_machine_as_test(placements, settings=_SETTINGS)
