"""Questions about one task, and their answers (`GET /job/tasks/{taskId}`). Times are epoch milliseconds (UTC)."""

import msgspec

from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.task import TaskState

TRACES_SHOWN = 200
LATER_TASKS_SHOWN = 20


class TaskTrace(msgspec.Struct, frozen=True):
    """One line of `JOB_STATUS_TRACE_LOG` about a task."""

    time_ms: int
    state: TaskState
    source: str
    message: str


class TaskDetail(msgspec.Struct, frozen=True):
    """A task, whether it lives or has ended. None, 0 and "" where a thing is not known or has not happened.

    `run_id`: 0 for tasks of daemon jobs, and where the task was recorded by an earlier version. `later_task_ids`: the
    attempts at the same shard after this one, at most `LATER_TASKS_SHOWN`. `traces`: oldest first; where there are more
    than `TRACES_SHOWN`, which only daemon tasks have, the latest of them, and `has_all_traces` is False.
    """

    task_id: str
    job_name: str
    app_name: str
    run_id: int
    item: int
    type: str
    attempt: int
    agent_id: str
    hostname: str
    ip: str
    state: TaskState
    success: bool | None
    staged_ms: int
    start_ms: int
    end_ms: int
    exit_code: int | None
    signal: int
    summary: str
    detail: str
    kill_reason: str
    original_task_id: str
    original_summary: str
    later_task_ids: tuple[str, ...]
    is_daemon: bool | None
    is_idle: bool
    configuration: JobConfiguration | None
    traces: list[TaskTrace]
    has_all_traces: bool
