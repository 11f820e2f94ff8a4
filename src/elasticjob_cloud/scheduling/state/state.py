"""What the core knows: configuration, fires that wait, runs, live tasks, agents. Changed only through a `Turn`."""

from collections import deque
from collections.abc import Iterator

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.records import (
    AppRecord,
    FailoverKey,
    FailoverRecord,
    FireRecord,
    JobRecord,
    ScheduleSpans,
    Snapshot,
    TaskRecord,
)
from elasticjob_cloud.scheduling.placement.fleet import Fleet
from elasticjob_cloud.scheduling.placement.policies import POLICIES
from elasticjob_cloud.scheduling.schedules.backlog import Backlog
from elasticjob_cloud.scheduling.schedules.missed import MissedSearches
from elasticjob_cloud.scheduling.schedules.triggers import Triggers
from elasticjob_cloud.scheduling.settings import PlacementPolicy
from elasticjob_cloud.scheduling.state.idempotency import IdempotencyKeys
from elasticjob_cloud.scheduling.state.queues import ReadyQueue, RetryQueue
from elasticjob_cloud.scheduling.state.run import Run


class State:
    """All that the core keeps between turns."""

    def __init__(self, placement: PlacementPolicy = PlacementPolicy.SPREAD) -> None:
        self.apps: dict[str, AppRecord] = {}
        self.jobs: dict[str, JobRecord] = {}
        self.jobs_of_app: dict[str, dict[str, None]] = {}
        self.schedules: dict[str, int] = {}
        self.spans: dict[str, ScheduleSpans] = {}
        self.ahead: dict[str, int] = {}  # jobs that fire nothing before this time: the clock was ahead
        self.ahead_until_ms = 0  # when the first of them may fire
        self.sequences: dict[str, int] = {}  # by agent: the last batch whose events are recorded
        self.triggers = Triggers()
        self.backlog = Backlog()
        self.missed = MissedSearches()
        self.waiting: dict[str, deque[FireRecord]] = {}
        self.runs: dict[str, Run] = {}
        self.tasks: dict[str, TaskRecord] = {}
        self.tasks_of_job: dict[str, dict[str, None]] = {}
        self.tasks_of_app: dict[str, int] = {}
        self.tasks_of_agent: dict[str, dict[str, None]] = {}
        self.failovers: dict[FailoverKey, FailoverRecord] = {}
        self.ready = ReadyQueue()
        self.retries = RetryQueue()
        self.fleet = Fleet(POLICIES[placement])
        self.agents = self.fleet.agents
        self.idle = self.fleet.idle
        self.idempotency_keys = IdempotencyKeys()
        self.next_fire_id = 1

    @classmethod
    def of(cls, snapshot: Snapshot, placement: PlacementPolicy = PlacementPolicy.SPREAD) -> "State":
        """Rebuild the state from what the store holds. Triggers and agents are not stored."""
        state = cls(placement)
        state.next_fire_id = snapshot.next_fire_id
        state.idempotency_keys = IdempotencyKeys(snapshot.idempotency_keys)
        state.apps.update(snapshot.apps)
        state.schedules.update(snapshot.schedules)
        state.spans.update(snapshot.spans)
        state.sequences.update(snapshot.sequences)
        for job in snapshot.jobs.values():
            state.put_job(job)
        for fire in sorted(snapshot.fires, key=lambda it: it.fire_id):
            if fire.state is FireState.WAITING:
                state.waiting.setdefault(fire.job_name, deque()).append(fire)
            else:
                record = state.jobs.get(fire.job_name)
                configuration = fire.configuration or (record.configuration if record is not None else None)
                state.runs[fire.job_name] = Run(fire, configuration)
        for task in snapshot.tasks:
            state.put_task(task)
            state.runs[task.job_name].open_items.add(task.item)
        for failover in snapshot.failovers:
            state.failovers[failover.fire_id, failover.item] = failover
            state.runs[failover.job_name].open_items.add(failover.item)
            state.retries.push(failover)
        for run in state.runs.values():
            run.count_ended()
        return state

    def put_job(self, job: JobRecord) -> None:
        """Add or replace a job."""
        name = job.configuration.job_name
        self.drop_job(name)
        self.jobs[name] = job
        self.jobs_of_app.setdefault(job.configuration.app_name, {})[name] = None

    def drop_job(self, job_name: str) -> None:
        """Forget a job's configuration; what it left (tasks, run) stays."""
        job = self.jobs.pop(job_name, None)
        if job is not None:
            of_app = self.jobs_of_app[job.configuration.app_name]
            del of_app[job_name]
            if not of_app:
                del self.jobs_of_app[job.configuration.app_name]

    def put_task(self, task: TaskRecord) -> None:
        """Add a live task, or replace what is known of it."""
        if task.task_id not in self.tasks:
            self.tasks_of_job.setdefault(task.job_name, {})[task.task_id] = None
            self.tasks_of_agent.setdefault(task.agent_id, {})[task.task_id] = None
            self.tasks_of_app[task.app_name] = self.tasks_of_app.get(task.app_name, 0) + 1
        self.tasks[task.task_id] = task

    def drop_task(self, task: TaskRecord) -> None:
        """Forget a task that ended."""
        del self.tasks[task.task_id]
        for index, key in ((self.tasks_of_job, task.job_name), (self.tasks_of_agent, task.agent_id)):
            of_key = index[key]
            del of_key[task.task_id]
            if not of_key:
                del index[key]
        self.tasks_of_app[task.app_name] -= 1
        if not self.tasks_of_app[task.app_name]:
            del self.tasks_of_app[task.app_name]

    def leave(self, agent_id: str) -> None:
        """Forget an agent; the tasks that were placed on it stay."""
        self.fleet.leave(agent_id)
        self.idle.end(agent_id)

    def free_room(self) -> None:
        """Let all that found no room try again."""
        self.ready.room_freed()
        self.retries.room_freed()

    def tasks_on(self, agent_id: str) -> Iterator[TaskRecord]:
        """Give the live tasks that were placed on an agent; safe while they are dropped."""
        for task_id in list(self.tasks_of_agent.get(agent_id, ())):
            yield self.tasks[task_id]

    def ready_fire(self, job_name: str) -> FireRecord | None:
        """Give the fire of a job that starts as soon as there is room for it, if there is one.

        It is the oldest that waits, and the job has no run (promise 3).
        """
        waiting = self.waiting.get(job_name)
        return None if waiting is None or self.is_busy(job_name) else waiting[0]

    def ready_fires(self) -> Iterator[FireRecord]:
        """Give the ready fire of each job that has one."""
        return (fires[0] for job_name, fires in self.waiting.items() if not self.is_busy(job_name))

    def is_busy(self, job_name: str) -> bool:
        """Tell whether a run of the job has not ended; tasks of a job that was removed and registered again count."""
        return job_name in self.runs

    def is_enabled(self, job_name: str) -> bool:
        """Tell whether a job is there, and neither it nor its app is disabled or being removed."""
        job = self.jobs.get(job_name)
        if job is None or job.disabled:
            return False
        app = self.apps[job.configuration.app_name]
        return not (app.disabled or app.removing)
