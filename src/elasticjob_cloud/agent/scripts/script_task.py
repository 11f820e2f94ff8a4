"""One script task: what is known of it, and how its process is started (semantics, "Transient and daemon jobs")."""

import asyncio
from collections.abc import Callable

from elasticjob_cloud.agent.apps.port import Prepared
from elasticjob_cloud.agent.process.child import ChildProcess
from elasticjob_cloud.agent.process.start.command import (
    LEFT_TO_THE_SHELL,
    SHELL,
    arguments_of,
    shell_arguments,
    shell_command,
)
from elasticjob_cloud.agent.reporting.ending import Ending
from elasticjob_cloud.agent.reporting.output import open_outputs
from elasticjob_cloud.agent.runtime import TaskRoom
from elasticjob_cloud.agent.scripts.repetition import Repetition
from elasticjob_cloud.model.app import AppConfiguration
from elasticjob_cloud.model.context import ShardingContext
from elasticjob_cloud.model.job import SCRIPT_COMMAND_LINE, JobConfiguration
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


def start_process(
    room: TaskRoom, script: ScriptTask, on_gone: Callable[[ChildProcess], None]
) -> ChildProcess:
    """Start the script's process in the app's directory.

    Raises:
        OSError: it could not be started; nothing is left of it.
    """
    assert script.lease is not None
    task_id, directory, context = script.spec.task_id, script.lease.directory, script.context()
    base = room.outputs.base_path(task_id)
    limit = room.settings.output_limit_bytes
    command = shell_command(script.job.props[SCRIPT_COMMAND_LINE], directory)
    environment = {**room.environment, **context.environment()}

    def start(arguments: list[str]) -> ChildProcess:
        outputs = open_outputs(base, limit)
        return ChildProcess(room.processes, arguments, directory, environment, task_id, outputs, on_gone)

    last_argument = context.to_json() if script.job.passes_context else None
    arguments = arguments_of(command, last_argument)
    try:
        return start(arguments)
    except OSError as error:
        if arguments[0] == SHELL or error.errno not in LEFT_TO_THE_SHELL:
            raise
        # The shell knows what to do with a script without a first line, and has the words for what is missing.
        return start(shell_arguments(command, last_argument))
