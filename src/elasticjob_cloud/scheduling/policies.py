"""Which agents come first: `spread` levels what is left on them, `pack` fills as few as will do (`docs/placement.md`).

A policy gives an agent its place in the order for one kind of shard, and takes agents from that order. The order itself
is kept by `RoomIndex`; what is taken from it here changes nothing in it.
"""

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from elasticjob_cloud.scheduling.agents import AgentState
from elasticjob_cloud.scheduling.demand import Kind
from elasticjob_cloud.scheduling.settings import PlacementPolicy

Placement = list[tuple[AgentState, int]]
# An agent without the app's executor counts with this part of its room: a start of a process must be worth it.
_COLD_WEIGHT: Final = 0.5


class Entry(NamedTuple):
    """An agent's place in the order for one kind of shard: entries sort as they are written here."""

    tier: int
    rank: float
    number: int
    agent: AgentState
    capacity: int
    step: float  # by how much one shard more moves it back


class Policy(Protocol):
    """One way to choose agents."""

    def entry_of(self, kind: Kind, agent: AgentState) -> Entry | None:
        """Give the agent's place, or None where no such shard fits."""

    def take(self, entries: Sequence[Entry], shards: int) -> Placement:
        """Place so many shards, or as many as fit, on agents of this order."""


class Spread:
    """Each shard goes where the most room is left at that moment."""

    def entry_of(self, kind: Kind, agent: AgentState) -> Entry | None:
        milli_cpus, memory_kib = kind.room_on(agent)
        shard_cpus, shard_kib = kind.shard
        if milli_cpus < shard_cpus or memory_kib < shard_kib:
            return None
        capacity = min(milli_cpus // shard_cpus, memory_kib // shard_kib)
        room = min(milli_cpus / shard_cpus, memory_kib / shard_kib)
        step = _COLD_WEIGHT if kind.needs_executor_on(agent) else 1.0
        return Entry(0, -room * step, agent.number, agent, capacity, step)

    def take(self, entries: Sequence[Entry], shards: int) -> Placement:
        counts: dict[AgentState, int] = {}
        begun: list[Entry] = []  # agents that have shards already, as a heap
        following = 0  # the first entry whose agent has none
        for _ in range(shards):
            if begun and (following == len(entries) or begun[0] < entries[following]):
                entry = heapq.heappop(begun)
                counts[entry.agent] += 1
            elif following < len(entries):
                entry = entries[following]
                following += 1
                counts[entry.agent] = 1
            else:
                break
            _, rank, number, agent, capacity, step = entry
            if capacity > 1:
                heapq.heappush(begun, Entry(0, rank + step, number, agent, capacity - 1, step))
        return list(counts.items())


class Pack:
    """Agents that have tasks are filled first, those with the executor before the others; then as few idle ones as will do.

    In each of these tiers the largest are filled until what is left fits into one agent: into the smallest such one.
    """

    def entry_of(self, kind: Kind, agent: AgentState) -> Entry | None:
        capacity = kind.room_on(agent).count_of(kind.shard)
        if not capacity:
            return None
        is_cold = kind.needs_executor_on(agent)
        tier = int(is_cold) if agent.task_ids else _IDLE_TIER
        # Of idle agents with equal room the one where the executor runs comes first.
        number = agent.number + (_COLD_NUMBERS if is_cold else 0)
        return Entry(tier, -capacity, number, agent, capacity, 0)

    def take(self, entries: Sequence[Entry], shards: int) -> Placement:
        placement: Placement = []
        missing = shards
        position = 0
        while missing and position < len(entries):
            largest = entries[position]
            if largest.capacity < missing:
                placement.append((largest.agent, largest.capacity))
                missing -= largest.capacity
                position += 1
            else:
                # The last of the tier where all fit, or rather the first with as much room as that one.
                probe = largest._replace(rank=-missing, number=_LAST_NUMBER)
                last = bisect_right(entries, probe, position) - 1
                probe = largest._replace(rank=entries[last].rank, number=0)
                first = bisect_left(entries, probe, position, last)
                placement.append((entries[first].agent, missing))
                missing = 0
        return placement


POLICIES: Final[Mapping[PlacementPolicy, Policy]] = {
    PlacementPolicy.SPREAD: Spread(),
    PlacementPolicy.PACK: Pack(),
}
_IDLE_TIER: Final = 2
_COLD_NUMBERS: Final = 1 << 40
_LAST_NUMBER: Final = 1 << 60
