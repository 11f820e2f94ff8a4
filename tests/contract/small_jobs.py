"""The configurations of a small app and of a small job of it."""

from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType


def app(name: str = "app") -> AppConfiguration:
    return AppConfiguration(app_name=name, app_url="http://a/b.sh", bootstrap_script="b")


def job(name: str = "job", app_name: str = "app", *, daemon: bool = False) -> JobConfiguration:
    return JobConfiguration(
        job_name=name,
        app_name=app_name,
        job_execution_type=JobExecutionType.DAEMON if daemon else JobExecutionType.TRANSIENT,
        sharding_total_count=1,
        cpu_count=0.1,
        memory_mb=1.0,
    )
