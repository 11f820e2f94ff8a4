"""Changes of apps and jobs."""

from elasticjob_cloud.model.records import AppRecord, JobRecord
from elasticjob_cloud.scheduling.state.part import TurnPart


class ConfigurationChanges(TurnPart):
    """Changes what is published and registered."""

    __slots__ = ()

    def put_app(self, app: AppRecord) -> None:
        """Record an app."""
        self._state.apps[app.configuration.app_name] = app
        self._rows.apps[app.configuration.app_name] = app

    def drop_app(self, app_name: str) -> None:
        """Delete an app."""
        del self._state.apps[app_name]
        self._rows.apps[app_name] = None

    def put_job(self, job: JobRecord) -> None:
        """Record a job."""
        self._state.put_job(job)
        self._rows.jobs[job.configuration.job_name] = job

    def drop_job(self, job_name: str) -> None:
        """Delete a job's configuration."""
        self._state.drop_job(job_name)
        self._rows.jobs[job_name] = None
