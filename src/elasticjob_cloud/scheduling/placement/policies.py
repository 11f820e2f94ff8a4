"""Which agents come first: `spread` levels what is left on them, `pack` fills as few as will do (`docs/placement.md`).

A policy gives an agent its place in the order for one kind of shard, and takes agents from that order. The order itself
is kept by `RoomIndex`; what is taken from it here changes nothing in it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush, heapreplace
from typing import Final, Protocol

from elasticjob_cloud.scheduling.placement.agent import AgentState
from elasticjob_cloud.scheduling.placement.demand import Kind
from elasticjob_cloud.scheduling.settings import PlacementPolicy

Placement = list[tuple[AgentState, int]]
# An agent without the app's executor counts with this part of its room: a start of a process must be worth it.
_COLD_WEIGHT: Final = 0.5


# An agent's place in the order for one kind of shard, which is that of these tuples: tier, rank, number, agent, how many
# shards fit, and by how much one shard more moves it back. A number belongs to one agent; so no two agents are compared.
# (Plain tuples: hundreds are made for a kind of shard that has not been placed for a while.)
Entry = tuple[int, float, int, AgentState, int, float]


class Policy(Protocol):
    """One way to choose agents."""

    def entries_of(self, kind: Kind, agents: Iterable[AgentState]) -> list[Entry]:
        """Give the places of those agents where such a shard fits."""

    def take(self, entries: Sequence[Entry], shards: int) -> Placement:
        """Place so many shards, or as many as fit, on agents of this order."""


class Spread:
    """Each shard goes where the most room is left at that moment."""

    def entries_of(self, kind: Kind, agents: Iterable[AgentState]) -> list[Entry]:
        app_name, (shard_cpus, shard_kib), executor = kind
        entries: list[Entry] = []
        for agent in agents:
            milli_cpus, memory_kib = agent.free
            step = 1.0
            if executor is not None:
                held = agent.executors.get(app_name)
                if held is None:
                    milli_cpus -= executor[0]
                    memory_kib -= executor[1]
                    step = _COLD_WEIGHT
                elif held.room is not executor:  # the app was updated, perhaps
                    milli_cpus, memory_kib = kind.room_on(agent)
            if milli_cpus >= shard_cpus and memory_kib >= shard_kib:
                room = milli_cpus / shard_cpus  # written out: `min` takes a third of the time of all of this
                if (by_memory := memory_kib / shard_kib) < room:
                    room = by_memory
                entries.append((0, -room * step, agent.number, agent, int(room), step))
        return entries

    def take(self, entries: Sequence[Entry], shards: int) -> Placement:
        if shards <= len(entries) and entries[shards - 1][1] < entries[0][1] + _COLD_WEIGHT:
            # So many agents have so equal room that none is taken twice.
            return [(entry[3], 1) for entry in entries[:shards]]
        counts: dict[AgentState, int] = {}
        begun: list[Entry] = []  # agents that have shards already, as a heap
        following = 0  # the first entry whose agent has none
        count = len(entries)
        for _ in range(shards):
            if begun and (following == count or begun[0] < entries[following]):
                _, rank, number, agent, capacity, step = begun[0]
                counts[agent] += 1
                if capacity > 1:
                    heapreplace(begun, (0, rank + step, number, agent, capacity - 1, step))
                else:
                    heappop(begun)
            elif following < count:
                _, rank, number, agent, capacity, step = entries[following]
                counts[agent] = 1
                if capacity > 1:
                    heappush(begun, (0, rank + step, number, agent, capacity - 1, step))
                following += 1
            else:
                break
        return list(counts.items())


class Pack:
    """Agents that have tasks are filled first, those with the executor before the others; then as few idle ones as will do.

    In each of these tiers the largest are filled until what is left fits into one agent: into the smallest such one.
    """

    def entries_of(self, kind: Kind, agents: Iterable[AgentState]) -> list[Entry]:
        app_name, (shard_cpus, shard_kib), executor = kind
        entries: list[Entry] = []
        for agent in agents:
            milli_cpus, memory_kib = agent.free
            is_cold = False
            if executor is not None:
                held = agent.executors.get(app_name)
                if held is None:
                    milli_cpus -= executor[0]
                    memory_kib -= executor[1]
                    is_cold = True
                elif held.room is not executor:  # the app was updated, perhaps
                    milli_cpus, memory_kib = kind.room_on(agent)
            if milli_cpus >= shard_cpus and memory_kib >= shard_kib:
                capacity = milli_cpus // shard_cpus
                if (by_memory := memory_kib // shard_kib) < capacity:
                    capacity = by_memory
                tier = int(is_cold) if agent.task_ids else _IDLE_TIER
                # Of idle agents with equal room the one where the executor runs comes first.
                number = agent.number + (_COLD_NUMBERS if is_cold else 0)
                entries.append((tier, -capacity, number, agent, capacity, 0))
        return entries

    def take(self, entries: Sequence[Entry], shards: int) -> Placement:
        placement: Placement = []
        missing = shards
        position = 0
        while missing and position < len(entries):
            tier, _, _, agent, capacity, _ = entries[position]
            if capacity < missing:
                placement.append((agent, capacity))
                missing -= capacity
                position += 1
            else:
                # The last of the tier where all fit, or rather the first with as much room as that one.
                last = bisect_right(entries, (tier, -missing, _LAST_NUMBER, agent, 0, 0), position) - 1
                first = bisect_left(entries, (tier, entries[last][1], 0, agent, 0, 0), position, last)
                placement.append((entries[first][3], missing))
                missing = 0
        return placement


POLICIES: Final[Mapping[PlacementPolicy, Policy]] = {
    PlacementPolicy.SPREAD: Spread(),
    PlacementPolicy.PACK: Pack(),
}
_IDLE_TIER: Final = 2
_COLD_NUMBERS: Final = 1 << 40
_LAST_NUMBER: Final = 1 << 60
