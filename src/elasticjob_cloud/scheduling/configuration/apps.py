"""What commands do to apps. Each checks everything first, and raises before it changes anything."""

import msgspec

from elasticjob_cloud.model.alerting.rule import APP_PREFIX
from elasticjob_cloud.model.errors import ConflictError
from elasticjob_cloud.model.fire import DropReason
from elasticjob_cloud.model.records import AppRecord
from elasticjob_cloud.scheduling import commands
from elasticjob_cloud.scheduling.configuration.checks import app_of
from elasticjob_cloud.scheduling.configuration.jobs import halt, remove_job, take_up
from elasticjob_cloud.scheduling.runs.launching import look_for_room
from elasticjob_cloud.scheduling.state.turn import Turn


def publish_app(turn: Turn, command: commands.PublishApp) -> None:
    """Publish a new app."""
    name = command.configuration.app_name
    app = turn.state.apps.get(name)
    if app is not None and app.removing:
        message = f"App '{name}' is being removed, and its tasks still end. Try again in a moment."
        raise ConflictError(message)
    if app is not None:
        message = f"App '{name}' exists already. Change it with PUT /api/app, or delete it first."
        raise ConflictError(message)
    turn.configuration.put_app(AppRecord(command.configuration, disabled=command.disabled))


def update_app(turn: Turn, command: commands.UpdateApp) -> None:
    """Change the given fields of an app."""
    app = app_of(turn, command.app_name)
    changed = msgspec.structs.replace(app.configuration, **command.changes)
    turn.configuration.put_app(msgspec.structs.replace(app, configuration=changed))
    for job_name in turn.state.jobs_of_app.get(command.app_name, ()):
        look_for_room(turn, job_name)
    turn.free_room()  # for shards that wait to be started again
    if command.disabled is not None:
        set_app_disabled(turn, command.app_name, disabled=command.disabled)


def set_app_disabled(turn: Turn, app_name: str, *, disabled: bool) -> None:
    """Stop scheduling an app's jobs and kill their tasks, or take them up again."""
    app = app_of(turn, app_name)
    if app.disabled == disabled:
        return
    turn.configuration.put_app(msgspec.structs.replace(app, disabled=disabled))
    for job_name in turn.state.jobs_of_app.get(app_name, ()):
        if disabled:
            halt(turn, job_name, DropReason.DISABLED, f"App '{app_name}' was disabled.")
        elif turn.state.is_enabled(job_name):
            take_up(turn, job_name)


def delete_app(turn: Turn, app_name: str) -> None:
    """Remove an app and its jobs, kill their tasks, stop its executors."""
    app = app_of(turn, app_name)
    for job_name in list(turn.state.jobs_of_app.get(app_name, ())):
        remove_job(turn, job_name)
    turn.alerts.drop_rule(APP_PREFIX + app_name, turn.now_ms)
    turn.configuration.put_app(msgspec.structs.replace(app, removing=True))
    if app_name not in turn.state.tasks_of_app:
        turn.remove_app(app_name)
