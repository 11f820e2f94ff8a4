"""How the rows of a turn are written: SQL text compiled once, and tuples."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Insert,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    insert,
    update,
)
from sqlalchemy.sql.dml import Delete, Update

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
        dialect = database.writer.dialect
        self._upsert = _compiled(dialect, database.upsert(table), [column.name for column in table.c])
        keys = list(table.primary_key.columns)
        matches = and_(*(column == bindparam(f"key_{column.name}") for column in keys))
        self._delete = _compiled(
            dialect, delete(table).where(matches), [f"key_{column.name}" for column in keys]
        )
        self._to_row = to_row
        self._to_key = to_key

    def write(self, connection: Connection, changes: Mapping[Key, Record | None]) -> None:
        if not changes:
            return
        to_row = self._to_row
        _execute(
            connection, self._delete, [self._to_key(key) for key, record in changes.items() if record is None]
        )
        _execute(
            connection,
            self._upsert,
            [to_row(key, record) for key, record in changes.items() if record is not None],
        )


class ChangesWriter:
    """Writes a `Changes` within a transaction that its caller began."""

    def __init__(self, database: Database) -> None:
        dialect = database.writer.dialect
        self._apps = _Keyed[str, AppRecord](database, tables.app, rows.app_row, _single)
        self._jobs = _Keyed[str, JobRecord](database, tables.job, rows.job_row, _single)
        self._schedules = _Keyed[str, int](database, tables.schedule, _pair, _single)
        self._tasks = _Keyed[str, TaskRecord](
            database, tables.task, lambda _, record: rows.task_row(record), _single
        )
        self._failovers = _Keyed[FailoverKey, FailoverRecord](
            database, tables.failover, lambda _, record: rows.failover_row(record), tuple
        )
        self._fires = _compiled(
            dialect, database.upsert(tables.fire), [column.name for column in tables.fire.c]
        )
        self._status_traces = _compiled_log(dialect, tables.job_status_trace_log)
        self._executions = _compiled_log(dialect, tables.job_execution_log)
        self._trace_counts = _compiled_counts(database, tables.status_trace_count)
        self._execution_counts = _compiled_counts(database, tables.execution_count)
        self._leads = _compiled(dialect, lease.holder_query(bindparam("epoch")), ["epoch"])
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
        self._apps.write(connection, changes.apps)
        self._jobs.write(connection, changes.jobs)
        self._schedules.write(connection, changes.schedules)
        self._tasks.write(connection, changes.tasks)
        self._failovers.write(connection, changes.failovers)
        if changes.fires:
            _execute(connection, self._fires, [rows.fire_row(record) for record in changes.fires.values()])
            following = max(changes.fires) + 1
            _execute(connection, self._raise, [(following, following, NEXT_FIRE_ID)])
        self._write_status_traces(connection, changes.status_traces)
        self._write_executions(connection, changes.executions)

    def _write_status_traces(self, connection: Connection, traces: list[StatusTrace]) -> None:
        if not traces:
            return
        _execute(connection, self._status_traces, [rows.status_trace_row(trace) for trace in traces])
        minutes = Counter(
            [(it.creation_ms // _MINUTE_MS, it.source, it.execution_type, it.state) for it in traces]
        )
        _execute(connection, self._trace_counts, _in_spans(minutes))
        self.add_to_counters(connection, {tables.job_status_trace_log.name: len(traces)})

    def _write_executions(self, connection: Connection, executions: list[ExecutionTrace]) -> None:
        if not executions:
            return
        _execute(connection, self._executions, [rows.execution_row(trace) for trace in executions])
        minutes = Counter([(it.start_ms // _MINUTE_MS, int(it.is_success)) for it in executions])
        _execute(connection, self._execution_counts, _in_spans(minutes))
        self.add_to_counters(connection, {tables.job_execution_log.name: len(executions)})

    def add_to_counters(self, connection: Connection, amounts: Mapping[str, int]) -> None:
        """Keep the numbers of the trace tables' rows, in the transaction that changes the rows."""
        _execute(connection, self._add, [(amount, name) for name, amount in amounts.items() if amount])


def _in_spans(minutes: Mapping[tuple[Any, ...], int]) -> list[Row]:
    """Give the rows that count so many by the minute's number and more, for each length of time that is counted."""
    return [
        (span_ms, minute * _MINUTE_MS // span_ms * span_ms, *key, count)
        for span_ms in tables.SPANS_MS
        for (minute, *key), count in minutes.items()
    ]


def _single(key: str) -> Row:
    return (key,)


def _pair(key: str, value: int) -> Row:
    return (key, value)


def _execute(connection: Connection, statement: str, parameters: list[Row]) -> None:
    if parameters:
        connection.exec_driver_sql(statement, parameters)


def _compiled_log(dialect: Dialect, table: Table) -> str:
    names = [column.name for column in table.c if column.name != "id"]
    return _compiled(dialect, insert(table).values({name: bindparam(name) for name in names}), names)


def _compiled_counts(database: Database, table: Table) -> str:
    return _compiled(
        database.writer.dialect,
        database.add_counts(table),
        [column.name for column in table.c],
    )


def _compiled_counter(dialect: Dialect, value: ColumnElement[int], order: list[str]) -> str:
    counter = tables.counter
    statement = update(counter).where(counter.c.name == bindparam("counter")).values(value=value)
    return _compiled(dialect, statement, [*order, "counter"])


def _compiled(dialect: Dialect, statement: Insert | Update | Delete | Select[str], order: list[str]) -> str:
    """Give the SQL text, after making sure that it takes its parameters in the order in which rows have them."""
    compiled = statement.compile(dialect=dialect)
    assert compiled.positiontup == order, (compiled.positiontup, order)
    return str(compiled)
