"""Says in the log which agents come and go."""

import logging

from elasticjob_cloud.model.messages import AgentDraining, AgentJoined, AgentLost, EngineEvent

_log = logging.getLogger(__name__)


class AgentLog:
    """Knows who has joined and was not lost, so that an agent that joins again is no news."""

    def __init__(self) -> None:
        self._agents: set[str] = set()

    def note(self, event: EngineEvent) -> None:
        """Write a line, if the event is worth one."""
        if isinstance(event, AgentJoined) and event.inventory.agent.agent_id not in self._agents:
            agent = event.inventory.agent
            self._agents.add(agent.agent_id)
            _log.info("Agent %s is there: %g CPUs, %.0f MB.", agent.agent_id, agent.cpus, agent.memory_mb)
        elif isinstance(event, AgentDraining):
            _log.warning("Agent %s takes no new tasks: %s", event.agent_id, event.reason)
        elif isinstance(event, AgentLost):
            self._agents.discard(event.agent_id)
            _log.warning("Agent %s is lost: %s Its tasks are LOST.", event.agent_id, event.reason)
