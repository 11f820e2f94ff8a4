"""Says in the log which agents come and go."""

import logging
from collections.abc import Container, Iterable

from elasticjob_cloud.model.messages import AgentDraining, AgentJoined, AgentLost, EngineEvent

_log = logging.getLogger(__name__)


class AgentLog:
    """Tells who comes and goes. An agent that joins again, in this term or the next, is no news."""

    def __init__(self) -> None:
        self._former: frozenset[str] = frozenset()

    def end_term(self, agents: Iterable[str]) -> None:
        """Remember the agents of a term, for the next one."""
        self._former = frozenset(agents)

    def note(self, event: EngineEvent, present: Container[str]) -> None:
        """Write a line, if the event is worth one. `present`: the agents that have joined in this term."""
        if isinstance(event, AgentJoined):
            agent = event.inventory.agent
            if agent.agent_id in present or agent.agent_id in self._former:
                return
            _log.info("Agent %s is there: %g CPUs, %.0f MB.", agent.agent_id, agent.cpus, agent.memory_mb)
        elif isinstance(event, AgentDraining):
            _log.warning("Agent %s takes no new tasks: %s", event.agent_id, event.reason)
        elif isinstance(event, AgentLost):
            _log.warning("Agent %s is lost: %s Its tasks are LOST.", event.agent_id, event.reason)
