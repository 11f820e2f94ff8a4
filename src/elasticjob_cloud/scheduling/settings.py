"""The core's own settings."""

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from elasticjob_cloud.model.jobs.job import JobConfiguration


class PlacementPolicy(StrEnum):
    """Which agents shards go to (`docs/placement.md`)."""

    SPREAD = "spread"  # those with the most room left
    PACK = "pack"  # as few as will do


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """How the core behaves where `semantics.md` leaves a choice; the defaults are the promises' own figures."""

    time_zone: str = "UTC"  # for crons without a timeZone
    job_state_queue_size: int = 10_000  # jobs in the ready queue, and fires that wait for one job (promise 8)
    misfire_limit: int = 100  # fires made up for a job after a time without a leader (promise 7)
    failover_attempts: int = 3  # starts of a transient shard that fails (promise 6)
    backoff_first_ms: int = 1_000
    backoff_longest_ms: int = 300_000
    placement: PlacementPolicy = PlacementPolicy.SPREAD
    fires_a_turn: int = 200  # of jobs that are due at once; more only delays the first of them
    cron_searches_a_turn: int = 1_000  # for fires that were missed; each takes some 10 µs
    release_idle_ms: int = 0  # agents without a task for so long are released; 0: none ever is
    ahead_ms: int = 60_000  # jobs that a clock which was ahead silences for longer are told of
    clock_jump_ms: int = 1_000  # wall against monotonic clock: more than this is a jump (promise 10)

    def zone_of(self, configuration: JobConfiguration) -> ZoneInfo:
        """Give the zone that a job's cron is evaluated in.

        Raises:
            ZoneInfoNotFoundError, ValueError, OSError: there is no such zone.
        """
        return ZoneInfo(configuration.time_zone or self.time_zone)

    def with_zone(self, configuration: JobConfiguration) -> JobConfiguration:
        """Give a daemon that has a cron its zone: its executor knows nothing of the scheduler's own zone."""
        if not (configuration.is_daemon and configuration.cron) or configuration.time_zone:
            return configuration
        return msgspec.structs.replace(configuration, time_zone=self.time_zone)
