"""Agents without tasks, and since when."""

from collections.abc import Iterator


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
