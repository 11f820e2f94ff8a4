"""Says in the log which agents come and go."""

from collections.abc import Container, Iterable

import structlog

from elasticjob_cloud.model.messages import AgentDraining, AgentJoined, AgentLost, EngineEvent

_log = structlog.get_logger(__name__)


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
            _log.info(
                "An agent has joined.",
                agent=agent.agent_id,
                cpus=agent.cpus,
                memory_mb=round(agent.memory_mb),
            )
        elif isinstance(event, AgentDraining):
            _log.warning("An agent takes no new tasks.", agent=event.agent_id, reason=event.reason)
        elif isinstance(event, AgentLost):
            _log.warning("An agent is lost. Its tasks are LOST.", agent=event.agent_id, reason=event.reason)
