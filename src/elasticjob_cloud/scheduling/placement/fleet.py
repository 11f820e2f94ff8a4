"""All agents that are there, and their order for each kind of shard, kept as their room changes."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.messages import AgentInfo
from elasticjob_cloud.scheduling.placement.agent import AgentState
from elasticjob_cloud.scheduling.placement.demand import Kind
from elasticjob_cloud.scheduling.placement.policies import Entry, Policy

# Orders are kept for so many kinds of shards, for fewer where there are many agents: an agent takes 200 bytes in each.
_KINDS_KEPT: Final = 1_000
_ENTRIES_KEPT: Final = 100_000
_CHANGES_KEPT: Final = 10_000
_FEW: Final = 10  # where not even one agent in so many has changed, those are moved one by one; more are sorted in together


class Fleet:
    """Agents by id. Each change of an agent's room costs the logarithm of their number in the orders that are in use."""

    def __init__(self, policy: Policy) -> None:
        self.agents: dict[str, AgentState] = {}
        self._heirs: dict[str, AgentState] = {}  # by the id of the agent whose place they took
        self._with_idle_executors: dict[AgentState, None] = {}  # those with executors that have no tasks
        self.draining: dict[str, AgentState] = {}  # those that take no new tasks
        self.idle = IdleAgents()
        self.policy = policy
        self._joined = 0
        self._touched: dict[AgentState, None] = {}  # since the last look
        self._changes: list[AgentState] = []
        self._first_change = 0  # how many were forgotten before
        self._idle_seen = 0  # so many of the changes are in `_with_idle_executors`
        self._indexes: dict[Kind, RoomIndex] = {}

    def join(self, info: AgentInfo, predecessors: Sequence[str] = ()) -> AgentState:
        """Take an agent in, without tasks; one of the same id is replaced. `predecessors` had its place before it."""
        before = self.draining.get(info.agent_id)
        if before is not None and not info.draining:
            # What drains never takes tasks again.
            info = msgspec.structs.replace(info, draining=before.info.draining)
        self.leave(info.agent_id)
        self._joined += 1
        agent = self.agents[info.agent_id] = AgentState(info, self._joined, self._touched, predecessors)
        self._heirs.update(dict.fromkeys(predecessors, agent))
        if info.draining:
            self.draining[info.agent_id] = agent
        agent.touch()
        return agent

    def drain(self, agent_id: str, reason: str) -> None:
        """Place nothing on an agent from now on; what it runs stays."""
        agent = self.agents.get(agent_id)
        if agent is not None and not agent.info.draining:
            agent.info = msgspec.structs.replace(agent.info, draining=reason)
            agent.takes_tasks = False
            self.draining[agent_id] = agent
            agent.touch()

    def note_disks(self, agent_id: str, disks: tuple[Disk, ...]) -> None:
        """Note what an agent has measured, if it is there. Nothing is placed by it."""
        agent = self.agents.get(agent_id)
        if agent is not None:
            agent.info = msgspec.structs.replace(agent.info, disks=disks)

    def open_agents(self) -> Iterator[AgentState]:
        """Give the agents that take new tasks."""
        return (agent for agent in self.agents.values() if agent.takes_tasks)

    def leave(self, agent_id: str) -> None:
        """Forget an agent."""
        agent = self.agents.pop(agent_id, None)
        self.draining.pop(agent_id, None)
        if agent is not None:
            agent.takes_tasks = False
            agent.touch()
            for former in agent.predecessors:
                if self._heirs.get(former) is agent:
                    del self._heirs[former]

    def agent_in_place_of(self, agent_id: str) -> AgentState | None:
        """Give the agent of this id, or the one that took its place after it died."""
        return self.agents.get(agent_id) or self._heirs.get(agent_id)

    def has_index(self, kind: Kind) -> bool:
        """Tell whether `index_of` looks at no more than what has changed."""
        return kind in self._indexes

    def index_of(self, kind: Kind) -> "RoomIndex":
        """Give the order of the agents for this kind of shard, as it is now."""
        self._take_up_changes()
        index = self._indexes.pop(kind, None)
        if index is None:
            index = RoomIndex(kind, self.policy)
            kept = max(1, min(_KINDS_KEPT, _ENTRIES_KEPT // (len(self.agents) + 1)))
            while len(self._indexes) >= kept:
                del self._indexes[next(iter(self._indexes))]  # the one that was not asked for the longest
        self._indexes[kind] = index
        end = self._first_change + len(self._changes)
        unseen = end - index.seen_changes
        if index.seen_changes < self._first_change or unseen > len(self.agents):
            index.renew(self.open_agents())
        else:
            index.update(self._changes[len(self._changes) - unseen :])
        index.seen_changes = end
        return index

    def with_idle_executors(self) -> Collection[AgentState]:
        """Give the agents where executors without tasks hold room."""
        self._take_up_changes()
        self._look_for_idle_executors()
        return self._with_idle_executors.keys()

    def _take_up_changes(self) -> None:
        if not self._touched:
            return
        if len(self._changes) > _CHANGES_KEPT:
            self._look_for_idle_executors()
            self._first_change += len(self._changes)
            self._changes.clear()
            self._idle_seen = 0
        self._changes += self._touched
        self._touched.clear()

    def _look_for_idle_executors(self) -> None:
        # Only when somebody asks: most placements find room.
        for agent in dict.fromkeys(self._changes[self._idle_seen :]):
            if agent.has_idle_executor() and agent.takes_tasks:
                self._with_idle_executors[agent] = None
            else:
                self._with_idle_executors.pop(agent, None)
        self._idle_seen = len(self._changes)


class IdleAgents:
    """Ids in the order in which the agents fell idle. Times are the monotonic clock's, in milliseconds."""

    def __init__(self) -> None:
        self._since_ms: dict[str, int] = {}

    def __contains__(self, agent_id: str) -> bool:
        """Tell whether an agent has no tasks."""
        return agent_id in self._since_ms

    def begin(self, agent_id: str, now_ms: int) -> None:
        """Note an agent that has no tasks; one that had none before is idle for as long as it was."""
        self._since_ms.setdefault(agent_id, now_ms)

    def end(self, agent_id: str) -> None:
        """Note that an agent has tasks, or is gone."""
        self._since_ms.pop(agent_id, None)

    def since(self, until_ms: int) -> Iterator[str]:
        """Give those that have been idle since then or longer, the longest first."""
        for agent_id, since_ms in self._since_ms.items():
            if since_ms > until_ms:
                return
            yield agent_id


class RoomIndex:
    """The order of agents for one kind of shard, and how many such shards fit in all."""

    def __init__(self, kind: Kind, policy: Policy) -> None:
        self.seen_changes = -1
        self.capacity = 0
        self._kind = kind
        self._policy = policy
        self._sorted: list[Entry] = []
        self._entries: dict[AgentState, Entry] = {}

    def entries_without(self, agent: AgentState | None) -> Sequence[Entry]:
        """Give the agents where at least one shard fits, in order; all but this one."""
        entry = None if agent is None else self._entries.get(agent)
        if entry is None:
            return self._sorted
        place = bisect_left(self._sorted, entry)
        return self._sorted[:place] + self._sorted[place + 1 :]

    def renew(self, agents: Iterable[AgentState]) -> None:
        """Look at all agents that take tasks."""
        self._sorted = self._policy.entries_of(self._kind, agents)
        self._sorted.sort()
        self._entries = {entry[3]: entry for entry in self._sorted}
        self.capacity = sum(entry[4] for entry in self._sorted)

    def update(self, agents: Sequence[AgentState]) -> None:
        """Look at these agents, which have changed."""
        changed = dict.fromkeys(agents)
        former = [entry for agent in changed if (entry := self._entries.pop(agent, None)) is not None]
        entries = self._policy.entries_of(self._kind, [agent for agent in changed if agent.takes_tasks])
        are_few = len(changed) * _FEW < len(self._sorted)
        if self._sorted[: len(former)] == former:  # as the last placement has taken them
            del self._sorted[: len(former)]
        elif are_few:
            for entry in former:
                del self._sorted[bisect_left(self._sorted, entry)]
        else:
            self._sorted = [entry for entry in self._sorted if entry[3] not in changed]
        if are_few:
            for entry in entries:
                insort(self._sorted, entry)
        else:
            self._sorted += entries
            self._sorted.sort()  # nearly sorted already, which it makes use of
        for entry in former:
            self.capacity -= entry[4]
        for entry in entries:
            self._entries[entry[3]] = entry
            self.capacity += entry[4]
