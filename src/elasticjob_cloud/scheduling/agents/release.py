"""Agents that nothing needs are released, for engines whose machines can be taken away (docs/decisions/0017)."""

from itertools import islice

from elasticjob_cloud.scheduling.runs.unmet import waits_for_room
from elasticjob_cloud.scheduling.state.turn import Turn


def release_drained_agents(turn: Turn) -> None:
    """Release the draining agents that hold no task any more: nobody needs to wait longer to take their machines away."""
    state = turn.state
    drained = [agent_id for agent_id, agent in state.fleet.draining.items() if not agent.task_ids]
    turn.agents.release(drained)


def release_idle_agents(turn: Turn) -> None:
    """Let the agents leave that have had no task for long, after all that can start has its place.

    The last agent stays: each fire would wait for one to come back. And all stay while something waits for room, for
    which they would be called back.
    """
    idle_ms, state = turn.settings.release_idle_ms, turn.state
    most = len(state.agents) - len(state.fleet.draining) - 1
    if not idle_ms or most < 1:
        return
    idle = state.idle.since(turn.now.monotonic_ms - idle_ms)
    leaving = list(islice(idle, most))
    if leaving and not waits_for_room(state):
        turn.agents.release(leaving)
