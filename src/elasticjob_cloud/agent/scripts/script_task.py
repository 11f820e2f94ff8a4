"""One script task: what is known of it, and the program that it runs (semantics, "Transient and daemon jobs")."""

import asyncio
from collections.abc import Mapping

from elasticjob_cloud.agent.apps.port import Prepared
from elasticjob_cloud.agent.process.child import ChildProcess
from elasticjob_cloud.agent.process.program import Program
from elasticjob_cloud.agent.reporting.ending import Ending
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.jobs.job import SCRIPT_COMMAND_LINE, JobConfiguration
from elasticjob_cloud.model.jobs.repetition import Repetition
from elasticjob_cloud.model.messages import TaskSpec


class Lease:
    """A prepared app, shared by tasks, and released by the last of them."""

    __slots__ = ("_prepared", "_users", "directory")

    def __init__(self, prepared: Prepared, users: int) -> None:
        self._prepared = prepared
        self._users = users
        self.directory = str(prepared.directory)

    def is_changed(self) -> bool:
        """Whether a task has changed the app's files, as far as a short look tells."""
        return self._prepared.is_changed()

    def release(self) -> None:
        """One of them needs it no more."""
        self._users -= 1
        if self._users == 0:
            self._prepared.release()


class ScriptTask:
    """One script task from its launch to its end."""

    __slots__ = (
        "app",
        "child",
        "ending",
        "fault",
        "fire_ms",
        "job",
        "lease",
        "preparation",
        "repetition",
        "spec",
        "time_limit",
        "timer",
        "told_skip_ms",
    )

    def __init__(self, app: AppConfiguration, job: JobConfiguration, spec: TaskSpec) -> None:
        self.app = app
        self.job = job
        self.spec = spec
        self.preparation: asyncio.Task[None] | None = None  # while its app is not there
        self.lease: Lease | None = None
        self.child: ChildProcess | None = None
        self.ending: Ending | None = None  # why the task is ended
        self.fault: Ending | None = None  # why its process is ended, which need not end a daemon task
        self.timer: asyncio.TimerHandle | None = None  # its timeout, or its next fire
        self.time_limit: asyncio.TimerHandle | None = None  # of an execution of a task with a cron
        # Of daemon tasks with a cron alone.
        self.repetition: Repetition | None = None
        self.fire_ms: int | None = None
        self.told_skip_ms: int | None = None  # the first fire that was skipped and told

    @property
    def repeats(self) -> bool:
        """Whether the agent runs it again and again, by its cron."""
        return self.job.is_daemon and bool(self.job.cron)

    def program(self, base_environment: Mapping[str, str]) -> Program:
        """Give what its process runs, in the app's directory."""
        assert self.lease is not None, "its app is there"
        context = self.context()
        return Program(
            self.job.props[SCRIPT_COMMAND_LINE],
            self.lease.directory,
            {**base_environment, **context.environment()},
            self.spec.task_id,
            context.to_json() if self.job.passes_context else None,
        )

    def context(self) -> ShardingContext:
        """Give what the script is told."""
        count = self.app.event_trace_sampling_count
        repetition = self.repetition
        return ShardingContext(
            task_id=self.spec.task_id,
            job_name=self.job.job_name,
            sharding_total_count=self.job.sharding_total_count,
            sharding_item=self.spec.item,
            sharding_parameter=self.spec.parameter,
            job_parameter=self.job.job_parameter,
            job_event_sampling_count=count,
            current_job_event_sampling_count=0 if repetition is None else repetition.unsampled_count,
            allow_send_job_event=repetition is None or repetition.is_sampled,
        )
