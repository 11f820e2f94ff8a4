"""Runs: fires whose tasks were launched. States, and the table of legal transitions."""

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final, Protocol

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.job import JobConfiguration
from elasticjob_cloud.model.phases import IllegalTransitionError
from elasticjob_cloud.model.records import FireRecord


class RunState(StrEnum):
    """What becomes of a run. The record tells `STOPPING` by the reason: a running fire has one only then."""

    RUNNING = "running"  # its shards run, or wait to be started again
    STOPPING = (
        "stopping"  # its job was disabled, removed or replaced: tasks are killed, and no shard starts again
    )
    ENDED = "ended"  # all its shards have ended


TRANSITIONS: Final[dict[RunState, frozenset[RunState]]] = {
    RunState.RUNNING: frozenset({RunState.STOPPING, RunState.ENDED}),
    # Stopped for another reason too: a disabled job is deregistered, and its tasks still end.
    RunState.STOPPING: frozenset({RunState.STOPPING, RunState.ENDED}),
    RunState.ENDED: frozenset(),
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
    def state(self) -> RunState:
        """What became of it so far."""


class Run:
    """A run, as the state keeps it. Only `FireChanges` changes it."""

    __slots__ = ("configuration", "fire", "open_items", "state")

    def __init__(self, fire: FireRecord, configuration: JobConfiguration | None) -> None:
        assert fire.state is FireState.RUNNING, "only what was launched is a run"
        self.fire = fire
        self.configuration = configuration
        self.open_items: set[int] = set()
        self.state = RunState.STOPPING if fire.reason else RunState.RUNNING

    def become(self, following: RunState) -> None:
        """Go on to another state.

        Raises:
            IllegalTransitionError: the table does not allow it; nothing has changed.
        """
        if following not in TRANSITIONS[self.state]:
            message = (
                f"Run {self.fire.fire_id} of job '{self.fire.job_name}' is {self.state.value}, "
                f"and cannot become {following.value}."
            )
            raise IllegalTransitionError(message)
        self.state = following
