"""Where the shards of a run go: all of them have room, or none is placed (promise 4)."""

import heapq
from collections.abc import Collection
from typing import NamedTuple

from elasticjob_cloud.scheduling.agents import AgentState
from elasticjob_cloud.scheduling.room import NOTHING, Room


class Demand(NamedTuple):
    """What a run asks for: so many shards of this size, and the app's executor (None for scripts) once per agent."""

    app_name: str
    shards: int
    shard: Room
    executor: Room | None

    def room_on(self, agent: AgentState) -> Room:
        """Give what is free on this agent once the app's executor, if it is needed, has its room."""
        if self.executor is None or self.app_name in agent.executors:
            return agent.free
        return agent.free.minus(self.executor)

    def capacity_of(self, agent: AgentState) -> int:
        """Give how many shards there is room for on this agent."""
        return self.room_on(agent).count_of(self.shard)


Placement = list[tuple[AgentState, int]]
_REFUSALS_KEPT = 16
# What to sort agents by, best first: whether the app's executor is missing there, minus the capacity, a number.
_Candidate = tuple[bool, int, int, AgentState]


class _Bound(NamedTuple):
    """More room than this no agent has (`most`), nor all together (`total`): refuses most demands in no time."""

    most: Room
    total: Room

    @classmethod
    def of(cls, rooms: Collection[Room]) -> "_Bound":
        milli_cpus = [max(room.milli_cpus, 0) for room in rooms]
        memory_kib = [max(room.memory_kib, 0) for room in rooms]
        most = Room(max(milli_cpus, default=0), max(memory_kib, default=0))
        return cls(most, Room(sum(milli_cpus), sum(memory_kib)))

    def excludes(self, demand: Demand) -> bool:
        milli_cpus, memory_kib = demand.shard
        return (
            milli_cpus > self.most.milli_cpus
            or memory_kib > self.most.memory_kib
            or milli_cpus * demand.shards > self.total.milli_cpus
            or memory_kib * demand.shards > self.total.memory_kib
        )


class Planner:
    """Plans the placements of one pass over the queues, during which room is taken and none is freed.

    So what was found too large stays too large, and the agents are sorted once for each kind of shard: a placement costs
    the logarithm of their number.
    """

    def __init__(self, agents: Collection[AgentState]) -> None:
        self._agents = agents
        self._candidates: dict[tuple[str, Room, Room | None], list[_Candidate]] = {}
        self._refused: list[Demand] = []  # the smallest ones, none of which asks for more than another
        self._bound: _Bound | None = None
        self._bound_without_idle: _Bound | None = None

    def is_hopeless(self, demand: Demand) -> bool:
        """Tell whether something that asks for no more was refused in this pass."""
        for refused in self._refused:  # noqa: SIM110 - asked for each kind of demand in each pass; `any` takes twice as long
            if _asks_no_less(demand, refused):
                return True
        return False

    def plan(self, demand: Demand, avoid: str = "") -> Placement | None:
        """Give how many shards go to each agent, or None where they do not all fit now.

        Agents where the app's executor is already there come first, then those with the most room. The agent `avoid`
        (where a shard has just failed) is taken last. The caller takes the room that is given.
        """
        if self._bound is None:
            self._bound = _Bound.of([agent.free for agent in self._agents])
        if self._bound.excludes(demand):
            self._refuse(demand)
            return None
        candidates = self._candidates_for(demand)
        taken, missing = _take(candidates, demand, avoid)
        if missing:
            self._refuse(demand)
        for (lacks_executor, negative_capacity, number, agent), count in taken:
            left = -negative_capacity - (0 if missing else count)
            lacks = lacks_executor and (bool(missing) or demand.executor is None or not count)
            heapq.heappush(candidates, (lacks, -left, number, agent))
        return None if missing else [(candidate[3], count) for candidate, count in taken if count]

    def executors_to_stop(self, demand: Demand) -> list[tuple[AgentState, str]]:
        """Give the idle executors whose end would make room for what was refused; none where that would not do."""
        if self._bound_without_idle is None:
            self._bound_without_idle = _Bound.of([_room_without_idle(agent) for agent in self._agents])
        if self._bound_without_idle.excludes(demand):
            return []
        missing = demand.shards
        stops: list[tuple[AgentState, str]] = []
        for agent in self._agents:
            capacity, idle = _capacity_without_idle(demand, agent, missing)
            missing -= capacity
            stops += [(agent, app_name) for app_name in idle]
            if missing <= 0:
                return stops
        return []

    def _refuse(self, demand: Demand) -> None:
        self._refused = [it for it in self._refused if not _asks_no_less(it, demand)]
        if len(self._refused) < _REFUSALS_KEPT:
            self._refused.append(demand)

    def _candidates_for(self, demand: Demand) -> list[_Candidate]:
        kind = (demand.app_name, demand.shard, demand.executor)
        candidates = self._candidates.get(kind)
        if candidates is None:
            candidates = self._candidates[kind] = [
                (demand.app_name not in agent.executors, -capacity, number, agent)
                for number, agent in enumerate(self._agents)
                if (capacity := demand.capacity_of(agent))
            ]
            heapq.heapify(candidates)
        return candidates


def _take(
    candidates: list[_Candidate], demand: Demand, avoid: str
) -> tuple[list[tuple[_Candidate, int]], int]:
    # Others took room on agents since they were sorted in: each is looked at anew when it comes up.
    taken: list[tuple[_Candidate, int]] = []
    avoided: _Candidate | None = None
    missing = demand.shards
    while candidates and missing:
        candidate = heapq.heappop(candidates)
        lacks_executor, negative_capacity, number, agent = candidate
        capacity = demand.capacity_of(agent)
        if -capacity != negative_capacity:
            if capacity:
                heapq.heappush(candidates, (lacks_executor, -capacity, number, agent))
        elif agent.info.agent_id == avoid:
            avoided = candidate
        else:
            count = min(capacity, missing)
            taken.append((candidate, count))
            missing -= count
    if avoided is not None:
        count = min(-avoided[1], missing)
        taken.append((avoided, count))
        missing -= count
    return taken, missing


def _asks_no_less(demand: Demand, other: Demand) -> bool:
    if demand.shards < other.shards or demand.shard[0] < other.shard[0] or demand.shard[1] < other.shard[1]:
        return False
    # An executor of another app may be there already, or take less.
    return other.executor is None or (demand.app_name == other.app_name and demand.executor == other.executor)


def explain_refusal(demand: Demand, agents: Collection[AgentState]) -> str:
    """Say why a run has not started: for the ready queue's `reason`."""
    if not agents:
        return "No agent is there to run it."
    capacity = _capacity_when_empty(demand, agents)
    if capacity >= demand.shards:
        return "Waits until there is room for all its shards."
    asked = f"{demand.shards} x {demand.shard}"
    if demand.executor is not None:
        asked += f", and {demand.executor} for the app's executor on each agent"
    most = max(agent.total for agent in agents)
    return (
        f"Needs {asked}; the {len(agents)} agent(s) could hold {capacity} of its shards even when empty "
        f"(the largest has {most}). Lower cpuCount, memoryMB or shardingTotalCount, or add agents."
    )


def could_ever_hold(demand: Demand, agents: Collection[AgentState]) -> bool:
    """Tell whether these agents, were they empty, could hold a run (promise 4). Without agents nobody can tell."""
    return not agents or _capacity_when_empty(demand, agents) >= demand.shards


def _capacity_when_empty(demand: Demand, agents: Collection[AgentState]) -> int:
    return sum(_empty_capacity(demand, agent) for agent in agents)


def _room_without_idle(agent: AgentState) -> Room:
    room = agent.free
    for executor in agent.executors.values():
        if executor.is_idle:
            room = room.plus(executor.room)
    return room


def _capacity_without_idle(demand: Demand, agent: AgentState, wanted: int) -> tuple[int, list[str]]:
    # As few executors as will do for the shards that are wanted; the app's own is kept where its shards need it.
    room = demand.room_on(agent)
    capacity = room.count_of(demand.shard)
    stops: list[str] = []
    idle: list[str] = []
    for app_name, executor in agent.executors.items():
        if capacity >= wanted:
            break
        if executor.is_idle and (demand.executor is None or app_name != demand.app_name):
            room = room.plus(executor.room)
            idle.append(app_name)
            if (count := room.count_of(demand.shard)) > capacity:
                capacity = count
                stops += idle
                idle.clear()
    return capacity, stops


def _empty_capacity(demand: Demand, agent: AgentState) -> int:
    return agent.total.minus(demand.executor or NOTHING).count_of(demand.shard)
