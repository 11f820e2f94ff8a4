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


# From a phase to each that may follow, with what leads there.
TRANSITIONS: Final[dict[LeaderPhase, dict[LeaderPhase, str]]] = {
    LeaderPhase.STANDING_BY: {
        LeaderPhase.TAKING_OVER: "the lease is free",
        LeaderPhase.STOPPED: "SIGTERM",
    },
    LeaderPhase.TAKING_OVER: {
        LeaderPhase.TAKING_OVER: "the database failed, the record is loaded again",
        LeaderPhase.LEADING: "the record is loaded",
        LeaderPhase.GIVING_UP: "the lease is lost, the engine cannot be used, or SIGTERM",
        LeaderPhase.STOPPED: "cancelled, the lease runs out",
    },
    LeaderPhase.LEADING: {
        LeaderPhase.TAKING_OVER: "a turn was not committed",
        LeaderPhase.GIVING_UP: "the lease is lost, another scheduler should lead, or SIGTERM",
        LeaderPhase.STOPPED: "cancelled, the lease runs out",
    },
    LeaderPhase.GIVING_UP: {
        LeaderPhase.STANDING_BY: "the lease is released, or has run out",
        LeaderPhase.STOPPED: "the engine cannot be used",
    },
    LeaderPhase.STOPPED: {},
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
