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
        """Record a job, and what it was before: earlier runs show that."""
        name = job.configuration.job_name
        before = self._state.jobs.get(name)
        if before is not None and before.configuration != job.configuration:
            self._keep_past(before)
        self._state.put_job(job)
        self._rows.jobs[name] = job

    def drop_job(self, job_name: str) -> None:
        """Delete a job's configuration; its runs still show it."""
        self._keep_past(self._state.jobs[job_name])
        self._state.drop_job(job_name)
        self._rows.jobs[job_name] = None

    def _keep_past(self, job: JobRecord) -> None:
        # The first one of a turn holds: no run knows what came after it.
        key = (job.configuration.job_name, self._state.next_fire_id)
        self._rows.past_configurations.setdefault(key, job.configuration)
