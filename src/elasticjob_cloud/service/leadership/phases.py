"""The phases of a leader, and the table of legal transitions between them.

All that decides whether a scheduler may go from one phase to another lives here. This module knows nothing of leases,
databases, agents or time.
"""

from enum import StrEnum
from typing import Final


class LeaderPhase(StrEnum):
    """What a scheduler is doing about the lead."""

    STANDING_BY = "standing_by"  # asks for the lead
    TAKING_OVER = "taking_over"  # has a lease, and loads the record
    LEADING = "leading"  # its loop schedules
    GIVING_UP = "giving_up"  # its loop is closed, and its lease is being released
    STOPPED = "stopped"  # no longer asks

    @property
    def has_lease(self) -> bool:
        """Whether this is a phase of a term."""
        return self in {LeaderPhase.TAKING_OVER, LeaderPhase.LEADING}


# From a phase to each that may follow, with what leads there.
CAUSES: Final[dict[LeaderPhase, dict[LeaderPhase, str]]] = {
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
TRANSITIONS: Final = {phase: frozenset(causes) for phase, causes in CAUSES.items()}
