"""When a leader without agents lets another scheduler try (docs/decisions/0016). Pure: time is handed in."""

from typing import Final

# Longer than an agent takes to join after a take-over, or to be there again after its node has been replaced.
FIRST_PATIENCE_SECONDS: Final = 20.0
LAST_PATIENCE_SECONDS: Final = 600.0


class AgentWatch:
    """How long a leader has had no agent, and how long it bears that.

    Its patience doubles each time that it has given way in vain, so that leads do not flap where nobody reaches an agent.
    """

    def __init__(self, first_patience_seconds: float = FIRST_PATIENCE_SECONDS) -> None:
        self._first_patience_seconds = first_patience_seconds
        self._patience_seconds = first_patience_seconds
        self._without_since: float | None = None

    def begin_term(self, now: float) -> None:
        """Start to wait for agents."""
        self._without_since = now

    def look(self, *, has_agents: bool, now: float) -> bool:
        """Note whether there are agents; tell whether the patience is at its end."""
        if has_agents:
            self._patience_seconds = self._first_patience_seconds
            self._without_since = None
            return False
        if self._without_since is None:
            self._without_since = now
        return now - self._without_since >= self._patience_seconds

    def give_way(self) -> None:
        """Be more patient the next time."""
        self._patience_seconds = min(2 * self._patience_seconds, LAST_PATIENCE_SECONDS)
