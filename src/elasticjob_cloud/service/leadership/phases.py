"""The phases of a leader, and the table of legal transitions between them.

All that decides whether a scheduler may go from one phase to another lives here. This module knows nothing of leases,
databases, agents or time.
"""

from enum import StrEnum
from typing import Final

from elasticjob_cloud.model.errors import BugError


class LeaderPhase(StrEnum):
    """What a scheduler is doing about the lead."""

    STANDING_BY = "standing by"  # asks for the lead
    TAKING_OVER = "taking over"  # has a lease, and loads the record
    LEADING = "leading"  # its loop schedules
    GIVING_UP = "giving up"  # its loop is closed, and its lease is being released
    STOPPED = "stopped"  # asks no more


# A record that could not be loaded is loaded again, and so it is after a turn that was not committed. A leader that is
# cancelled stops wherever it is: its lease runs out.
TRANSITIONS: Final[dict[LeaderPhase, frozenset[LeaderPhase]]] = {
    LeaderPhase.STANDING_BY: frozenset({LeaderPhase.TAKING_OVER, LeaderPhase.STOPPED}),
    LeaderPhase.TAKING_OVER: frozenset(
        {LeaderPhase.TAKING_OVER, LeaderPhase.LEADING, LeaderPhase.GIVING_UP, LeaderPhase.STOPPED}
    ),
    LeaderPhase.LEADING: frozenset({LeaderPhase.TAKING_OVER, LeaderPhase.GIVING_UP, LeaderPhase.STOPPED}),
    LeaderPhase.GIVING_UP: frozenset({LeaderPhase.STANDING_BY, LeaderPhase.STOPPED}),
    LeaderPhase.STOPPED: frozenset(),
}


class LeaderPhases:
    """The phases of one leader, one after another."""

    def __init__(self, present: LeaderPhase = LeaderPhase.STANDING_BY) -> None:
        self.present = present

    @property
    def has_lease(self) -> bool:
        """Whether this is a phase of a term."""
        return self.present in {LeaderPhase.TAKING_OVER, LeaderPhase.LEADING}

    def enter(self, following: LeaderPhase) -> None:
        """Go on to a phase.

        Raises:
            BugError: the table does not allow it; nothing changed.
        """
        if following not in TRANSITIONS[self.present]:
            raise BugError(
                f"A scheduler that was {self.present} was to be {following}. This is our bug: please report it with the log."
            )
        self.present = following
