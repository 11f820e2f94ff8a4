"""Records to rows and back. A row is a tuple in the order of its table's columns.

This is the busiest code of the store: hence plain tuples, and `_value_`, which is an enum's text without the descriptor
that `value` goes through.
"""

import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from elasticjob_cloud.model.app import AppConfiguration
from elasticjob_cloud.model.excerpt import excerpt
from elasticjob_cloud.model.fire import FireSource, FireState
from elasticjob_cloud.model.job import JobConfiguration
from elasticjob_cloud.model.records import (
    AppRecord,
    ExecutionTrace,
    FailoverRecord,
    FireRecord,
    JobRecord,
    ScheduleSpans,
    StatusTrace,
    TaskRecord,
)
from elasticjob_cloud.model.task import TaskState, TaskType

Row = tuple[Any, ...]

_encode = msgspec.json.Encoder().encode
_decode_app = msgspec.json.Decoder(AppConfiguration).decode
_decode_job = msgspec.json.Decoder(JobConfiguration).decode
_decode_spans = msgspec.json.Decoder(ScheduleSpans).decode
_set = msgspec.structs.force_setattr
_FIRE_SOURCES: Final = {member.value: member for member in FireSource}
_FIRE_STATES: Final = {member.value: member for member in FireState}
_TASK_TYPES: Final = {member.value: member for member in TaskType}
_TASK_STATES: Final = {member.value: member for member in TaskState}
_SOURCE, _FIRE_STATE, _CONFIGURATION = (
    FireRecord.__struct_fields__.index(name) for name in ("source", "state", "configuration")
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
    return (
        record.fire_id,
        record.job_name,
        record.source._value_,
        record.due_ms,
        record.state._value_,
        record.recorded_ms,
        storable_text(record.reason),
        record.count,
        record.last_due_ms,
        record.started_ms,
        record.ended_ms,
        record.failed_tasks,
        "" if record.configuration is None else _encode(record.configuration).decode(),
    )


def fire_record(row: Sequence[Any]) -> FireRecord:
    fields = list(row)
    fields[_SOURCE] = _FIRE_SOURCES[fields[_SOURCE]]
    fields[_FIRE_STATE] = _FIRE_STATES[fields[_FIRE_STATE]]
    fields[_CONFIGURATION] = _decode_job(fields[_CONFIGURATION]) if fields[_CONFIGURATION] else None
    return FireRecord(*fields)


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
