"""Where the shards of a run go: all of them have room, or none is placed (promise 4)."""

from collections.abc import Iterable
from typing import NamedTuple

from elasticjob_cloud.scheduling.agents import AgentState
from elasticjob_cloud.scheduling.demand import Demand, Kind
from elasticjob_cloud.scheduling.fleet import Fleet
from elasticjob_cloud.scheduling.policies import Placement
from elasticjob_cloud.scheduling.room import Room

_REFUSALS_KEPT = 16


class _Bound(NamedTuple):
    """More room than this no agent has (`most`), nor all together (`total`): refuses most demands in no time."""

    most: Room
    total: Room

    @classmethod
    def of(cls, rooms: Iterable[Room]) -> "_Bound":
        milli_cpus, memory_kib = [], []
        for room in rooms:
            milli_cpus.append(max(room.milli_cpus, 0))
            memory_kib.append(max(room.memory_kib, 0))
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

    So what was found too large stays too large. A placement costs the logarithm of the number of agents, for each agent
    that has changed since the last one of its kind.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
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

        The agent `avoid` (where a shard has just failed), or the one in its place, is taken last. The caller takes the
        room that is given.
        """
        kind = demand.kind
        if (not self._fleet.has_index(kind) and self._excludes(demand)) or (
            (index := self._fleet.index_of(kind)).capacity < demand.shards
        ):
            self._refuse(demand)
            return None
        avoided = self._fleet.agent_in_place_of(avoid) if avoid else None
        placement = self._fleet.policy.take(index.entries_without(avoided), demand.shards)
        missing = demand.shards - sum(count for _, count in placement)
        if missing:
            assert avoided is not None, "without one to avoid all that fits was taken"
            placement.append((avoided, missing))
        return placement

    def executors_to_stop(self, demand: Demand) -> list[tuple[AgentState, str]]:
        """Give the idle executors whose end would make room for what was refused; none where that would not do."""
        agents = self._fleet.with_idle_executors()
        if not agents:
            return []
        if self._bound_without_idle is None:
            self._bound_without_idle = _Bound.of(map(_room_without_idle, self._fleet.agents.values()))
        if self._bound_without_idle.excludes(demand):
            return []
        kind = demand.kind
        missing = demand.shards - self._fleet.index_of(kind).capacity
        stops: list[tuple[AgentState, str]] = []
        for agent in agents:
            gained, idle = _gain_without_idle(kind, agent, missing)
            missing -= gained
            stops += [(agent, app_name) for app_name in idle]
            if missing <= 0:
                return stops
        return []

    def _excludes(self, demand: Demand) -> bool:
        if self._bound is None:
            self._bound = _Bound.of(agent.free for agent in self._fleet.agents.values())
        return self._bound.excludes(demand)

    def _refuse(self, demand: Demand) -> None:
        self._refused = [it for it in self._refused if not _asks_no_less(it, demand)]
        if len(self._refused) < _REFUSALS_KEPT:
            self._refused.append(demand)


def _asks_no_less(demand: Demand, other: Demand) -> bool:
    if demand.shards < other.shards or demand.shard[0] < other.shard[0] or demand.shard[1] < other.shard[1]:
        return False
    # An executor of another app may be there already, or take less.
    return other.executor is None or (demand.app_name == other.app_name and demand.executor == other.executor)


def _room_without_idle(agent: AgentState) -> Room:
    room = agent.free
    for executor in agent.executors.values():
        if executor.is_idle:
            room = room.plus(executor.room)
    return room


def _gain_without_idle(kind: Kind, agent: AgentState, wanted: int) -> tuple[int, list[str]]:
    # As few executors as will do for the shards that are wanted; the app's own is kept where its shards need it.
    room = kind.room_on(agent)
    before = capacity = room.count_of(kind.shard)
    stops: list[str] = []
    idle: list[str] = []
    for app_name, executor in agent.executors.items():
        if capacity - before >= wanted:
            break
        if executor.is_idle and (kind.executor is None or app_name != kind.app_name):
            room = room.plus(executor.room)
            idle.append(app_name)
            if (count := room.count_of(kind.shard)) > capacity:
                capacity = count
                stops += idle
                idle.clear()
    return capacity - before, stops
