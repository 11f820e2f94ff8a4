"""One job as lists find and sort it."""

from collections.abc import Callable
from typing import Final

import msgspec

from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.jobs import JobFilter, JobSort, JobState
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.reading.last_results import LastResults

Key = str | int
NOTHING: Final = 2**63  # the key of a job for which there is nothing to sort by: behind all others
_RANKS: Final = {RunState.FAILED: 0, RunState.KILLED: 1, RunState.DROPPED: 2, RunState.SUCCEEDED: 3}


class JobEntry(msgspec.Struct, eq=False, gc=False):
    """What a job is found by. `text` is in lower case. Orders keep the entry itself, so that a search follows no name."""

    name: str
    app_name: str
    text: str
    disabled: bool
    is_busy: bool
    waits: bool
    next_fire_ms: int
    running_shards: int
    result: RunState | None
    ended_ms: int


def make_entry(core: Core, results: LastResults, name: str) -> JobEntry | None:
    """Give a job's entry; None when there is no such job."""
    state = core.state
    record = state.jobs.get(name)
    if record is None:
        return None
    configuration = record.configuration
    result = results.get(name)
    next_ms = state.triggers.next_fire_ms(name)
    return JobEntry(
        name=name,
        app_name=configuration.app_name,
        text=f"{name}\n{configuration.app_name}\n{configuration.description}".lower(),
        disabled=record.disabled,
        is_busy=state.is_busy(name),
        waits=name in state.waiting,
        next_fire_ms=NOTHING if next_ms is None else next_ms,
        running_shards=len(state.tasks_of_job.get(name, ())),
        result=None if result is None else result.state,
        ended_ms=NOTHING if result is None else result.ended_ms,
    )


def renew(entry: JobEntry, present: JobEntry) -> None:
    """Give an entry the present values."""
    for field in JobEntry.__struct_fields__:
        setattr(entry, field, getattr(present, field))


KEYS: Final[dict[JobSort, Callable[[JobEntry], Key]]] = {
    JobSort.JOB_NAME: lambda it: it.name,
    JobSort.APP_NAME: lambda it: it.app_name,
    JobSort.STATE: lambda it: NOTHING if it.result is None else _RANKS[it.result],
    JobSort.LAST_RUN: lambda it: it.ended_ms,
    JobSort.NEXT_FIRE: lambda it: it.next_fire_ms,
    JobSort.RUNNING_SHARDS: lambda it: it.running_shards,
}
_STATES: Final[dict[JobState, Callable[[JobEntry], bool]]] = {
    JobState.ENABLED: lambda it: not it.disabled,
    JobState.DISABLED: lambda it: it.disabled,
    JobState.RUNNING: lambda it: it.is_busy,
    JobState.WAITING: lambda it: it.waits,
    JobState.SUCCEEDED: lambda it: it.result is RunState.SUCCEEDED,
    JobState.FAILED: lambda it: it.result is RunState.FAILED,
    JobState.KILLED: lambda it: it.result is RunState.KILLED,
    JobState.DROPPED: lambda it: it.result is RunState.DROPPED,
}


def select(wanted: JobFilter, entries: list[JobEntry]) -> list[JobEntry]:
    """Give those that match, in their order."""
    if wanted.search:
        search = wanted.search.lower()
        entries = [it for it in entries if search in it.text]
    if wanted.app_name:
        entries = [it for it in entries if it.app_name == wanted.app_name]
    if wanted.state is not None:
        has_state = _STATES[wanted.state]
        entries = [it for it in entries if has_state(it)]
    return entries
