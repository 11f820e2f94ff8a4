"""What the parts of a turn have in common."""

from elasticjob_cloud.scheduling.clock import Now
from elasticjob_cloud.scheduling.state.decisions import Decisions
from elasticjob_cloud.scheduling.state.state import State


class TurnPart:
    """Changes one part of the state, and records each change as a row to write."""

    __slots__ = ("_decisions", "_monotonic_ms", "_now_ms", "_rows", "_state")

    def __init__(self, state: State, decisions: Decisions, now: Now) -> None:
        self._state = state
        self._decisions = decisions
        self._rows = decisions.changes
        self._now_ms, self._monotonic_ms = now
