"""Whether the scheduler would take a job: what the command checks, without the change."""

from elasticjob_cloud.model.errors import ConflictError, FieldError, InvalidRequestError, NotFoundError
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.service.port import SchedulerPort


async def check_new_job(scheduler: SchedulerPort, configuration: JobConfiguration) -> None:
    """Check what only the scheduler knows about a job that is to be registered.

    Raises:
        NotFoundError: there is no such app.
        ConflictError: the name is taken.
    """
    await scheduler.app(configuration.app_name)
    try:
        await scheduler.job(configuration.job_name)
    except NotFoundError:
        return
    message = f"Job '{configuration.job_name}' exists already. Change it with PUT /api/job/update."
    raise ConflictError(message)


async def check_changed_job(scheduler: SchedulerPort, configuration: JobConfiguration) -> None:
    """Check what only the scheduler knows about a job that is to be changed.

    Raises:
        NotFoundError: there is no such job.
        InvalidRequestError: it would change its app.
    """
    stored = (await scheduler.job(configuration.job_name)).configuration
    if configuration.app_name != stored.app_name:
        problem = f"cannot be changed from '{stored.app_name}'; deregister the job and register it again."
        raise InvalidRequestError.of(FieldError("appName", problem))
    await scheduler.app(configuration.app_name)
