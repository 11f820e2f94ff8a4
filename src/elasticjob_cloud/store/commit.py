"""How the rows of a turn are written: SQL text compiled once, and tuples."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Table,
    bindparam,
    case,
    insert,
    update,
)

from elasticjob_cloud.model.records import (
    AppRecord,
    Changes,
    ExecutionTrace,
    FailoverKey,
    FailoverRecord,
    JobRecord,
    StatusTrace,
    TaskRecord,
)
from elasticjob_cloud.store import lease, rows, tables
from elasticjob_cloud.store.compiled import ManyRows, compiled_text
from elasticjob_cloud.store.conflicts import add_counts, upsert
from elasticjob_cloud.store.database import Database
from elasticjob_cloud.store.rows import Row

NEXT_FIRE_ID: Final = "next_fire_id"
_MINUTE_MS: Final = min(tables.SPANS_MS)

Key = TypeVar("Key")
Record = TypeVar("Record")


class _Keyed(Generic[Key, Record]):
    """The two statements of a table whose rows come and go by key."""

    def __init__(
        self,
        database: Database,
        table: Table,
        to_row: Callable[[Key, Record], Row],
        to_key: Callable[[Key], Row],
    ) -> None:
        self._upsert = database.insert_many(upsert(database, table), list(table.c))
        self._delete = database.delete_many(table)
        self._to_row = to_row
        self._to_key = to_key

    def write(self, connection: Connection, changes: Mapping[Key, Record | None]) -> None:
        if not changes:
            return
        to_row = self._to_row
        self._delete(connection, [self._to_key(key) for key, record in changes.items() if record is None])
        self._upsert(
            connection, [to_row(key, record) for key, record in changes.items() if record is not None]
        )


class ChangesWriter:
    """Writes a `Changes` within a transaction that its caller began."""

    def __init__(self, database: Database) -> None:
        dialect = database.writer.dialect
        self._together = database.together
        self._apps = _Keyed[str, AppRecord](database, tables.app, rows.app_row, _single)
        self._jobs = _Keyed[str, JobRecord](database, tables.job, rows.job_row, _single)
        self._schedules = _Keyed[str, int](database, tables.schedule, _pair, _single)
        self._tasks = _Keyed[str, TaskRecord](
            database, tables.task, lambda _, record: rows.task_row(record), _single
        )
        self._failovers = _Keyed[FailoverKey, FailoverRecord](
            database, tables.failover, lambda _, record: rows.failover_row(record), tuple
        )
        self._fires = database.insert_many(upsert(database, tables.fire), list(tables.fire.c))
        self._status_traces = _log_writer(database, tables.job_status_trace_log)
        self._executions = _log_writer(database, tables.job_execution_log)
        self._trace_counts = _counts_writer(database, tables.status_trace_count)
        self._execution_counts = _counts_writer(database, tables.execution_count)
        self._leads = compiled_text(dialect, lease.holder_query(bindparam("epoch")), ["epoch"])
        self._add = _compiled_counter(dialect, tables.counter.c.value + bindparam("amount"), ["amount"])
        # A CASE, because the greater of two values is MAX here and GREATEST there.
        at_least = case(
            (tables.counter.c.value < bindparam("low"), bindparam("least")), else_=tables.counter.c.value
        )
        self._raise = _compiled_counter(dialect, at_least, ["low", "least"])

    def leads(self, connection: Connection, epoch: int) -> bool:
        """Tell whether this epoch is the leader's, and let nobody change that before the transaction ends."""
        return connection.exec_driver_sql(self._leads, (epoch,)).first() is not None

    def write(self, connection: Connection, changes: Changes) -> None:
        with self._together(connection):
            self._write(connection, changes)

    def _write(self, connection: Connection, changes: Changes) -> None:
        self._apps.write(connection, changes.apps)
        self._jobs.write(connection, changes.jobs)
        self._schedules.write(connection, changes.schedules)
        self._tasks.write(connection, changes.tasks)
        self._failovers.write(connection, changes.failovers)
        if changes.fires:
            self._fires(connection, [rows.fire_row(record) for record in changes.fires.values()])
            following = max(changes.fires) + 1
            connection.exec_driver_sql(self._raise, (following, following, NEXT_FIRE_ID))
        self._write_status_traces(connection, changes.status_traces)
        self._write_executions(connection, changes.executions)

    def _write_status_traces(self, connection: Connection, traces: list[StatusTrace]) -> None:
        if not traces:
            return
        self._status_traces(connection, [rows.status_trace_row(trace) for trace in traces])
        minutes = Counter(
            [(it.creation_ms // _MINUTE_MS, it.source, it.execution_type, it.state) for it in traces]
        )
        self._trace_counts(connection, _in_spans(minutes))
        self.add_to_counters(connection, {tables.job_status_trace_log.name: len(traces)})

    def _write_executions(self, connection: Connection, executions: list[ExecutionTrace]) -> None:
        if not executions:
            return
        self._executions(connection, [rows.execution_row(trace) for trace in executions])
        minutes = Counter([(it.start_ms // _MINUTE_MS, int(it.is_success)) for it in executions])
        self._execution_counts(connection, _in_spans(minutes))
        self.add_to_counters(connection, {tables.job_execution_log.name: len(executions)})

    def add_to_counters(self, connection: Connection, amounts: Mapping[str, int]) -> None:
        """Keep the numbers of the trace tables' rows, in the transaction that changes the rows."""
        for name, amount in amounts.items():
            if amount:
                connection.exec_driver_sql(self._add, (amount, name))


def _in_spans(minutes: Mapping[tuple[Any, ...], int]) -> list[Row]:
    """Give the rows that count so many by the minute's number and more, for each length of time that is counted."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for span_ms in tables.SPANS_MS:
        for (minute, *key), count in minutes.items():
            counts[span_ms, minute * _MINUTE_MS // span_ms * span_ms, *key] += count
    return [(*key, count) for key, count in counts.items()]


def _single(key: str) -> Row:
    return (key,)


def _pair(key: str, value: int) -> Row:
    return (key, value)


def _log_writer(database: Database, table: Table) -> ManyRows:
    columns = [column for column in table.c if column.name != "id"]
    statement = insert(table).values({column.name: bindparam(column.name) for column in columns})
    return database.insert_many(statement, columns)


def _counts_writer(database: Database, table: Table) -> ManyRows:
    return database.insert_many(add_counts(database, table), list(table.c))


def _compiled_counter(dialect: Dialect, value: ColumnElement[int], order: list[str]) -> str:
    counter = tables.counter
    statement = update(counter).where(counter.c.name == bindparam("counter")).values(value=value)
    return compiled_text(dialect, statement, [*order, "counter"])
