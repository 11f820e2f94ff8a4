"""Runs: fires whose tasks were launched. States, and the table of legal transitions."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.phases import IllegalTransitionError
from elasticjob_cloud.model.records import FireRecord


class RunPhase(StrEnum):
    """What becomes of a run. The record tells `STOPPING` by the reason: a running fire has one only then."""

    RUNNING = "running"  # its shards run, or wait to be started again
    STOPPING = (
        "stopping"  # its job was disabled, removed or replaced: tasks are killed, and no shard starts again
    )
    ENDED = "ended"  # all its shards have ended


TRANSITIONS: Final[dict[RunPhase, frozenset[RunPhase]]] = {
    RunPhase.RUNNING: frozenset({RunPhase.STOPPING, RunPhase.ENDED}),
    # Stopped for another reason too: a disabled job is deregistered, and its tasks still end.
    RunPhase.STOPPING: frozenset({RunPhase.STOPPING, RunPhase.ENDED}),
    RunPhase.ENDED: frozenset(),
}


class ReadOnlyRun(Protocol):
    """A run, for those who must not change it."""

    @property
    def fire(self) -> FireRecord:
        """Its record, as it is now."""

    @property
    def configuration(self) -> JobConfiguration | None:
        """What it was started with: an update of the job does not change it (api.md, PUT /job/update)."""

    @property
    def open_items(self) -> AbstractSet[int]:
        """The shards that run, or wait to be started again."""

    @property
    def phase(self) -> RunPhase:
        """What became of it so far."""

    @property
    def failures(self) -> Mapping[int, str]:
        """Why the last attempts at shards failed that wait to be started again; unknown to a later leader."""


class Run:
    """A run, as the state keeps it. Only `FireChanges` changes it.

    `succeeded_shards` is not recorded before the run ends: a row for each shard would cost too much.
    """

    __slots__ = ("configuration", "failures", "fire", "open_items", "phase", "succeeded_shards")

    def __init__(self, fire: FireRecord, configuration: JobConfiguration | None) -> None:
        assert fire.state is FireState.RUNNING, "only what was launched is a run"
        self.fire = fire
        self.configuration = configuration
        self.open_items: set[int] = set()
        self.failures: dict[int, str] = {}
        self.succeeded_shards = 0
        self.phase = RunPhase.STOPPING if fire.reason else RunPhase.RUNNING

    def count_ended(self) -> None:
        """Count the shards that have ended, once all that have not are known: for a run that was loaded."""
        if not self.fire.shard_total and self.configuration is not None:  # recorded by an earlier version
            total = self.configuration.sharding_total_count
            self.fire = msgspec.structs.replace(self.fire, shard_total=total)
        fire = self.fire
        others = len(self.open_items) + fire.failed_tasks + fire.killed_shards
        self.succeeded_shards = max(0, fire.shard_total - others)

    def become(self, following: RunPhase) -> None:
        """Go on to another state.

        Raises:
            IllegalTransitionError: the table does not allow it; nothing has changed.
        """
        if following not in TRANSITIONS[self.phase]:
            message = (
                f"Run {self.fire.fire_id} of job '{self.fire.job_name}' is {self.phase.value}, "
                f"and cannot become {following.value}."
            )
            raise IllegalTransitionError(message)
        self.phase = following
