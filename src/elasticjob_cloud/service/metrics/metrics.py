"""What Prometheus sees of a scheduler (`/metrics`)."""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from elasticjob_cloud.model.fire import DropReason
from elasticjob_cloud.model.queries.runs import ENDED_STATES
from elasticjob_cloud.model.records import Snapshot
from elasticjob_cloud.model.results import ShardResult
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import Core, Decisions
from elasticjob_cloud.service.metrics.alert_metrics import AlertMetrics
from elasticjob_cloud.service.metrics.last_successes import LastSuccesses

_LATENESS_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
_COMMIT_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5)

_LIVE_STATES = (TaskState.STAGING, TaskState.RUNNING)
_OF_CORE = ("apps", "jobs", "agents", "jobs_ahead_of_clock", "ready_jobs", "live_tasks", "failover_tasks")


class Metrics:
    """The metrics of one scheduler process, in a registry of its own."""

    def __init__(self, job_limit: int = 1_000) -> None:
        """Make a registry. `job_limit`: up to how many jobs each has its own series; 0: none has."""
        self.registry = CollectorRegistry()
        self.alerts = AlertMetrics(self.registry)
        self.last_successes = LastSuccesses(job_limit, self.registry)
        self._lateness = Histogram(
            "elasticjob_fire_lateness_seconds",
            "How long after its due time a cron fire was taken up.",
            buckets=_LATENESS_BUCKETS,
            registry=self.registry,
        )
        self._fires = Counter(
            "elasticjob_fires",
            "Fires that were recorded, by what they came from.",
            ["source"],
            registry=self.registry,
        )
        self._refused = Counter(
            "elasticjob_placements_refused", "Times that a run found no room.", registry=self.registry
        )
        self._failed_turns = Counter(
            "elasticjob_failed_turns",
            "Turns of the loop that ended in an error, after which it began again from the record.",
            ["error"],
            registry=self.registry,
        )
        self._tasks = Gauge("elasticjob_tasks", "Live tasks by state.", ["state"], registry=self.registry)
        self._dropped = Counter(
            "elasticjob_fires_dropped", "Fires that never became a run.", ["reason"], registry=self.registry
        )
        self._ended = Counter(
            "elasticjob_tasks_ended", "Tasks by final state.", ["state"], registry=self.registry
        )
        self._runs = Counter(
            "elasticjob_runs", "Runs that ended or were dropped.", ["state"], registry=self.registry
        )
        self._executions = Counter(
            "elasticjob_executions",
            "Attempts at shards, and executions of daemon jobs, that ended; failed job code is FAILED.",
            ["result"],
            registry=self.registry,
        )
        for reason in DropReason:  # an alert rule needs the zero before the first failure
            self._dropped.labels(reason.value)
        for run_state in ENDED_STATES:
            self._runs.labels(run_state.value)
        for result in ShardResult:
            self._executions.labels(result.value)
        self._commit = Histogram(
            "elasticjob_commit_seconds",
            "How long the durable write of one turn took.",
            buckets=_COMMIT_BUCKETS,
            registry=self.registry,
        )
        self._clock_offset = Gauge(
            "elasticjob_clock_offset_seconds",
            "How far this machine's clock is ahead of the database server's (negative: behind it), at least.",
            registry=self.registry,
        )
        self._terms = Counter(
            "elasticjob_terms", "Times that this scheduler has taken the lead.", registry=self.registry
        )
        self._gauges: dict[str, Gauge] = {
            name: Gauge(f"elasticjob_{name}", text, registry=self.registry)
            for name, text in (
                ("apps", "Published apps."),
                ("jobs", "Registered jobs."),
                ("agents", "Agents that are there."),
                (
                    "jobs_ahead_of_clock",
                    "Jobs that fire nothing for now, because the clock was ahead when they were last evaluated.",
                ),
                ("ready_jobs", "Jobs with a fire that waits for its run."),
                ("live_tasks", "Tasks that are staging or running."),
                ("failover_tasks", "Shards that wait to be started again."),
                ("database_file_bytes", "How much room the database takes on the disk."),
                ("database_used_bytes", "How much of it is in use: what `history_limit_bytes` limits."),
                ("sandbox_bytes", "What the agents' app folders take, with what jobs wrote there."),
                ("leader", "1 while this scheduler leads."),
                ("takeover_seconds", "How long it took from the lease to the first turn, the last time."),
                (
                    "unplaceable_jobs",
                    "Jobs of which a run, or a shard that failed over, fits on no present set of agents.",
                ),
            )
        }

    def note_turn(self, decisions: Decisions, commit_seconds: float) -> None:
        """Count what a committed turn decided."""
        for lateness_ms in decisions.lateness_ms:
            self._lateness.observe(lateness_ms / 1000)
        for source, count in decisions.fires.items():
            self._fires.labels(source).inc(count)
        self._refused.inc(decisions.refused)
        for reason, count in decisions.dropped.items():
            self._dropped.labels(reason).inc(count)
        for state, count in decisions.ended.items():
            self._ended.labels(state).inc(count)
        for run_state, count in decisions.runs.items():
            self._runs.labels(run_state).inc(count)
        for result, count in decisions.executions.items():
            self._executions.labels(result).inc(count)
        self.alerts.note(decisions.changes.alerts.alerts.values())
        self.last_successes.note(decisions.changes)
        if commit_seconds:
            self._commit.observe(commit_seconds)

    def note_failed_turn(self, error: Exception) -> None:
        """Count a turn that ended in an error."""
        self._failed_turns.labels(type(error).__name__).inc()

    def follow(self, core: Core, snapshot: Snapshot) -> None:
        """Show the sizes of this core's queues, read when Prometheus asks, and the alerts of the record it began with."""
        state = core.state
        self.alerts.begin(snapshot.alerts.alerts)
        self.last_successes.follow(core)
        self._gauges["apps"].set_function(lambda: len(state.apps))
        self._gauges["jobs"].set_function(lambda: len(state.jobs))
        self._gauges["agents"].set_function(lambda: len(state.agents))
        self._gauges["jobs_ahead_of_clock"].set_function(lambda: len(state.ahead))
        self._gauges["ready_jobs"].set_function(lambda: len(state.waiting))
        self._gauges["live_tasks"].set_function(lambda: len(state.tasks))
        self._gauges["failover_tasks"].set_function(lambda: len(state.failovers))
        for task_state in _LIVE_STATES:
            self._tasks.labels(task_state.value).set_function(partial(_count_tasks, core, task_state))

    def forget(self) -> None:
        """Show no core's sizes any more: this scheduler stands by."""
        for name in _OF_CORE:
            self._gauges[name].set_function(lambda: 0)
        for task_state in _LIVE_STATES:
            self._tasks.labels(task_state.value).set_function(lambda: 0)
        self.set_unplaceable(0)
        self.alerts.begin(())
        self.last_successes.follow(None)

    def note_database(self, file_bytes: int, used_bytes: int) -> None:
        """Note how large the database is."""
        self._gauges["database_file_bytes"].set(file_bytes)
        self._gauges["database_used_bytes"].set(used_bytes)

    def set_unplaceable(self, count: int) -> None:
        """Note how many jobs wait for room that no agent has."""
        self._gauges["unplaceable_jobs"].set(count)

    def note_clock_offset(self, seconds: float) -> None:
        """This machine's clock was compared with the database's."""
        self._clock_offset.set(seconds)

    def set_sandbox_bytes(self, count: int) -> None:
        """Note what the agents' app folders take."""
        self._gauges["sandbox_bytes"].set(count)

    def note_takeover(self, seconds: float) -> None:
        """Count a term whose first turn is over."""
        self._terms.inc()
        self._gauges["takeover_seconds"].set(seconds)

    def set_leader(self, *, leads: bool) -> None:
        """Note whether this scheduler leads."""
        self._gauges["leader"].set(int(leads))


def _count_tasks(core: Core, state: TaskState) -> int:
    return sum(task.state is state for task in core.state.tasks.values())
