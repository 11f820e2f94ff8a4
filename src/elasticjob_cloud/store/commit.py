"""How the rows of a turn are written: SQL text compiled once, and tuples."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection, Dialect, Insert, Table, and_, bindparam, case, delete, insert, update
from sqlalchemy.sql.dml import Delete, Update

from elasticjob_cloud.model.records import (
    AppRecord,
    Changes,
    FailoverKey,
    FailoverRecord,
    JobRecord,
    TaskRecord,
)
from elasticjob_cloud.store import rows, tables
from elasticjob_cloud.store.database import Database
from elasticjob_cloud.store.rows import Row

NEXT_FIRE_ID: Final = "next_fire_id"

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
        name = tables.counter.c.name == bindparam("counter")
        value = tables.counter.c.value
        amount = bindparam("amount", type_=value.type)
        self._add = _compiled(
            dialect, update(tables.counter).where(name).values(value=value + amount), ["amount", "counter"]
        )
        # A CASE, because the greater of two values is MAX here and GREATEST there.
        lowest = bindparam("lowest", type_=value.type)
        other = bindparam("other", type_=value.type)
        self._raise = _compiled(
            dialect,
            update(tables.counter).where(name).values(value=case((value < lowest, other), else_=value)),
            ["lowest", "other", "counter"],
        )

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
        self._append(
            connection,
            tables.job_status_trace_log,
            self._status_traces,
            map(rows.status_trace_row, changes.status_traces),
        )
        self._append(
            connection,
            tables.job_execution_log,
            self._executions,
            map(rows.execution_row, changes.executions),
        )

    def _append(self, connection: Connection, table: Table, statement: str, log_rows: Iterable[Row]) -> None:
        written = list(log_rows)
        if written:
            _execute(connection, statement, written)
            self.add_to_counter(connection, table.name, len(written))

    def add_to_counter(self, connection: Connection, name: str, amount: int) -> None:
        """Keep the number of a trace table's rows, which changes in the transaction that changes the rows."""
        _execute(connection, self._add, [(amount, name)])


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


def _compiled(dialect: Dialect, statement: Insert | Update | Delete, order: list[str]) -> str:
    """Give the SQL text, after making sure that it takes its parameters in the order in which rows have them."""
    compiled = statement.compile(dialect=dialect)
    assert compiled.positiontup == order, (compiled.positiontup, order)
    return str(compiled)
