"""What waits for room that no agent has: for an engine that can ask for more machines."""

import heapq
from collections.abc import Iterator

from elasticjob_cloud.model.records import FailoverRecord
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.refusals import EmptyAgents
from elasticjob_cloud.scheduling.placement.room import Room
from elasticjob_cloud.scheduling.runs.demands import demand_of, shards_demand
from elasticjob_cloud.scheduling.state.view import ReadOnlyState

_ENDLESS = Room(1 << 62, 1 << 62)


def unmet_runs(state: ReadOnlyState, limit: int, due_until_ms: int) -> list[list[Room]]:
    """Give the room of each shard that found none, by run: of what was due by then, failover first, then oldest fire first.

    A run's shards are all given, also where some of them would fit: what is free now is known to the one who counts how
    many machines are to be added. The first shard of an app on each machine brings the room of the app's executor along,
    for neither is of use without the other; a machine to come is taken to be as large as the largest agent, or without
    end where there is no agent.
    """
    largest = max((agent.total for agent in state.fleet.open_agents()), default=_ENDLESS)
    executors: dict[str, _Executor] = {}
    runs: list[list[Room]] = []
    left = limit
    for demand in _unmet_demands(state, limit, due_until_ms):
        count = min(demand.shards, left)
        if demand.executor is None:
            runs.append([demand.shard] * count)
        else:
            executor = executors.setdefault(demand.app_name, _Executor(demand.executor, largest))
            runs.append([executor.room_with(demand.shard) for _ in range(count)])
        left -= count
        if not left:
            break
    return runs


def waiting_shards(state: ReadOnlyState) -> Iterator[tuple[FailoverRecord, Demand]]:
    """Give the shards that are to be started again and found no room, each with what it needs."""
    for key in state.retries.without_room():
        failover = state.failovers.get(key)
        if failover is not None:
            configuration = state.runs[failover.job_name].configuration
            assert configuration is not None, "a run without its job is stopping: none of its shards waits"
            yield failover, shards_demand(state.apps[configuration.app_name], configuration, 1)


def waits_for_room(state: ReadOnlyState) -> bool:
    """Tell whether anything that may start found no room, once all that can has started."""
    return next(state.ready_fires(), None) is not None or next(waiting_shards(state), None) is not None


def unplaceable_jobs(state: ReadOnlyState) -> dict[str, str]:
    """Give the jobs whose next run, or a shard of it that failed over, no present set of agents could ever hold.

    Each with what it lacks (promise 4).
    """
    agents = EmptyAgents(state.agents.values())
    demands = {fire.job_name: demand_of(state, fire) for fire in state.ready_fires()}
    demands |= {failover.job_name: demand for failover, demand in waiting_shards(state)}
    return {
        job_name: agents.explain(demand)
        for job_name, demand in demands.items()
        if not agents.could_hold(demand)
    }


class _Executor:
    """An app's executor, on machines to come that are filled one after another."""

    def __init__(self, room: Room, machine: Room) -> None:
        self._room = room
        self._machine = machine
        self._left = Room(0, 0)  # on the machine that is filled now

    def room_with(self, shard: Room) -> Room:
        """Give the room of one more shard, with the executor's where the shard begins another machine."""
        if self._left.count_of(shard):
            self._left = self._left.minus(shard)
            return shard
        piece = self._room.plus(shard)
        self._left = self._machine.minus(piece)
        return piece


def _unmet_demands(state: ReadOnlyState, limit: int, due_until_ms: int) -> Iterator[Demand]:
    for failover, demand in waiting_shards(state):
        if failover.due_ms <= due_until_ms:
            yield demand
    ready = ((fire.due_ms, fire.fire_id, fire) for fire in state.ready_fires() if fire.due_ms <= due_until_ms)
    for _, _, fire in heapq.nsmallest(limit, ready):
        yield demand_of(state, fire)
