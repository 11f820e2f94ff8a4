"""Who follows the core, turn by turn."""

from collections.abc import Sequence
from typing import Protocol

from elasticjob_cloud.scheduling import Core, Decisions, Event


class CoreFollower(Protocol):
    """Called on the loop's thread; each call must take no time that matters."""

    def follow(self, core: Core) -> None:
        """Begin to follow a core, whose first turn is still to come."""

    def note_turn(self, decisions: Decisions, events: Sequence[Event]) -> None:
        """Take up what a turn has committed, before its callers are answered."""

    def forget(self) -> None:
        """Follow no core any more."""
