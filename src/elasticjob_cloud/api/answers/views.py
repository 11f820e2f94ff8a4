"""What queries answer, in upstream's shapes."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from elasticjob_cloud.model.alerting.json.rule_fields import rule_fields
from elasticjob_cloud.model.alerting.rule import APP_PREFIX, JOB_PREFIX, AlertRule
from elasticjob_cloud.model.masking import mask_configuration
from elasticjob_cloud.model.messages import Sandbox
from elasticjob_cloud.model.records import AppRecord, FailoverRecord, JobRecord, TaskRecord
from elasticjob_cloud.service.port import AgentView, ReadyJob, SchedulerView

_LONG_CHARACTERS: Final = 4_000
_TIMES: Final = frozenset({"startTime", "completeTime", "creationTime"})


def app_view(
    record: AppRecord, rules: Mapping[str, AlertRule], *, shows_secrets: bool = False
) -> dict[str, Any]:
    """Show an app: its configuration by the manual's names, `disabled`, and its rule of alerts if it has one.

    Secrets are `***` unless they are to be shown.
    """
    rule = rules.get(APP_PREFIX + record.configuration.app_name)
    return _configuration_view(record, rule, shows_secrets=shows_secrets)


def job_view(
    record: JobRecord, rules: Mapping[str, AlertRule], *, shows_secrets: bool = False
) -> dict[str, Any]:
    """Show a job, as `app_view` does an app."""
    rule = rules.get(JOB_PREFIX + record.configuration.job_name)
    return _configuration_view(record, rule, shows_secrets=shows_secrets)


def is_long_job(record: JobRecord) -> bool:
    """Tell whether a job takes so long to show that a thread should do it: its secrets are looked for in every text."""
    job = record.configuration
    texts = (job.sharding_item_parameters, job.job_parameter, job.description, *job.props.values())
    return sum(map(len, texts)) > _LONG_CHARACTERS


def _configuration_view(
    record: AppRecord | JobRecord, rule: AlertRule | None, *, shows_secrets: bool
) -> dict[str, Any]:
    fields = msgspec.to_builtins(record.configuration)
    view = {**(fields if shows_secrets else mask_configuration(fields)), "disabled": record.disabled}
    return view if rule is None else {**view, "alerts": rule_fields(rule)}


def running_task_view(record: TaskRecord) -> dict[str, Any]:
    """Show a live task as upstream's task context."""
    return {
        "id": record.task_id,
        "metaInfo": {"jobName": record.job_name, "shardingItems": [record.item]},
        "type": record.type.value,
        "slaveId": record.agent_id,
        "idle": record.idle,
    }


def ready_job_view(job: ReadyJob) -> dict[str, str]:
    """Show a waiting job. `times` is a string, as upstream has it; `reason` is ours, where there is one."""
    view = {"jobName": job.job_name, "times": str(job.times)}
    return {**view, "reason": job.reason} if job.reason else view


def failover_task_view(record: FailoverRecord) -> dict[str, Any]:
    """Show a shard that waits to be started again."""
    return {
        "taskInfo": {"jobName": record.job_name, "shardingItems": [record.item]},
        "originalTaskId": record.original_task_id,
    }


def _whole(megabytes: float | None) -> int | None:
    return None if megabytes is None else int(megabytes)


def agent_view(agent: AgentView) -> dict[str, Any]:
    """Show an agent, with `lastSeen` in UTC."""
    return {
        "id": agent.agent_id,
        "hostname": agent.hostname,
        "ip": agent.ip,
        "cpusTotal": agent.cpus_total,
        "cpusUsed": agent.cpus_used,
        "memoryMBTotal": agent.memory_mb_total,
        "memoryMBUsed": agent.memory_mb_used,
        "diskFreeMB": _whole(agent.disk_free_mb),
        "diskTotalMB": _whole(agent.disk_total_mb),
        "executors": list(agent.executors),
        "taskCount": agent.task_count,
        "lastSeen": shown_time(agent.last_seen_ms, dt.UTC),
        "draining": agent.draining,
    }


def scheduler_view(scheduler: SchedulerView) -> dict[str, Any]:
    """Show a scheduler."""
    return {
        "id": scheduler.scheduler_id,
        "address": scheduler.address,
        "leader": scheduler.leader,
        "epoch": scheduler.epoch,
    }


def execution_view(row: Mapping[str, Any], zone: dt.tzinfo) -> dict[str, Any]:
    """Show a row of the executions: the table's columns, and two of them by the names of upstream's events too."""
    view = _with_times(row, zone)
    return {**view, "source": row.get("executionSource"), "success": row.get("isSuccess")}


def status_trace_view(row: Mapping[str, Any], zone: dt.tzinfo) -> dict[str, Any]:
    """Show a row of the status traces: the table's columns, and the item as upstream's events have it too (`[0]`)."""
    item = row.get("shardingItem")
    return {**_with_times(row, zone), "shardingItems": "" if item is None else f"[{item}]"}


def _with_times(row: Mapping[str, Any], zone: dt.tzinfo) -> dict[str, Any]:
    return {
        name: shown_time(value, zone) if name in _TIMES and isinstance(value, int) else value
        for name, value in row.items()
    }


def sandbox_view(sandbox: Sandbox, hostname: str) -> dict[str, Any]:
    """Show where an agent keeps an app's files, and on which machine, as upstream does."""
    return {
        "hostname": hostname,
        "agentId": sandbox.agent_id,
        "appName": sandbox.app_name,
        "path": sandbox.path,
        "taskIds": list(sandbox.task_ids),
        "sizeBytes": sandbox.size_bytes,
    }


def shown_time(epoch_ms: int, zone: dt.tzinfo) -> str:
    """Show an instant in ISO 8601, with milliseconds and the zone's offset."""
    return dt.datetime.fromtimestamp(epoch_ms / 1000, zone).isoformat(timespec="milliseconds")
