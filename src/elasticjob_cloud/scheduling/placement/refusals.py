"""Why runs wait for room: for the ready queue's `reason`, and for the warning of what could never start (promise 4)."""

from collections import Counter
from collections.abc import Iterable

from elasticjob_cloud.scheduling.placement.agent import ReadOnlyAgent
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.room import NOTHING


class EmptyAgents:
    """The agents as if they were empty, by size: few sizes are in use, however many agents there are."""

    def __init__(self, agents: Iterable[ReadOnlyAgent]) -> None:
        present = list(agents)
        self._sizes = Counter(agent.total for agent in present if agent.takes_tasks)
        self._count = self._sizes.total()
        self._draining = len(present) - self._count

    def could_hold(self, demand: Demand) -> bool:
        """Tell whether they could ever hold a run. Without agents nobody can tell."""
        return not self._count or self._capacity(demand)[0] >= demand.shards

    def explain(self, demand: Demand) -> str:
        """Say why a run has not started."""
        if not self._count:
            if self._draining:
                return "No agent takes new tasks: all that are there are draining."
            return "No agent is there to run it."
        capacity, holders = self._capacity(demand)
        if capacity >= demand.shards:
            if holders == self._count:
                return "Waits until there is room for all its shards."
            return (
                f"Waits until there is room for all its shards on the {holders} of {self._count} agents "
                "that are large enough for them."
            )
        asked = f"{demand.shards} x {demand.shard}"
        if demand.executor is not None:
            asked += f", and {demand.executor} for the app's executor on each agent"
        return (
            f"Needs {asked}; the {self._count} agent(s) could hold {capacity} of its shards even when empty, "
            f"on {holders} of them (the largest has {max(self._sizes)}). "
            "Lower cpuCount, memoryMB or shardingTotalCount, or add agents."
        )

    def _capacity(self, demand: Demand) -> tuple[int, int]:
        """Give how many shards fit in all, and on how many agents any fits."""
        capacity = holders = 0
        for size, agents in self._sizes.items():
            count = size.minus(demand.executor or NOTHING).count_of(demand.shard)
            capacity += count * agents
            holders += agents if count else 0
        return capacity, holders
