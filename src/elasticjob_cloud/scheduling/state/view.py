"""The state as all but a turn may see it: mypy refuses each change of what these protocols show."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from elasticjob_cloud.model.records import (
    AppRecord,
    FailoverKey,
    FailoverRecord,
    FireRecord,
    IdempotencyKey,
    JobRecord,
    ScheduleSpans,
    TaskRecord,
)
from elasticjob_cloud.scheduling.placement.agent import ReadOnlyAgent
from elasticjob_cloud.scheduling.schedules.plan import Plan
from elasticjob_cloud.scheduling.schedules.trigger import Trigger
from elasticjob_cloud.scheduling.state.run import ReadOnlyRun


class ReadOnlyFleet(Protocol):
    """The agents that are there."""

    @property
    def draining(self) -> Mapping[str, ReadOnlyAgent]:
        """Those that take no new tasks."""

    def open_agents(self) -> Iterator[ReadOnlyAgent]:
        """Give those that take new tasks."""


class ReadOnlyIdle(Protocol):
    """Agents without tasks, and since when."""

    def __contains__(self, agent_id: str) -> bool:
        """Tell whether an agent has no tasks."""

    def since(self, until_ms: int) -> Iterator[str]:
        """Give those that have been idle since then (monotonic, in milliseconds) or longer, the longest first."""


class ReadOnlyTriggers(Protocol):
    """When jobs are due."""

    def next_fire_ms(self, job_name: str) -> int | None:
        """Give when a job is due next; None: never, or it is in no schedule."""

    def upcoming(self, limit: int) -> list[tuple[int, str]]:
        """Give the next fires, at most so many: when, and of which job."""

    def plan(self) -> Plan:
        """Give all fires to come. It costs a copy of the heap."""

    def of_jobs(self, job_names: Iterable[str]) -> list[Trigger]:
        """Give triggers of these jobs alone, for a plan."""


class ReadOnlyBacklog(Protocol):
    """Fires that came due and are not recorded yet."""

    def __bool__(self) -> bool:
        """Tell whether anything is left to record."""

    @property
    def missed_until_ms(self) -> int:
        """Up to when missed fires are to be counted."""

    def missed_after_ms(self, job_name: str) -> int | None:
        """Give the instant after which a job's fires are still to be counted; None if none are."""

    def next_missed(self) -> str | None:
        """Give the job whose missed fires are to be counted next."""


class ReadOnlyRetries(Protocol):
    """Shards that wait to be started again."""

    def without_room(self) -> Iterator[FailoverKey]:
        """Give the shards that found no room; some of them may wait no more."""


class ReadOnlyKeys(Protocol):
    """Idempotency keys of triggers."""

    def run_id(self, key: IdempotencyKey, now_ms: int) -> int | None:
        """Give the run that a key started, while it holds."""


class ReadOnlyState(Protocol):
    """All that the core keeps between turns, for those who must not change it. It changes with each turn."""

    @property
    def apps(self) -> Mapping[str, AppRecord]:
        """Published apps, by name."""

    @property
    def jobs(self) -> Mapping[str, JobRecord]:
        """Registered jobs, by name."""

    @property
    def jobs_of_app(self) -> Mapping[str, Collection[str]]:
        """The names of each app's jobs."""

    @property
    def schedules(self) -> Mapping[str, int]:
        """Up to when each job's cron was evaluated."""

    @property
    def spans(self) -> Mapping[str, ScheduleSpans]:
        """What a clock that jumped did to jobs' crons."""

    @property
    def ahead(self) -> Mapping[str, int]:
        """Jobs that fire nothing before this time: the clock was ahead."""

    @property
    def sequences(self) -> Mapping[str, int]:
        """The last batch of each agent whose events are recorded."""

    @property
    def triggers(self) -> ReadOnlyTriggers:
        """When each job is due next."""

    @property
    def backlog(self) -> ReadOnlyBacklog:
        """Fires that came due and are not recorded yet."""

    @property
    def waiting(self) -> Mapping[str, Sequence[FireRecord]]:
        """The fires of each job that wait for their run, the oldest first."""

    @property
    def runs(self) -> Mapping[str, ReadOnlyRun]:
        """The run of each job that has not ended."""

    @property
    def tasks(self) -> Mapping[str, TaskRecord]:
        """Live tasks, by id."""

    @property
    def tasks_of_job(self) -> Mapping[str, Collection[str]]:
        """The ids of each job's live tasks."""

    @property
    def tasks_of_app(self) -> Mapping[str, int]:
        """How many live tasks each app has."""

    @property
    def tasks_of_agent(self) -> Mapping[str, Collection[str]]:
        """The ids of the live tasks that were placed on each agent."""

    @property
    def failovers(self) -> Mapping[FailoverKey, FailoverRecord]:
        """The shards that wait to be started again."""

    @property
    def retries(self) -> ReadOnlyRetries:
        """When they may be."""

    @property
    def idempotency_keys(self) -> ReadOnlyKeys:
        """Which run each idempotency key has started."""

    @property
    def fleet(self) -> ReadOnlyFleet:
        """The agents, by what they do."""

    @property
    def agents(self) -> Mapping[str, ReadOnlyAgent]:
        """The agents, by id."""

    @property
    def idle(self) -> ReadOnlyIdle:
        """Agents without tasks."""

    def tasks_on(self, agent_id: str) -> Iterator[TaskRecord]:
        """Give the live tasks that were placed on an agent; safe while they are dropped."""

    def ready_fire(self, job_name: str) -> FireRecord | None:
        """Give the fire of a job that starts as soon as there is room for it, if there is one."""

    def ready_fires(self) -> Iterator[FireRecord]:
        """Give the ready fire of each job that has one."""

    def is_busy(self, job_name: str) -> bool:
        """Tell whether a run of the job has not ended; tasks of a job that was removed and registered again count."""

    def is_enabled(self, job_name: str) -> bool:
        """Tell whether a job is there, and neither it nor its app is disabled or being removed."""
