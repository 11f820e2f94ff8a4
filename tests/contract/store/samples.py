"""Plain records of every kind, for tests that care about one or two of their fields."""

from elasticjob_cloud.model.fire import FireSource, FireState
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.records import AppRecord, ExecutionTrace, FireRecord, StatusTrace, TaskRecord
from elasticjob_cloud.model.task import TaskState, TaskType


def app(name: str = "app") -> AppRecord:
    return AppRecord(
        AppConfiguration(app_name=name, app_url="file:///app.tar", bootstrap_script="./start.sh")
    )


def job(name: str = "job", parameter: str = "") -> JobConfiguration:
    return JobConfiguration(
        job_name=name,
        app_name="app",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=1,
        cpu_count=0.1,
        memory_mb=64,
        job_parameter=parameter,
    )


def fire(
    fire_id: int, state: FireState = FireState.RUNNING, recorded_ms: int = 1000, ended_ms: int = 0
) -> FireRecord:
    return FireRecord(fire_id, "job", FireSource.CRON, 1000, state, recorded_ms, ended_ms=ended_ms)


def task(task_id: str, fire_id: int = 1) -> TaskRecord:
    return TaskRecord(
        task_id, fire_id, "job", "app", 0, TaskType.READY, "agent", TaskState.STAGING, 1000, 0.5, 64.0
    )


def status_trace(
    task_id: str,
    creation_ms: int = 1000,
    *,
    job_name: str = "job",
    state: str = "TASK_STAGING",
    message: str = "",
    slave_id: str = "agent",
    source: str = "CLOUD_SCHEDULER",
    execution_type: str = "READY",
) -> StatusTrace:
    return StatusTrace(
        job_name, "", task_id, slave_id, source, execution_type, 0, state, message, creation_ms
    )


def execution(
    task_id: str,
    start_ms: int = 1000,
    *,
    job_name: str = "job",
    is_success: bool = True,
    failure_cause: str = "",
    ip: str = "10.0.0.1",
) -> ExecutionTrace:
    return ExecutionTrace(
        job_name, task_id, "host", ip, 0, "NORMAL_TRIGGER", failure_cause, is_success, start_ms, start_ms + 5
    )
