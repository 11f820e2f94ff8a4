"""What the API asks of the core. Each either changes the state and is recorded, or raises a `CallerError`."""

from typing import Any

import msgspec

from elasticjob_cloud.model.app import AppConfiguration
from elasticjob_cloud.model.job import JobConfiguration


class PublishApp(msgspec.Struct, frozen=True):
    """Publish a new app."""

    configuration: AppConfiguration
    disabled: bool = False


class UpdateApp(msgspec.Struct, frozen=True):
    """Change the given fields of an app (names as in `AppConfiguration`), keep the rest; `disabled` of None too."""

    app_name: str
    changes: dict[str, Any]
    disabled: bool | None = None


class SetAppDisabled(msgspec.Struct, frozen=True):
    """Stop scheduling an app's jobs and kill their tasks, or take them up again."""

    app_name: str
    disabled: bool


class DeleteApp(msgspec.Struct, frozen=True):
    """Remove an app and its jobs, kill their tasks, stop its executors."""

    app_name: str


class RegisterJob(msgspec.Struct, frozen=True):
    """Register a new job."""

    configuration: JobConfiguration
    disabled: bool = False


class UpdateJob(msgspec.Struct, frozen=True):
    """Replace a job's settings; its schedule starts afresh. `disabled` of None keeps what it is."""

    configuration: JobConfiguration
    disabled: bool | None = None


class DeregisterJob(msgspec.Struct, frozen=True):
    """Remove a job and kill its tasks."""

    job_name: str


class SetJobDisabled(msgspec.Struct, frozen=True):
    """Stop scheduling a job and kill its tasks, or take it up again."""

    job_name: str
    disabled: bool


class RunParameters(msgspec.Struct, frozen=True):
    """What holds for one run alone. None: as the job has it. `props` are added to the job's, or replace them one by one."""

    job_parameter: str | None = None
    sharding_item_parameters: str | None = None
    sharding_total_count: int | None = None
    props: dict[str, str] = msgspec.field(default_factory=dict)


class TriggerJob(msgspec.Struct, frozen=True):
    """Run a transient job once now, apart from its cron. Answers the run's id.

    The same `idempotency_key` within a day answers the first run's id, and starts nothing. `triggered_by`: who asks.
    """

    job_name: str
    parameters: RunParameters = RunParameters()
    triggered_by: str = ""
    idempotency_key: str = ""


class RerunShards(msgspec.Struct, frozen=True):
    """Run shards of an earlier run of a job again, under what the job is now. Answers the new run's id.

    `items` of none: all shards that the job has now.
    """

    job_name: str
    run_id: int
    items: tuple[int, ...] = ()
    triggered_by: str = ""


class KillRun(msgspec.Struct, frozen=True):
    """Kill what runs of a run, or drop it while it waits. Nothing of it starts again. `killed_by`: who asks."""

    job_name: str
    run_id: int
    killed_by: str = ""


class KillTask(msgspec.Struct, frozen=True):
    """Kill one live task."""

    task_id: str


class ReconcileClock(msgspec.Struct, frozen=True):
    """Let jobs that were evaluated beyond the present time go on: the clock was ahead, and is right now."""


ApiCommand = (
    PublishApp
    | UpdateApp
    | SetAppDisabled
    | DeleteApp
    | RegisterJob
    | UpdateJob
    | DeregisterJob
    | SetJobDisabled
    | TriggerJob
    | RerunShards
    | KillRun
    | KillTask
    | ReconcileClock
)


class Request(msgspec.Struct, frozen=True):
    """A command of the API; its outcome comes back under the number."""

    number: int
    command: ApiCommand
