"""What is checked before a command changes anything."""

from zoneinfo import ZoneInfoNotFoundError

from elasticjob_cloud.cron import CronExpression, InvalidCronError
from elasticjob_cloud.model.errors import ConflictError, FieldError, InvalidRequestError, NotFoundError
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.records import AppRecord, JobRecord
from elasticjob_cloud.scheduling.state.turn import Turn


def check_changed_schedule(turn: Turn, old: JobConfiguration, new: JobConfiguration) -> None:
    """Refuse a new schedule that could never fire; the old one may have fired for the last time."""
    default = turn.settings.time_zone
    if (new.cron, new.time_zone or default) != (old.cron, old.time_zone or default):
        check_schedule(turn, new)


def check_schedule(turn: Turn, configuration: JobConfiguration) -> None:
    """Refuse a schedule that could never fire.

    Raises:
        InvalidRequestError: there is no such zone, the cron is none, or it never fires again.
    """
    try:
        zone = turn.settings.zone_of(configuration)
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


def app_of(turn: Turn, app_name: str) -> AppRecord:
    """Give an app that can be changed and used.

    Raises:
        NotFoundError: there is no such app.
        ConflictError: it is being removed.
    """
    app = turn.state.apps.get(app_name)
    if app is None:
        message = f"There is no app '{app_name}'. Publish it with POST /api/app."
        raise NotFoundError(message)
    if app.removing:
        message = f"App '{app_name}' is being removed."
        raise ConflictError(message)
    return app


def job_of(turn: Turn, job_name: str) -> JobRecord:
    """Give a registered job.

    Raises:
        NotFoundError: there is no such job.
    """
    job = turn.state.jobs.get(job_name)
    if job is None:
        message = f"There is no job '{job_name}'. Register it with POST /api/job/register."
        raise NotFoundError(message)
    return job
