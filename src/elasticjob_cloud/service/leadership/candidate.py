"""Who seeks the lead, and what it takes from its process."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from elasticjob_cloud.scheduling import Now


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who seeks the lead, and how long a lease of its lasts.

    `alone`: it holds the database's lock. So whoever has the lease when it comes is dead, and nobody takes it from it.
    `takes_over_agents`: its database was restored, and agents that know a later record are to obey it all the same.
    `clock_limit_seconds`: how far its clock may be from the database's for it to lead; 0: however far.
    """

    scheduler_id: str
    address: str
    lease_seconds: float
    alone: bool = False
    takes_over_agents: bool = False
    clock_limit_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a leader takes from its process.

    `writer` runs one call at a time. `loader` is another one: a lease is renewed while a large record is loaded.
    """

    read_clock: Callable[[], Now]
    new_id: Callable[[], str]
    writer: Executor
    loader: Executor
