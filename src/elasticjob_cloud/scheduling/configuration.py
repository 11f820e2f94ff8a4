"""What the API's commands do to apps and jobs. Each checks everything first, and raises before it changes anything."""

from typing import assert_never
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from elasticjob_cloud.cron import CronExpression, InvalidCronError
from elasticjob_cloud.model.errors import (
    ConflictError,
    FieldError,
    InvalidRequestError,
    NotFoundError,
)
from elasticjob_cloud.model.job import JobConfiguration
from elasticjob_cloud.model.records import AppRecord, DropReason, FireSource, JobRecord
from elasticjob_cloud.scheduling import commands
from elasticjob_cloud.scheduling.catching_up import settle_due
from elasticjob_cloud.scheduling.fires import drop_waiting, start_daemon, trigger_job
from elasticjob_cloud.scheduling.rewinding import go_on_from_now, note_if_ahead
from elasticjob_cloud.scheduling.runs.launching import make_ready_anew
from elasticjob_cloud.scheduling.runs.tasks import keep_settings, kill_tasks, stop_run
from elasticjob_cloud.scheduling.schedules import schedule, zone_of
from elasticjob_cloud.scheduling.turn import Turn


def carry_out(turn: Turn, command: commands.ApiCommand) -> None:
    """Carry out one command of the API.

    Raises:
        CallerError: it cannot be carried out; nothing changed.
        UnavailableError: the ready queue is full.
    """
    match command:
        case commands.PublishApp():
            _publish_app(turn, command)
        case commands.UpdateApp():
            _update_app(turn, command)
        case commands.SetAppDisabled():
            _set_app_disabled(turn, command.app_name, disabled=command.disabled)
        case commands.DeleteApp():
            _delete_app(turn, command.app_name)
        case commands.RegisterJob():
            _register_job(turn, command)
        case commands.UpdateJob():
            _update_job(turn, command)
        case commands.DeregisterJob():
            _remove_job(turn, _job(turn, command.job_name).configuration.job_name)
        case commands.SetJobDisabled():
            _set_job_disabled(turn, command)
        case commands.TriggerJob():
            _trigger_job(turn, command.job_name)
        case commands.KillTask():
            task = turn.state.tasks.get(command.task_id)
            if task is None:
                message = f"No live task has the id '{command.task_id}': it has ended, or never was."
                raise NotFoundError(message)
            kill_tasks(turn, [task], task.kill_reason or "Killed through the API.")
        case commands.ReconcileClock():
            _reconcile_clock(turn)
        case _:
            assert_never(command)


def is_decidable(turn: Turn, command: commands.ApiCommand) -> bool:
    """Tell whether a command can be carried out yet: not before the missed fires of the jobs that it changes are known."""
    backlog = turn.state.backlog
    match command:
        case commands.UpdateJob():
            return not backlog.prefer_missed(command.configuration.job_name)
        case commands.DeregisterJob() | commands.SetJobDisabled():
            return not backlog.prefer_missed(command.job_name)
        case commands.UpdateApp(disabled=None):
            return True
        case commands.SetAppDisabled() | commands.UpdateApp() | commands.DeleteApp():
            jobs = turn.state.jobs_of_app.get(command.app_name, ())
            return not any(backlog.missed_after_ms(job_name) is not None for job_name in jobs)
        case commands.ReconcileClock():
            return backlog.next_missed() is None
        case _:
            return True


def _publish_app(turn: Turn, command: commands.PublishApp) -> None:
    name = command.configuration.app_name
    app = turn.state.apps.get(name)
    if app is not None and app.removing:
        message = f"App '{name}' is being removed, and its tasks still end. Try again in a moment."
        raise ConflictError(message)
    if app is not None:
        message = f"App '{name}' exists already. Change it with PUT /api/app, or delete it first."
        raise ConflictError(message)
    turn.put_app(AppRecord(command.configuration, disabled=command.disabled))


def _update_app(turn: Turn, command: commands.UpdateApp) -> None:
    app = _app(turn, command.app_name)
    changed = msgspec.structs.replace(app.configuration, **command.changes)
    turn.put_app(msgspec.structs.replace(app, configuration=changed))
    for job_name in turn.state.jobs_of_app.get(command.app_name, ()):
        make_ready_anew(turn, job_name)
    turn.state.room_freed = True  # for shards that wait to be started again
    if command.disabled is not None:
        _set_app_disabled(turn, command.app_name, disabled=command.disabled)


def _set_app_disabled(turn: Turn, app_name: str, *, disabled: bool) -> None:
    app = _app(turn, app_name)
    if app.disabled == disabled:
        return
    turn.put_app(msgspec.structs.replace(app, disabled=disabled))
    for job_name in turn.state.jobs_of_app.get(app_name, ()):
        if disabled:
            _halt(turn, job_name, DropReason.DISABLED, f"App '{app_name}' was disabled.")
        elif turn.state.is_enabled(job_name):
            _take_up(turn, job_name)


def _delete_app(turn: Turn, app_name: str) -> None:
    app = _app(turn, app_name)
    for job_name in list(turn.state.jobs_of_app.get(app_name, ())):
        _remove_job(turn, job_name)
    turn.put_app(msgspec.structs.replace(app, removing=True))
    if app_name not in turn.state.tasks_of_app:
        turn.remove_app(app_name)


def _register_job(turn: Turn, command: commands.RegisterJob) -> None:
    configuration = command.configuration
    _app(turn, configuration.app_name)
    _check_schedule(turn, configuration)
    if configuration.job_name in turn.state.jobs:
        message = f"Job '{configuration.job_name}' exists already. Change it with PUT /api/job/update."
        raise ConflictError(message)
    turn.put_job(JobRecord(configuration, disabled=command.disabled, since_ms=turn.now_ms))
    if turn.state.is_enabled(configuration.job_name):
        _take_up(turn, configuration.job_name)


def _update_job(turn: Turn, command: commands.UpdateJob) -> None:
    configuration = command.configuration
    name = configuration.job_name
    old = _job(turn, name)
    if configuration.app_name != old.configuration.app_name:
        problem = (
            f"cannot be changed from '{old.configuration.app_name}'; deregister the job and register it anew."
        )
        raise InvalidRequestError.of(FieldError("appName", problem))
    _app(turn, configuration.app_name)
    if _schedule_of(turn, configuration) != _schedule_of(turn, old.configuration):
        _check_schedule(turn, configuration)
    settle_due(turn, name)
    disabled = old.disabled if command.disabled is None else command.disabled
    turn.state.triggers.remove(name)
    if old.configuration.is_daemon or configuration.is_daemon:
        drop_waiting(turn, name, DropReason.REMOVED)
    run = turn.state.runs.get(name)
    if run is not None and run.fire.source is FireSource.DAEMON:
        stop_run(turn, name, "Replaced: the job was updated.")
    elif run is not None:
        keep_settings(turn, run)
    turn.put_job(JobRecord(configuration, disabled=disabled, since_ms=turn.now_ms))
    make_ready_anew(turn, name)
    if disabled:
        _halt(turn, name, DropReason.DISABLED, "The job was disabled.")
    elif turn.state.is_enabled(name):
        go_on_from_now(turn, name)
        _take_up(turn, name)


def _reconcile_clock(turn: Turn) -> None:
    state = turn.state
    for job_name in [name for name, to_ms in state.schedules.items() if to_ms > turn.now_ms]:
        if state.is_enabled(job_name):
            settle_due(turn, job_name)
            go_on_from_now(turn, job_name)
            _take_up(turn, job_name)


def _remove_job(turn: Turn, job_name: str) -> None:
    _halt(turn, job_name, DropReason.REMOVED, "The job was deregistered.")
    turn.drop_job(job_name)


def _set_job_disabled(turn: Turn, command: commands.SetJobDisabled) -> None:
    job = _job(turn, command.job_name)
    if job.disabled == command.disabled:
        return
    turn.put_job(msgspec.structs.replace(job, disabled=command.disabled))
    if command.disabled:
        _halt(turn, command.job_name, DropReason.DISABLED, "The job was disabled.")
    elif turn.state.is_enabled(command.job_name):
        _take_up(turn, command.job_name)


def _trigger_job(turn: Turn, job_name: str) -> None:
    job = _job(turn, job_name)
    if job.configuration.is_daemon:
        message = f"Job '{job_name}' is a DAEMON job: it runs all the time, and cannot be triggered."
        raise InvalidRequestError(message)
    if not turn.state.is_enabled(job_name):
        what = (
            "is disabled"
            if job.disabled
            else f"belongs to app '{job.configuration.app_name}', which is disabled"
        )
        message = f"Job '{job_name}' {what}; enable it first."
        raise ConflictError(message)
    settle_due(turn, job_name)  # an earlier fire goes first
    trigger_job(turn, job_name)


def _take_up(turn: Turn, job_name: str) -> None:
    job = turn.state.jobs[job_name]
    if job.configuration.is_daemon:
        start_daemon(turn, job_name)
    elif job.configuration.cron:
        # A clock that was set backwards never repeats a fire, whatever is done to the job meanwhile (promise 10).
        after_ms = max(turn.now_ms, turn.state.schedules.get(job_name, 0))
        turn.put_schedule(job_name, after_ms)
        note_if_ahead(turn, job_name)
        schedule(turn, job, after_ms)


def _halt(turn: Turn, job_name: str, drop_reason: DropReason, reason: str) -> None:
    settle_due(turn, job_name)
    turn.state.triggers.remove(job_name)
    turn.state.ahead.pop(job_name, None)
    drop_waiting(turn, job_name, drop_reason)
    stop_run(turn, job_name, reason)


def _schedule_of(turn: Turn, configuration: JobConfiguration) -> tuple[str, str]:
    return configuration.cron, configuration.time_zone or turn.settings.time_zone


def _check_schedule(turn: Turn, configuration: JobConfiguration) -> None:
    try:
        zone = zone_of(turn, configuration)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        problem = f"'{configuration.time_zone[:100]}' is no IANA time zone, such as Asia/Shanghai."
        raise InvalidRequestError.of(FieldError("timeZone", problem)) from error
    if not configuration.cron:
        return
    try:
        cron = CronExpression.parse(configuration.cron)
    except InvalidCronError as error:
        raise InvalidRequestError.of(FieldError("cron", str(error))) from error
    if cron.next_fire_ms(turn.now_ms, zone) is None:
        problem = "never fires again; give one with a future fire time."
        raise InvalidRequestError.of(FieldError("cron", problem))


def _app(turn: Turn, app_name: str) -> AppRecord:
    app = turn.state.apps.get(app_name)
    if app is None:
        message = f"There is no app '{app_name}'. Publish it with POST /api/app."
        raise NotFoundError(message)
    if app.removing:
        message = f"App '{app_name}' is being removed."
        raise ConflictError(message)
    return app


def _job(turn: Turn, job_name: str) -> JobRecord:
    job = turn.state.jobs.get(job_name)
    if job is None:
        message = f"There is no job '{job_name}'. Register it with POST /api/job/register."
        raise NotFoundError(message)
    return job
