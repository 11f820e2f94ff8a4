"""What commands do to jobs. Each checks everything first, and raises before it changes anything."""

import msgspec

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.model.errors import ConflictError, FieldError, InvalidRequestError
from elasticjob_cloud.model.fire import DropReason, FireSource
from elasticjob_cloud.model.records import JobRecord
from elasticjob_cloud.scheduling import commands
from elasticjob_cloud.scheduling.configuration.checks import (
    app_of,
    check_changed_schedule,
    check_schedule,
    job_of,
)
from elasticjob_cloud.scheduling.fires.catching_up import settle_due
from elasticjob_cloud.scheduling.fires.new_fires import start_daemon
from elasticjob_cloud.scheduling.fires.rewinding import go_on_from_now, note_if_ahead
from elasticjob_cloud.scheduling.runs.launching import look_for_room
from elasticjob_cloud.scheduling.runs.tasks import stop_run
from elasticjob_cloud.scheduling.state.turn import Turn


def register_job(turn: Turn, command: commands.RegisterJob) -> None:
    """Register a new job."""
    configuration = command.configuration
    app_of(turn, configuration.app_name)
    check_schedule(turn, configuration)
    if configuration.job_name in turn.state.jobs:
        message = f"Job '{configuration.job_name}' exists already. Change it with PUT /api/job/update."
        raise ConflictError(message)
    turn.configuration.put_job(JobRecord(configuration, disabled=command.disabled, since_ms=turn.now_ms))
    if turn.state.is_enabled(configuration.job_name):
        take_up(turn, configuration.job_name)


def update_job(turn: Turn, command: commands.UpdateJob) -> None:
    """Replace a job's settings; its schedule starts again from now, and its run keeps what it was started with."""
    configuration = command.configuration
    name = configuration.job_name
    old = job_of(turn, name)
    if configuration.app_name != old.configuration.app_name:
        problem = f"cannot be changed from '{old.configuration.app_name}'; deregister the job and register it again."
        raise InvalidRequestError.of(FieldError("appName", problem))
    app_of(turn, configuration.app_name)
    check_changed_schedule(turn, old.configuration, configuration)
    settle_due(turn, name)
    disabled = old.disabled if command.disabled is None else command.disabled
    turn.triggers.remove(name)
    if old.configuration.is_daemon or configuration.is_daemon:
        turn.fires.drop_waiting(name, DropReason.REMOVED)
    run = turn.state.runs.get(name)
    if run is not None and run.fire.source is FireSource.DAEMON:
        stop_run(turn, name, "Replaced: the job was updated.")
    elif run is not None:
        turn.fires.keep_settings(name)
    turn.configuration.put_job(JobRecord(configuration, disabled=disabled, since_ms=turn.now_ms))
    look_for_room(turn, name)
    if disabled:
        halt(turn, name, DropReason.DISABLED, "The job was disabled.")
    elif turn.state.is_enabled(name):
        go_on_from_now(turn, name)
        take_up(turn, name)


def reconcile_clock(turn: Turn) -> None:
    """Let jobs that were evaluated beyond the present time go on: the clock was ahead, and is right now."""
    state = turn.state
    for job_name in [name for name, to_ms in state.schedules.items() if to_ms > turn.now_ms]:
        if state.is_enabled(job_name):
            settle_due(turn, job_name)
            go_on_from_now(turn, job_name)
            take_up(turn, job_name)


def deregister_job(turn: Turn, command: commands.DeregisterJob) -> None:
    """Remove a job and kill its tasks."""
    job_of(turn, command.job_name)
    remove_job(turn, command.job_name)


def remove_job(turn: Turn, job_name: str) -> None:
    """Remove a job that is there, alone or with its app."""
    halt(turn, job_name, DropReason.REMOVED, "The job was deregistered.")
    turn.configuration.drop_job(job_name)
    turn.schedules.drop(job_name)
    turn.alerts.forget_job(job_name, turn.now_ms)


def set_job_disabled(turn: Turn, command: commands.SetJobDisabled) -> None:
    """Stop scheduling a job and kill its tasks, or take it up again."""
    job = job_of(turn, command.job_name)
    if job.disabled == command.disabled:
        return
    turn.configuration.put_job(msgspec.structs.replace(job, disabled=command.disabled))
    if command.disabled:
        halt(turn, command.job_name, DropReason.DISABLED, "The job was disabled.")
    elif turn.state.is_enabled(command.job_name):
        take_up(turn, command.job_name)


def take_up(turn: Turn, job_name: str) -> None:
    """Let an enabled job fire from now on, or start a daemon's tasks."""
    job = turn.state.jobs[job_name]
    if job.configuration.is_daemon:
        start_daemon(turn, job_name)
    elif job.configuration.cron:
        # A clock that was set backwards never repeats a fire, also where the job is changed meanwhile (promise 10).
        after_ms = max(turn.now_ms, turn.state.schedules.get(job_name, 0))
        turn.schedules.advance(job_name, after_ms)
        note_if_ahead(turn, job_name)
        cron = CronExpression.parse(job.configuration.cron)
        turn.triggers.add(job_name, cron, turn.settings.zone_of(job.configuration), after_ms)


def halt(turn: Turn, job_name: str, drop_reason: DropReason, reason: str) -> None:
    """Let a job fire no more, drop what waits, and kill its tasks."""
    settle_due(turn, job_name)
    turn.triggers.remove(job_name)
    turn.schedules.forget_ahead(job_name)
    turn.fires.drop_waiting(job_name, drop_reason)
    stop_run(turn, job_name, reason)
