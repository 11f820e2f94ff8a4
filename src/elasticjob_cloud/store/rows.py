"""Records to rows and back. A row is a tuple in the order of its table's columns.

This is the busiest code of the store: hence plain tuples, and `_value_`, which is an enum's text without the descriptor
that `value` goes through.
"""

import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.output.excerpt import excerpt
from elasticjob_cloud.model.records import (
    AppRecord,
    AttemptEnd,
    ExecutionTrace,
    FailoverRecord,
    FireRecord,
    JobRecord,
    PastKey,
    ScheduleSpans,
    StatusTrace,
    TaskRecord,
)
from elasticjob_cloud.model.task import TaskState, TaskType
from elasticjob_cloud.store.tables import NO_EXIT_CODE

Row = tuple[Any, ...]

# The kinds of `result_count`: results that the states of tasks do not tell, in each minute, for statistics and overview.
RAISED: Final = "RAISED"  # tasks that finished although their execution failed
DAEMON_SUCCEEDED: Final = "DAEMON_SUCCEEDED"  # executions of daemon jobs
DAEMON_FAILED: Final = "DAEMON_FAILED"
RUN_SUCCEEDED: Final = "RUN_SUCCEEDED"  # runs of all other jobs
RUN_FAILED: Final = "RUN_FAILED"

_encode = msgspec.json.Encoder().encode
_decode_app = msgspec.json.Decoder(AppConfiguration).decode
_decode_job = msgspec.json.Decoder(JobConfiguration).decode
_decode_spans = msgspec.json.Decoder(ScheduleSpans).decode
_decode_items = msgspec.json.Decoder(tuple[int, ...]).decode
_set = msgspec.structs.force_setattr
_FIRE_SOURCES: Final = {member.value: member for member in FireSource}
_FIRE_STATES: Final = {member.value: member for member in FireState}
_TASK_TYPES: Final = {member.value: member for member in TaskType}
_TASK_STATES: Final = {member.value: member for member in TaskState}
_OUTCOMES: Final = {"": None, **{member.value: member for member in RunState}}
# Versions before these sources read and write this one instead; `run_source` keeps the right one.
_STORED_SOURCES: Final = {FireSource.RERUN: FireSource.TRIGGER, FireSource.MISFIRE: FireSource.CRON}
_SOURCE, _FIRE_STATE, _CONFIGURATION, _OUTCOME, _ITEMS = (
    FireRecord.__struct_fields__.index(name)
    for name in ("source", "state", "configuration", "outcome", "items")
)
_TYPE, _STATE, _IDLE, _IS_SCRIPT = (
    TaskRecord.__struct_fields__.index(name) for name in ("type", "state", "idle", "is_script")
)


def storable_text(text: str) -> str:
    """Give free text as every database takes it: bounded, without NUL and lone surrogates.

    Such text comes from job code. One message that cannot be stored would otherwise fail the commit of all others.
    """
    if not text:  # nearly always
        return text
    text = excerpt(text)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def app_row(app_name: str, record: AppRecord) -> Row:
    return (app_name, _encode(record.configuration).decode(), int(record.disabled), int(record.removing))


def app_record(row: Sequence[Any]) -> AppRecord:
    _, configuration, disabled, removing = row
    return AppRecord(_decode_app(configuration), bool(disabled), bool(removing))


def spans_row(job_name: str, spans: ScheduleSpans) -> Row:
    return (job_name, _encode(spans).decode())


def spans_of(row: Sequence[Any]) -> ScheduleSpans:
    return _decode_spans(row[1])


def job_row(job_name: str, record: JobRecord) -> Row:
    return (job_name, _encode(record.configuration).decode(), int(record.disabled), record.since_ms)


def job_record(row: Sequence[Any]) -> JobRecord:
    _, text, disabled, since_ms = row
    configuration = _decode_job(text)
    # A hundred thousand jobs name a few apps, crons and zones.
    _set(configuration, "app_name", sys.intern(configuration.app_name))
    _set(configuration, "cron", sys.intern(configuration.cron))
    _set(configuration, "time_zone", sys.intern(configuration.time_zone))
    return JobRecord(configuration, bool(disabled), since_ms)


def fire_row(record: FireRecord) -> Row:
    stored_source = _STORED_SOURCES.get(record.source)
    return (
        record.fire_id,
        record.job_name,
        (stored_source or record.source)._value_,
        record.due_ms,
        record.state._value_,
        record.recorded_ms,
        storable_text(record.reason),
        record.count,
        record.last_due_ms,
        record.started_ms,
        record.ended_ms,
        record.failed_tasks,
        "" if record.configuration is None else configuration_text(record.configuration),
        record.app_name,
        "" if record.outcome is None else record.outcome._value_,
        record.shard_total,
        record.succeeded_shards,
        record.killed_shards,
        storable_text(record.summary),
        storable_text(record.triggered_by),
        record.rerun_of,
        storable_text(record.idempotency_key),
        _encode(record.items).decode() if record.items else "",
        record.source._value_ if stored_source else "",
    )


def fire_record(row: Sequence[Any]) -> FireRecord:
    *fields, run_source = row
    fields[_SOURCE] = _FIRE_SOURCES[run_source or fields[_SOURCE]]
    fields[_FIRE_STATE] = _FIRE_STATES[fields[_FIRE_STATE]]
    fields[_CONFIGURATION] = configuration_of(fields[_CONFIGURATION]) if fields[_CONFIGURATION] else None
    fields[_OUTCOME] = _OUTCOMES[fields[_OUTCOME]]
    fields[_ITEMS] = _decode_items(fields[_ITEMS]) if fields[_ITEMS] else ()
    return FireRecord(*fields)


def configuration_text(configuration: JobConfiguration) -> str:
    return _encode(configuration).decode()


def configuration_of(text: str) -> JobConfiguration:
    return _decode_job(text)


def past_configuration_row(key: PastKey, configuration: JobConfiguration) -> Row:
    return (*key, configuration_text(configuration))


def task_row(record: TaskRecord) -> Row:
    return (
        record.task_id,
        record.fire_id,
        record.job_name,
        record.app_name,
        record.item,
        record.type._value_,
        record.agent_id,
        record.state._value_,
        record.staged_ms,
        record.cpu_count,
        record.memory_mb,
        record.attempt,
        record.original_task_id,
        storable_text(record.kill_reason),
        int(record.idle),
        record.running_ms,
        int(record.is_script),
    )


def task_record(row: Sequence[Any]) -> TaskRecord:
    fields = list(row)
    fields[_TYPE] = _TASK_TYPES[fields[_TYPE]]
    fields[_STATE] = _TASK_STATES[fields[_STATE]]
    fields[_IDLE] = bool(fields[_IDLE])
    fields[_IS_SCRIPT] = bool(fields[_IS_SCRIPT])
    return TaskRecord(*fields)


def failover_row(record: FailoverRecord) -> Row:
    return (
        record.fire_id,
        record.job_name,
        record.item,
        record.original_task_id,
        record.agent_id,
        record.attempt,
        record.due_ms,
    )


def failover_record(row: Sequence[Any]) -> FailoverRecord:
    return FailoverRecord(*row)


def status_trace_row(record: StatusTrace) -> Row:
    """Give the row without its id, which the database counts."""
    return (
        record.job_name,
        record.original_task_id,
        record.task_id,
        record.slave_id,
        record.source,
        record.execution_type,
        record.sharding_item,
        record.state,
        storable_text(record.message),
        record.creation_ms,
    )


def attempt_row(record: StatusTrace, end: AttemptEnd) -> Row:
    """Give the row of a task's last line, as `status_trace_row` and with how the attempt ended."""
    return (
        *status_trace_row(record),
        end.fire_id,
        end.attempt,
        end.staged_ms,
        end.running_ms,
        int(end.success),
        NO_EXIT_CODE if end.exit_code is None else end.exit_code,
        end.signal,
        storable_text(end.summary),
    )


def daemon_execution_row(record: ExecutionTrace) -> Row:
    """Give the row of an execution of a daemon job, as `execution_row` and with what its list shows."""
    return (*execution_row(record), record.app_name, storable_text(record.summary))


def execution_row(record: ExecutionTrace) -> Row:
    """Give the row without its id, which the database counts."""
    return (
        record.job_name,
        record.task_id,
        record.hostname,
        record.ip,
        record.sharding_item,
        record.execution_source,
        storable_text(record.failure_cause),
        int(record.is_success),
        record.start_ms,
        record.complete_ms,
    )
