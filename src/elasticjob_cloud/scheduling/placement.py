"""Where the shards of a run go: all of them have room, or none is placed (promise 4)."""

from collections.abc import Collection, Iterable
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


Placement = list[tuple[AgentState, int]]


def plan_placement(demand: Demand, agents: Iterable[AgentState], avoid: str = "") -> Placement | None:
    """Give how many shards go to each agent, or None where they do not all fit now.

    Agents where the app's executor is already there come first, then those with the most room. The agent `avoid` (where
    a shard has just failed) is taken last.
    """
    candidates = [(agent, demand.room_on(agent).count_of(demand.shard)) for agent in agents]
    candidates = [candidate for candidate in candidates if candidate[1] > 0]
    if len(candidates) > 1:
        candidates.sort(
            key=lambda it: (it[0].info.agent_id == avoid, demand.app_name not in it[0].executors, -it[1])
        )
    placement: Placement = []
    missing = demand.shards
    for agent, capacity in candidates:
        taken = min(capacity, missing)
        placement.append((agent, taken))
        missing -= taken
        if missing == 0:
            return placement
    return None


def explain_refusal(demand: Demand, agents: Collection[AgentState]) -> str:
    """Say why a run has not started: for the ready queue's `reason`."""
    if not agents:
        return "No agent is there to run it."
    capacity = sum(_empty_capacity(demand, agent) for agent in agents)
    if capacity >= demand.shards:
        return "Waits until there is room for all its shards."
    asked = f"{demand.shards} x {demand.shard}"
    if demand.executor is not None:
        asked += f", and {demand.executor} for the app's executor on each agent"
    most = max((agent.total for agent in agents), key=lambda room: room)
    return (
        f"Needs {asked}; the {len(agents)} agent(s) could hold {capacity} of its shards even when empty "
        f"(the largest has {most}). Lower cpuCount, memoryMB or shardingTotalCount, or add agents."
    )


def executors_to_stop(demand: Demand, agents: Collection[AgentState]) -> list[tuple[AgentState, str]] | None:
    """Give the idle executors of other apps whose end would make room, or None where that would not do."""
    if not any(executor.is_idle for agent in agents for executor in agent.executors.values()):
        return None
    missing = demand.shards
    stops: list[tuple[AgentState, str]] = []
    for agent in agents:
        free = demand.room_on(agent)
        missing -= free.count_of(demand.shard)
        if missing <= 0:
            break
        before = free.count_of(demand.shard)
        for app_name, executor in agent.executors.items():
            if executor.is_idle and app_name != demand.app_name:
                free = free.plus(executor.room)
                stops.append((agent, app_name))
        missing -= free.count_of(demand.shard) - before
    return stops if missing <= 0 else None


def _empty_capacity(demand: Demand, agent: AgentState) -> int:
    return agent.total.minus(demand.executor or NOTHING).count_of(demand.shard)
