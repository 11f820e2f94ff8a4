"""Pages of the trace tables.

No question may cost as much as the table is long. So totals and the beginnings of deep pages come from the counts by
time where these know the filters (`store/history/counts.py`), and whatever else must be counted or sorted stops at
a limit.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.queries.history import (
    EXECUTION_FILTERS,
    STATUS_TRACE_FILTERS,
    HistoryPage,
    HistoryQuery,
)
from elasticjob_cloud.store import tables
from elasticjob_cloud.store.history.counts import CountedRows
from elasticjob_cloud.store.rows import storable_text

# What a page may cost: some ten milliseconds.
ROWS_COUNTED: Final = 100_000  # one after another in an index
ROWS_MATCHED: Final = 20_000  # among others there
ROWS_SORTED: Final = 20_000  # each is looked up in the table
_SEEK_FROM: Final = 2_000  # below, walking is as quick as looking up where to begin
_TRUTHS: Final = {"true": 1, "false": 0}
_NUMBER_LIMIT: Final = 2**63  # what a database takes for an integer


class _Unindexed(FunctionElement[Any]):
    """A column, no index on which is to be used: a better one was chosen."""

    name = "unindexed"
    inherit_cache = True


@compiles(_Unindexed)
def _render_plainly(element: _Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_Unindexed, "sqlite")
def _render_for_sqlite(element: _Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    # SQLite's own way to say so. Others know how many rows have which value, and choose well.
    return f"+{compiler.process(element.clauses, **options)}"


class _Way(msgspec.Struct, frozen=True):
    """An index that leads to the rows of a filter: all of them, or, with a condition, those of its rare values."""

    filter_name: str
    rare_values_only: str | None = None
    common_values: frozenset[str | int] = frozenset()
    is_unique: bool = False  # so nearly that nothing can be quicker

    def serves(self, values: Mapping[str, str | int]) -> bool:
        return self.filter_name in values and values[self.filter_name] not in self.common_values


class HistoryTable:
    """A trace table as the API names it."""

    def __init__(
        self,
        table: Table,
        counts: Table,
        time_name: str,
        filters: tuple[str, ...],
        ways: tuple[_Way, ...],
        results: tuple[Column[Any], ...] = (),
    ) -> None:
        self.table = table
        self.counts = counts
        self._columns: Mapping[str, Column[Any]] = {
            _api_name(column.name): column for column in tables.upstream_columns(table)
        }
        # Shown too, and neither sorted by nor asked for.
        self._shown = {**self._columns, **{_api_name(column.name): column for column in results}}
        self._time_name = time_name
        self.time = self._columns[time_name]
        self._filters = filters
        self._ways = ways

    def page(self, connection: Connection, query: HistoryQuery) -> HistoryPage:
        """Give the page. All reads belong in one transaction, or the total may not fit the rows.

        Raises:
            InvalidRequestError: a sort or filter column that is not there, or a page below 1.
        """
        _check_numbers(query)
        values = self._values(query)
        sort = self._columns.get(query.sort or self._time_name)
        if sort is None:
            raise InvalidRequestError.of(FieldError("sort", f"is not one of {', '.join(self._columns)}."))
        counts = self._counted_rows(connection, values, query)
        conditions = self._conditions(values, None if counts else self._way(connection, values, query), query)
        total = self._total(connection, conditions, counts, query)
        if sort is not self.time:
            total = min(total, ROWS_SORTED)
        offset = (query.page - 1) * query.per_page
        if offset >= total:
            return HistoryPage(total, [])
        if sort is self.time:
            statement = self._in_order_of_time(conditions, counts, offset, query)
        else:
            statement = self._in_other_order(conditions, sort, offset, query)
        rows = [dict(row) for row in connection.execute(statement).mappings()]
        for row in rows:
            if "isSuccess" in row:
                row["isSuccess"] = bool(row["isSuccess"])
            if "fireId" in row:  # a state that ended no attempt came to nothing yet
                row["success"] = bool(row["success"]) if row.pop("fireId") else None
        return HistoryPage(total, rows)

    def _in_order_of_time(
        self,
        conditions: list[ColumnElement[bool]],
        counts: CountedRows | None,
        offset: int,
        query: HistoryQuery,
    ) -> Select[Any]:
        # With a filter also on the first page: the newest rows may all be others.
        if counts is not None and (query.filters or offset >= _SEEK_FROM):
            start = counts.seek(offset, ascending=query.ascending)
            reached = self.time >= start.time_ms if query.ascending else self.time <= start.time_ms
            conditions = [*conditions, reached]
            offset -= start.skipped
        # The id makes the order total: no row shows on two pages, or on none.
        order = _ordered((self.time, self.table.c.id), ascending=query.ascending)
        paged = (
            select(self.table.c.id).where(*conditions).order_by(*order).limit(query.per_page).offset(offset)
        )
        return self._shown_in(paged, order)

    def _in_other_order(
        self, conditions: list[ColumnElement[bool]], sort: Column[Any], offset: int, query: HistoryQuery
    ) -> Select[Any]:
        """Order the newest of the rows that match, by their ids, and look the rows of the page up then."""
        newest = (
            select(self.table.c.id, self.time.label("time"), sort.label("sort"))
            .where(*conditions)
            .order_by(*_ordered((self.time, self.table.c.id), ascending=False))
            .limit(ROWS_SORTED)
            .subquery()
        )
        keys = (newest.c["sort"], newest.c["time"], newest.c["id"])
        paged = (
            select(newest.c.id)
            .order_by(*_ordered(keys, ascending=query.ascending))
            .limit(query.per_page)
            .offset(offset)
        )
        order = _ordered((sort, self.time, self.table.c.id), ascending=query.ascending)
        return self._shown_in(paged, order)

    def _shown_in(self, paged: Select[int], order: list[ColumnElement[Any]]) -> Select[Any]:
        """Look up the rows of one page: those that are left out are passed in the index alone."""
        chosen = select(paged.subquery().c.id)
        shown = (self.table.c[column.name].label(name) for name, column in self._shown.items())
        return select(*shown).where(self.table.c.id.in_(chosen)).order_by(*order)

    def _total(
        self,
        connection: Connection,
        conditions: list[ColumnElement[bool]],
        counts: CountedRows | None,
        query: HistoryQuery,
    ) -> int:
        if not conditions:
            counter = select(tables.counter.c.value).where(tables.counter.c.name == self.table.name)
            return int(connection.execute(counter).scalar_one())
        if counts is not None:
            return counts.total()
        limit = ROWS_COUNTED if len(query.filters) == 1 else ROWS_MATCHED
        return _count_up_to(connection, self.table, conditions, limit)

    def _counted_rows(
        self, connection: Connection, values: Mapping[str, str | int], query: HistoryQuery
    ) -> CountedRows | None:
        """Give the counts that answer this query, if they know all its filters."""
        filters = [(self._columns[name].name, value) for name, value in values.items()]
        if any(name not in self.counts.c for name, _ in filters):
            return None
        return CountedRows(connection, self.counts, self.time, filters, (query.start_ms, query.end_ms))

    def _way(
        self, connection: Connection, values: Mapping[str, str | int], query: HistoryQuery
    ) -> _Way | None:
        """Choose the index that the fewest rows are on: counted, as no database knows it for each value."""
        ways = [way for way in self._ways if way.serves(values)]
        if len(ways) < 2 or ways[0].is_unique:
            return ways[0] if ways else None

        def count(way: _Way) -> int:
            alone = {way.filter_name: values[way.filter_name]}
            return _count_up_to(connection, self.table, self._conditions(alone, way, query), ROWS_COUNTED)

        return min(ways, key=count)

    def _conditions(
        self, values: Mapping[str, str | int], way: _Way | None, query: HistoryQuery
    ) -> list[ColumnElement[bool]]:
        ways = [way] if way else [each for each in self._ways if each.serves(values)][:1]
        leading = {each.filter_name for each in ways}
        conditions = [
            (self._columns[name] if name in leading else _Unindexed(self._columns[name])) == value
            for name, value in values.items()
        ]
        # Literally as in the index, or else the database cannot see that the index has all these rows.
        conditions += [and_(text(each.rare_values_only)) for each in ways if each.rare_values_only]
        if query.start_ms is not None:
            conditions.append(self.time >= query.start_ms)
        if query.end_ms is not None:
            conditions.append(self.time <= query.end_ms)
        return conditions

    def _values(self, query: HistoryQuery) -> dict[str, str | int]:
        unknown = [name for name in query.filters if name not in self._filters]
        if unknown:
            allowed = ", ".join(self._filters)
            raise InvalidRequestError.of(*(FieldError(name, f"is not one of {allowed}.") for name in unknown))
        return {name: _filter_value(name, given) for name, given in query.filters.items()}


def _count_up_to(
    connection: Connection, table: Table, conditions: list[ColumnElement[bool]], limit: int
) -> int:
    walked = select(literal_column("1")).select_from(table).where(*conditions).limit(limit).subquery()
    return int(connection.execute(select(func.count()).select_from(walked)).scalar_one())


def _ordered(columns: tuple[ColumnElement[Any], ...], *, ascending: bool) -> list[ColumnElement[Any]]:
    return [column.asc() if ascending else column.desc() for column in columns]


def _check_numbers(query: HistoryQuery) -> None:
    numbers = {
        "page": query.page,
        "per_page": query.per_page,
        "startTime": query.start_ms,
        "endTime": query.end_ms,
    }
    for field, number in numbers.items():
        if number is not None and not -_NUMBER_LIMIT < number < _NUMBER_LIMIT:
            raise InvalidRequestError.of(FieldError(field, "is out of range."))
        if number is not None and number < 1 and field in {"page", "per_page"}:
            raise InvalidRequestError.of(FieldError(field, f"must be at least 1, it is {number}."))


def _filter_value(name: str, given: str) -> str | int:
    if name != "isSuccess":
        return storable_text(given)
    if given not in _TRUTHS:
        raise InvalidRequestError.of(FieldError(name, f"is 'true' or 'false', not {given[:60]!r}."))
    return _TRUTHS[given]


def _api_name(column_name: str) -> str:
    first, *others = column_name.split("_")
    return first + "".join(word.capitalize() for word in others)


EXECUTIONS: Final = HistoryTable(
    tables.job_execution_log,
    tables.execution_count,
    "startTime",
    EXECUTION_FILTERS,
    (
        _Way("taskId", is_unique=True),
        _Way("isSuccess", tables.FAILED_EXECUTION, frozenset({1})),
        _Way("jobName"),
        _Way("ip"),
    ),
)
STATUS_TRACES: Final = HistoryTable(
    tables.job_status_trace_log,
    tables.status_trace_count,
    "creationTime",
    STATUS_TRACE_FILTERS,
    (
        _Way("taskId", is_unique=True),
        _Way("state", tables.UNCOMMON_STATE, frozenset({"TASK_STAGING", "TASK_RUNNING", "TASK_FINISHED"})),
        _Way("executionType", tables.UNCOMMON_EXECUTION_TYPE, frozenset({"READY"})),
        _Way("jobName"),
        _Way("slaveId"),
    ),
    (
        tables.job_status_trace_log.c.fire_id,
        tables.job_status_trace_log.c.success,
        tables.job_status_trace_log.c.summary,
    ),
)
