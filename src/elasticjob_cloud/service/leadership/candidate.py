"""Who seeks the lead."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who seeks the lead, and how long a lease of its lasts.

    `alone`: it holds the database's lock. So a lease that another has is a dead scheduler's, and nobody takes this one's.
    `takes_over_agents`: its database was restored, and agents that know a later record are to obey it all the same.
    `clock_limit_seconds`: how far its clock may be from the database's for it to lead; 0: however far.
    """

    scheduler_id: str
    address: str
    lease_seconds: float
    alone: bool = False
    takes_over_agents: bool = False
    clock_limit_seconds: float = 0.0
