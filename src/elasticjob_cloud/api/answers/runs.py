"""Runs as callers see them: one form, whether a run waits, runs or has ended."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from elasticjob_cloud.api.answers.views import shown_time
from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.jobs.sharding import ShardingParameterError, parse_sharding_item_parameters
from elasticjob_cloud.model.masking import mask_configuration, mask_message, mask_text
from elasticjob_cloud.model.queries.runs import ENDED_STATES, DaemonExecution, Run, RunDetail, ShardAttempt
from elasticjob_cloud.model.queries.shards import shard_state

_ENDS_OF_SHARDS: Final = frozenset(ENDED_STATES)


class Shard(NamedTuple):
    """A shard of a run, with the attempts at it, the first one first."""

    item: int
    parameter: str
    state: RunState
    attempts: list[ShardAttempt]


def run_view(run: Run, zone: dt.tzinfo, *, with_shards: bool = False) -> dict[str, Any]:
    """Show a run. Times that have not come are null; secrets in texts are `***`."""
    shards = {"shardStates": run.shard_states} if with_shards else {}
    return {
        "runId": run.run_id,
        "jobName": run.job_name,
        "appName": run.app_name,
        "source": run.source.value,
        "dueTime": shown_time(run.due_ms, zone),
        "startTime": _time_or_none(run.start_ms, zone),
        "endTime": _time_or_none(run.end_ms, zone),
        "state": run.state.value,
        "reason": mask_message(run.reason),
        "shards": msgspec.to_builtins(run.shards),
        "summary": mask_message(run.summary),
        "triggeredBy": run.triggered_by,
        "rerunOf": run.rerun_of or None,
        "count": run.count,
        "lastDueTime": shown_time(run.last_due_ms or run.due_ms, zone),
        **shards,
    }


def configuration_view(
    configuration: JobConfiguration | None, *, shows_secrets: bool
) -> dict[str, Any] | None:
    """Show what a run was started with; null where nobody knows it any more."""
    if configuration is None:
        return None
    fields: dict[str, Any] = msgspec.to_builtins(configuration)
    return fields if shows_secrets else mask_configuration(fields)


def shards_of(detail: RunDetail) -> list[Shard]:
    """Give the shards of a run, by item."""
    attempts: dict[int, list[ShardAttempt]] = {}
    for attempt in detail.attempts:
        attempts.setdefault(attempt.item, []).append(attempt)
    parameters = _parameters_of(detail.configuration)
    waiting = frozenset(detail.waiting_items)
    return [
        Shard(item, parameters.get(item, ""), _state_of(detail.run, own, is_waiting=item in waiting), own)
        for item in _items_of(detail, attempts)
        for own in (attempts.get(item, []),)
    ]


def shard_view(shard: Shard, zone: dt.tzinfo, *, shows_secrets: bool) -> dict[str, Any]:
    """Show a shard and the attempts at it."""
    return {
        "item": shard.item,
        "parameter": shard.parameter if shows_secrets else mask_text(shard.parameter),
        "state": shard.state.value,
        "attempts": [_attempt_view(attempt, zone) for attempt in shard.attempts],
    }


def daemon_execution_view(execution: DaemonExecution, zone: dt.tzinfo) -> dict[str, Any]:
    """Show an execution of a daemon job."""
    return {
        "executionId": execution.execution_id,
        "jobName": execution.job_name,
        "appName": execution.app_name,
        "source": "DAEMON",
        "taskId": execution.task_id,
        "item": execution.item,
        "hostname": execution.hostname,
        "ip": execution.ip,
        "startTime": shown_time(execution.start_ms, zone),
        "endTime": _time_or_none(execution.end_ms, zone),
        "state": execution.state.value,
        "summary": mask_message(execution.summary),
        "detail": mask_message(execution.detail),
    }


def _attempt_view(attempt: ShardAttempt, zone: dt.tzinfo) -> dict[str, Any]:
    return {
        "taskId": attempt.task_id,
        "agentId": attempt.agent_id,
        "attempt": attempt.attempt,
        "stagedTime": _time_or_none(attempt.staged_ms, zone),
        "startTime": _time_or_none(attempt.start_ms, zone),
        "endTime": _time_or_none(attempt.end_ms, zone),
        "state": attempt.state.value,
        "success": attempt.success,
        "exitCode": attempt.exit_code,
        "signal": attempt.signal or None,
        "summary": mask_message(attempt.summary),
        "detail": mask_message(attempt.detail),
    }


def _time_or_none(epoch_ms: int, zone: dt.tzinfo) -> str | None:
    return shown_time(epoch_ms, zone) if epoch_ms else None


def _items_of(detail: RunDetail, attempts: dict[int, list[ShardAttempt]]) -> Sequence[int]:
    """Give the shards that the run has, or, where its configuration is gone, those that anything is known of.

    Of runs of earlier versions that is none: what became of a shard is not known.
    """
    if not attempts and detail.run.state in _ENDS_OF_SHARDS - {RunState.DROPPED}:
        return ()
    if detail.items:
        return detail.items
    total = detail.run.shards.total
    if detail.configuration is not None:
        total = total or detail.configuration.sharding_total_count
    return range(total) if total else sorted({*attempts, *detail.waiting_items})


def _parameters_of(configuration: JobConfiguration | None) -> dict[int, str]:
    if configuration is None:
        return {}
    try:
        return parse_sharding_item_parameters(
            configuration.sharding_item_parameters, configuration.sharding_total_count
        )
    except ShardingParameterError:  # what an earlier version took
        return {}


def _state_of(run: Run, attempts: Sequence[ShardAttempt], *, is_waiting: bool) -> RunState:
    last = (attempts[-1].state, attempts[-1].success) if attempts else None
    return shard_state(run.state, last, is_waiting=is_waiting)
