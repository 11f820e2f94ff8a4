"""How the rows of a turn are written: SQL text compiled once, and tuples."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    bindparam,
    case,
    insert,
    update,
)

from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.records import (
    AppRecord,
    Changes,
    ExecutionTrace,
    FailoverKey,
    FailoverRecord,
    JobRecord,
    ScheduleSpans,
    StatusTrace,
    TaskRecord,
)
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.store import lease, rows, tables
from elasticjob_cloud.store.alerts.writer import AlertsWriter
from elasticjob_cloud.store.databases.batch import Batch
from elasticjob_cloud.store.databases.conflicts import add_counts, insert_new, upsert
from elasticjob_cloud.store.databases.database import Database
from elasticjob_cloud.store.keyed import KeyedTable, single_key
from elasticjob_cloud.store.rows import Row

NEXT_FIRE_ID: Final = "next_fire_id"
_MINUTE_MS: Final = min(tables.SPANS_MS)
_FINISHED: Final = TaskState.FINISHED.value
_RUN_KINDS: Final = {RunState.SUCCEEDED: rows.RUN_SUCCEEDED, RunState.FAILED: rows.RUN_FAILED}


class ChangesWriter:
    """Writes a `Changes` in a batch, whose transaction is its caller's. It holds SQL text, and nothing else."""

    def __init__(self, database: Database) -> None:
        self._apps = KeyedTable[str, AppRecord](database, tables.app, rows.app_row, single_key)
        self._jobs = KeyedTable[str, JobRecord](database, tables.job, rows.job_row, single_key)
        self._schedules = KeyedTable[str, int](database, tables.schedule, _pair, single_key)
        self._spans = KeyedTable[str, ScheduleSpans](
            database, tables.schedule_span, rows.spans_row, single_key
        )
        self._sequences = KeyedTable[str, int](database, tables.agent_sequence, _pair, single_key)
        self._tasks = KeyedTable[str, TaskRecord](
            database, tables.task, lambda _, record: rows.task_row(record), single_key
        )
        self._failovers = KeyedTable[FailoverKey, FailoverRecord](
            database, tables.failover, lambda _, record: rows.failover_row(record), tuple
        )
        put_fire = upsert(database, tables.fire, lasting=tables.LASTING_OF_FIRE)
        self._fires = database.insert_many(put_fire, list(tables.fire.c))
        self._past = database.insert_many(
            insert_new(database, tables.past_configuration), list(tables.past_configuration.c)
        )
        traces, executions = tables.job_status_trace_log, tables.job_execution_log
        # What only some rows have costs the others nothing.
        self._status_traces = _log_writer(database, traces, tables.upstream_columns(traces))
        self._attempt_ends = _log_writer(database, traces, list(traces.c))
        self._executions = _log_writer(database, executions, tables.upstream_columns(executions))
        self._daemon_executions = _log_writer(database, executions, list(executions.c))
        self._trace_counts = _counts_writer(database, tables.status_trace_count)
        self._execution_counts = _counts_writer(database, tables.execution_count)
        self._alerts = AlertsWriter(database)
        self._result_counts = _counts_writer(database, tables.result_count)
        self._leads = database.text_of(lease.holder_query(bindparam("epoch")), ["epoch"])
        self._add = _counter_text(database, tables.counter.c.value + bindparam("amount"), ["amount"])
        # A CASE, because the greater of two values is MAX here and GREATEST there.
        at_least = case(
            (tables.counter.c.value < bindparam("low"), bindparam("least")), else_=tables.counter.c.value
        )
        self._raise = _counter_text(database, at_least, ["low", "least"])

    def write(self, batch: Batch, epoch: int, changes: Changes) -> None:
        """Write all rows, if `epoch` is the leader's; the batch ends with `UnmetError` if not.

        Nobody can take the lead from then on until the transaction ends.
        """
        batch.require(self._leads, (epoch,))
        self._apps.write(batch, changes.apps)
        self._jobs.write(batch, changes.jobs)
        # The first one holds: what a job was between two changes without a fire in between, no run knows.
        batch.execute_many(
            self._past,
            [rows.past_configuration_row(*past) for past in changes.past_configurations.items()],
        )
        self._schedules.write(batch, changes.schedules)
        self._spans.write(batch, changes.spans)
        self._sequences.write(batch, changes.sequences)
        self._tasks.write(batch, changes.tasks)
        self._failovers.write(batch, changes.failovers)
        if changes.fires:
            batch.execute_many(self._fires, [rows.fire_row(record) for record in changes.fires.values()])
            following = max(changes.fires) + 1
            batch.execute(self._raise, (following, following, NEXT_FIRE_ID))
        self._write_status_traces(batch, changes.status_traces)
        self._write_executions(batch, changes.executions)
        if changes.alerts:
            self._alerts.write(batch, changes.alerts)
        self._write_results(batch, changes)

    def _write_status_traces(self, batch: Batch, traces: list[StatusTrace]) -> None:
        if not traces:
            return
        # Ids follow the order in time: an attempt's end comes after what the task was before.
        batch.execute_many(
            self._status_traces, [rows.status_trace_row(it) for it in traces if it.attempt_end is None]
        )
        batch.execute_many(
            self._attempt_ends,
            [rows.attempt_row(it, it.attempt_end) for it in traces if it.attempt_end is not None],
        )
        minutes = Counter(
            [(it.creation_ms // _MINUTE_MS, it.source, it.execution_type, it.state) for it in traces]
        )
        batch.execute_many(self._trace_counts, _in_spans(minutes))
        self.add_to_counter(batch, tables.job_status_trace_log.name, len(traces))

    def _write_executions(self, batch: Batch, executions: list[ExecutionTrace]) -> None:
        if not executions:
            return
        batch.execute_many(self._executions, [rows.execution_row(it) for it in executions if not it.app_name])
        batch.execute_many(
            self._daemon_executions, [rows.daemon_execution_row(it) for it in executions if it.app_name]
        )
        minutes = Counter([(it.start_ms // _MINUTE_MS, int(it.is_success)) for it in executions])
        batch.execute_many(self._execution_counts, _in_spans(minutes))
        self.add_to_counter(batch, tables.job_execution_log.name, len(executions))

    def _write_results(self, batch: Batch, changes: Changes) -> None:
        """Count the results that the states of tasks do not tell."""
        results = Counter(
            [
                (trace.creation_ms // _MINUTE_MS, rows.RAISED)
                for trace in changes.status_traces
                if trace.attempt_end is not None
                and not trace.attempt_end.success
                and trace.state == _FINISHED
            ]
        )
        results.update(
            (it.complete_ms // _MINUTE_MS, rows.DAEMON_SUCCEEDED if it.is_success else rows.DAEMON_FAILED)
            for it in changes.executions
            if it.app_name
        )
        results.update(
            (fire.ended_ms // _MINUTE_MS, kind)
            for fire in changes.fires.values()
            if fire.state is FireState.COMPLETED
            and fire.source is not FireSource.DAEMON
            and (kind := _RUN_KINDS.get(fire.run_state))
        )
        if results:
            counted = [(minute * _MINUTE_MS, kind, count) for (minute, kind), count in results.items()]
            batch.execute_many(self._result_counts, counted)

    def add_to_counter(self, batch: Batch, name: str, amount: int) -> None:
        """Keep the number of a trace table's rows, in the transaction that changes the rows."""
        batch.execute(self._add, (amount, name))


def _in_spans(minutes: Mapping[tuple[Any, ...], int]) -> list[Row]:
    """Give the rows that count so many by the minute's number and more, for each length of time that is counted."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for span_ms in tables.SPANS_MS:
        for (minute, *key), count in minutes.items():
            counts[span_ms, minute * _MINUTE_MS // span_ms * span_ms, *key] += count
    return [(*key, count) for key, count in counts.items()]


_WRITERS: dict[type[Database], ChangesWriter] = {}


def writer_for(database: Database) -> ChangesWriter:
    """Give the writer for this kind of database: the text takes longer to make than to open a store."""
    kind = type(database)
    if kind not in _WRITERS:
        _WRITERS[kind] = ChangesWriter(database)
    return _WRITERS[kind]


def _pair(key: str, value: int) -> Row:
    return (key, value)


def _log_writer(database: Database, table: Table, columns: list[Column[Any]]) -> str:
    columns = [column for column in columns if column.name != "id"]  # the database counts it
    statement = insert(table).values({column.name: bindparam(column.name) for column in columns})
    return database.insert_many(statement, columns)


def _counts_writer(database: Database, table: Table) -> str:
    return database.insert_many(add_counts(database, table), list(table.c))


def _counter_text(database: Database, value: ColumnElement[int], order: list[str]) -> str:
    counter = tables.counter
    statement = update(counter).where(counter.c.name == bindparam("counter")).values(value=value)
    return database.text_of(statement, [*order, "counter"])
