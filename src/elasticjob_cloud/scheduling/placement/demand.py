"""What a run asks of agents."""

from typing import NamedTuple

from elasticjob_cloud.scheduling.placement.agent import ReadOnlyAgent
from elasticjob_cloud.scheduling.placement.room import Room


class Kind(NamedTuple):
    """Which shards are alike for placement: those of one app, size and executor."""

    app_name: str
    shard: Room
    executor: Room | None

    def needs_executor_on(self, agent: ReadOnlyAgent) -> bool:
        """Tell whether the app's executor has to be started there first."""
        return self.executor is not None and self.app_name not in agent.executors

    def room_on(self, agent: ReadOnlyAgent) -> Room:
        """Give what is free on this agent once the app's executor, if it is needed, has its room."""
        if self.executor is None:
            return agent.free
        held = agent.executors.get(self.app_name)
        return agent.free.minus(self.executor if held is None else self.executor.beyond(held.room))


class Demand(NamedTuple):
    """What a run asks for: so many shards of this size, and the app's executor (None for scripts) once per agent."""

    app_name: str
    shards: int
    shard: Room
    executor: Room | None

    @property
    def kind(self) -> Kind:
        """What it asks for, but for how many."""
        return Kind(self.app_name, self.shard, self.executor)
