"""Where the shards of a run go: all of them have room, or none is placed (promise 4)."""

from collections.abc import Iterable
from typing import NamedTuple

from elasticjob_cloud.scheduling.placement.agent import AgentState
from elasticjob_cloud.scheduling.placement.demand import Demand, Kind
from elasticjob_cloud.scheduling.placement.fleet import Fleet
from elasticjob_cloud.scheduling.placement.policies import Placement
from elasticjob_cloud.scheduling.placement.room import Room

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
        """Give the idle executors whose end would make room for what was refused, none of which could be left out.

        There are none where that would not do, or where those that are stopping already will do.
        """
        agents = self._fleet.with_idle_executors()
        if not agents:
            return []
        if self._bound_without_idle is None:
            self._bound_without_idle = _Bound.of(map(_room_without_idle, self._fleet.open_agents()))
        if self._bound_without_idle.excludes(demand):
            return []
        kind = demand.kind
        capacity = self._fleet.index_of(kind).capacity
        idle = [_IdleExecutors(kind, agent) for agent in agents]
        missing = demand.shards - capacity - sum(it.gain([]) for it in idle)
        if missing <= 0:
            return []
        stops: list[tuple[_IdleExecutors, list[str]]] = []
        for it in idle:
            app_names = it.enough_for(missing)
            missing -= it.gain(app_names) - it.gain([])
            stops.append((it, app_names))
            if missing <= 0:
                return _without_unneeded(stops, -missing)
        return []

    def _excludes(self, demand: Demand) -> bool:
        if self._bound is None:
            self._bound = _Bound.of(agent.free for agent in self._fleet.open_agents())
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


class _IdleExecutors:
    """The executors that can be stopped on an agent, to make room for a kind of shard.

    The app's own is kept where its shards need it.
    """

    def __init__(self, kind: Kind, agent: AgentState) -> None:
        self.agent = agent
        self._shard = kind.shard
        self._rooms: dict[str, Room] = {}
        self._room = kind.room_on(agent)
        self._capacity = self._room.count_of(kind.shard)
        for app_name, executor in agent.executors.items():
            if executor.is_idle and (kind.executor is None or app_name != kind.app_name):
                if executor.stopping:
                    self._room = self._room.plus(executor.room)
                else:
                    self._rooms[app_name] = executor.room

    def gain(self, app_names: Iterable[str]) -> int:
        """Give how many more shards fit once these are gone, and those that are stopping."""
        room = self._room
        for app_name in app_names:
            room = room.plus(self._rooms[app_name])
        return room.count_of(self._shard) - self._capacity

    def enough_for(self, wanted: int) -> list[str]:
        """Give executors whose end makes room for so many shards, or for as many as it can."""
        room = self._room
        before = most = room.count_of(self._shard)
        app_names: list[str] = []
        enough = 0  # the first so many of them: what comes after them was of no use yet
        for app_name, executor_room in self._rooms.items():
            if most - before >= wanted:
                break
            room = room.plus(executor_room)
            app_names.append(app_name)
            if (count := room.count_of(self._shard)) > most:
                most = count
                enough = len(app_names)
        return app_names[:enough]


def _without_unneeded(
    stops: list[tuple[_IdleExecutors, list[str]]], spare: int
) -> list[tuple[AgentState, str]]:
    """Leave out each executor without which all shards have room still."""
    kept: list[tuple[AgentState, str]] = []
    for idle, app_names in stops:
        for app_name in app_names.copy():
            others = [other for other in app_names if other != app_name]
            loss = idle.gain(app_names) - idle.gain(others)
            if loss <= spare:
                spare -= loss
                app_names.remove(app_name)
        kept += [(idle.agent, app_name) for app_name in app_names]
    return kept
