"""What the API asks of the core. Each either changes the state and is recorded, or raises a `CallerError`."""

from typing import Any, Final

import msgspec

from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration


class PublishApp(msgspec.Struct, frozen=True):
    """Publish a new app. `alerts`: its alert rule (`app:NAME`), set in the same turn."""

    configuration: AppConfiguration
    disabled: bool = False
    alerts: AlertRule | None = None


class UpdateApp(msgspec.Struct, frozen=True):
    """Change the given fields of an app (names as in `AppConfiguration`), keep the rest; `disabled` of None too.

    `alerts` of None keeps the app's alert rule; a rule that says nothing takes it away.
    """

    app_name: str
    changes: dict[str, Any]
    disabled: bool | None = None
    alerts: AlertRule | None = None


class SetAppDisabled(msgspec.Struct, frozen=True):
    """Stop scheduling an app's jobs and kill their tasks, or take them up again."""

    app_name: str
    disabled: bool


class DeleteApp(msgspec.Struct, frozen=True):
    """Remove an app and its jobs, kill their tasks, stop its executors. Their alert rules go with them."""

    app_name: str


class RegisterJob(msgspec.Struct, frozen=True):
    """Register a new job. `alerts`: its alert rule (`job:NAME`), set in the same turn."""

    configuration: JobConfiguration
    disabled: bool = False
    alerts: AlertRule | None = None


class UpdateJob(msgspec.Struct, frozen=True):
    """Replace a job's settings; its schedule starts afresh. `disabled` of None keeps what it is.

    `alerts` of None keeps the job's alert rule; a rule that says nothing takes it away.
    """

    configuration: JobConfiguration
    disabled: bool | None = None
    alerts: AlertRule | None = None


class DeregisterJob(msgspec.Struct, frozen=True):
    """Remove a job and kill its tasks. Its alert rule goes with it."""

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


NO_PARAMETERS: Final = RunParameters()


class TriggerJob(msgspec.Struct, frozen=True):
    """Run a transient job once now, apart from its cron. Answers the run's id.

    The same `idempotency_key` within a day answers the first run's id, and starts nothing. `triggered_by`: who asks.
    """

    job_name: str
    parameters: RunParameters = NO_PARAMETERS
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


class PutAlertRule(msgspec.Struct, frozen=True):
    """Set the alert rule of a scope, or take it away (None): `global`, `app:NAME` or `job:NAME`.

    `NotFoundError` where the app or job does not exist (any more).
    """

    scope: str
    rule: AlertRule | None


class PutSilence(msgspec.Struct, frozen=True):
    """Hold back messages of alerts. Its id is new."""

    silence: Silence


class DropSilence(msgspec.Struct, frozen=True):
    """End a silence before its time. `NotFoundError` where there is none of this id, or it is over."""

    silence_id: str


class AcknowledgeAlert(msgspec.Struct, frozen=True):
    """Note that somebody (`by`) knows of an alert. `NotFoundError` where there is none of this id, or it is over."""

    alert_id: str
    by: str


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
    | PutAlertRule
    | PutSilence
    | DropSilence
    | AcknowledgeAlert
)


class Request(msgspec.Struct, frozen=True):
    """A command of the API; its outcome comes back under the number."""

    number: int
    command: ApiCommand
