"""One task as its page shows it."""

import datetime as dt
from typing import Any

from elasticjob_cloud.api.answers.views import shown_time
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.jobs.sharding import ShardingParameterError, parse_sharding_item_parameters
from elasticjob_cloud.model.masking import mask_message, mask_text
from elasticjob_cloud.model.queries.tasks import TaskDetail, TaskTrace


def task_view(task: TaskDetail, zone: dt.tzinfo, *, shows_secrets: bool) -> dict[str, Any]:
    """Show a task. What is not known, or has not come, is null; secrets are `***` unless they are to be shown."""
    return {
        "taskId": task.task_id,
        "jobName": task.job_name,
        "appName": task.app_name or None,
        "runId": task.run_id or None,
        "item": task.item,
        "parameter": _parameter(task, shows_secrets=shows_secrets),
        "type": task.type,
        "daemon": task.is_daemon,
        "attempt": task.attempt or None,
        "agentId": task.agent_id,
        "hostname": task.hostname or None,
        "ip": task.ip or None,
        "state": task.state.value,
        "idle": task.is_idle,
        "stagedTime": _time_or_none(task.staged_ms, zone),
        "startTime": _time_or_none(task.start_ms, zone),
        "endTime": _time_or_none(task.end_ms, zone),
        "success": task.success,
        "exitCode": task.exit_code,
        "signal": task.signal or None,
        "summary": mask_message(task.summary),
        "detail": mask_message(task.detail),
        "killReason": mask_message(task.kill_reason),
        "originalTaskId": task.original_task_id or None,
        "originalSummary": mask_message(task.original_summary),
        "laterTaskIds": list(task.later_task_ids),
        "traces": [_trace_view(trace, zone) for trace in task.traces],
        "tracesComplete": task.has_all_traces,
    }


def _trace_view(trace: TaskTrace, zone: dt.tzinfo) -> dict[str, Any]:
    return {
        "time": shown_time(trace.time_ms, zone),
        "state": trace.state.value,
        "source": trace.source,
        "message": mask_message(trace.message),
    }


def _parameter(task: TaskDetail, *, shows_secrets: bool) -> str | None:
    if task.configuration is None:
        return None
    parameter = _parameters(task.configuration).get(task.item, "")
    return parameter if shows_secrets else mask_text(parameter)


def _parameters(configuration: JobConfiguration) -> dict[int, str]:
    try:
        return parse_sharding_item_parameters(
            configuration.sharding_item_parameters, configuration.sharding_total_count
        )
    except ShardingParameterError:  # what an earlier version took
        return {}


def _time_or_none(epoch_ms: int, zone: dt.tzinfo) -> str | None:
    return shown_time(epoch_ms, zone) if epoch_ms else None
