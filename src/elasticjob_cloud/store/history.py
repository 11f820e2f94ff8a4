"""The trace tables: pages of them, and pruning."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, and_, delete, func, select

from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.history import EXECUTION_FILTERS, STATUS_TRACE_FILTERS, HistoryPage, HistoryQuery
from elasticjob_cloud.store import tables
from elasticjob_cloud.store.rows import storable_text

_TRUTHS: Final = {"true": 1, "false": 0}
_NUMBER_LIMIT: Final = 2**63  # what a database takes for an integer


class HistoryTable:
    """A trace table as the API names it."""

    def __init__(self, table: Table, time_name: str, filters: tuple[str, ...]) -> None:
        self.table = table
        self._columns: Mapping[str, Column[Any]] = {_api_name(column.name): column for column in table.c}
        self._time_name = time_name
        self.time = self._columns[time_name]
        self._filters = filters

    def page(self, connection: Connection, query: HistoryQuery) -> HistoryPage:
        """Give the page. Both reads belong in one transaction, or the total may not fit the rows.

        Raises:
            InvalidRequestError: a sort or filter column that is not there, or a page below 1.
        """
        _check_numbers(query)
        conditions = self._conditions(query)
        order = self._order(query)
        offset = (query.page - 1) * query.per_page
        statement = (
            select(*(column.label(name) for name, column in self._columns.items()))
            .where(*conditions)
            .order_by(*order)
            .limit(query.per_page)
            .offset(offset)
        )
        total = self._total(connection, conditions)
        rows = [dict(row) for row in connection.execute(statement).mappings()] if offset < total else []
        for row in rows:
            if "isSuccess" in row:
                row["isSuccess"] = bool(row["isSuccess"])
        return HistoryPage(total, rows)

    def _total(self, connection: Connection, conditions: list[ColumnElement[bool]]) -> int:
        counted: Select[int]
        if conditions:
            counted = select(func.count()).select_from(self.table).where(*conditions)
        else:
            counted = select(tables.counter.c.value).where(tables.counter.c.name == self.table.name)
        return int(connection.execute(counted).scalar_one())

    def _conditions(self, query: HistoryQuery) -> list[ColumnElement[bool]]:
        unknown = [name for name in query.filters if name not in self._filters]
        if unknown:
            allowed = ", ".join(self._filters)
            raise InvalidRequestError.of(*(FieldError(name, f"is not one of {allowed}.") for name in unknown))
        conditions = [
            self._columns[name] == _filter_value(name, text) for name, text in query.filters.items()
        ]
        if query.start_ms is not None:
            conditions.append(self.time >= query.start_ms)
        if query.end_ms is not None:
            conditions.append(self.time <= query.end_ms)
        return conditions

    def _order(self, query: HistoryQuery) -> list[ColumnElement[Any]]:
        column = self._columns.get(query.sort or self._time_name)
        if column is None:
            raise InvalidRequestError.of(FieldError("sort", f"is not one of {', '.join(self._columns)}."))
        # The id makes the order total: no row shows on two pages, or on none.
        return [key.asc() if query.ascending else key.desc() for key in (column, self.table.c.id)]


def prune_traces(connection: Connection, history: HistoryTable, before_ms: int, limit: int) -> int:
    """Delete the oldest rows, and say how many they were."""
    oldest = select(history.table.c.id).where(history.time < before_ms).order_by(history.time).limit(limit)
    return connection.execute(delete(history.table).where(history.table.c.id.in_(oldest))).rowcount


def prune_fires(connection: Connection, before_ms: int, limit: int) -> int:
    """Delete fires that were recorded and ended before this, and say how many they were."""
    fire = tables.fire.c
    ended = and_(
        fire.recorded_ms < before_ms, fire.ended_ms < before_ms, fire.state.in_(("COMPLETED", "DROPPED"))
    )
    oldest = select(fire.fire_id).where(ended).order_by(fire.recorded_ms).limit(limit)
    return connection.execute(delete(tables.fire).where(fire.fire_id.in_(oldest))).rowcount


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


def _filter_value(name: str, text: str) -> str | int:
    if name != "isSuccess":
        return storable_text(text)
    if text not in _TRUTHS:
        raise InvalidRequestError.of(FieldError(name, f"is 'true' or 'false', not {text[:60]!r}."))
    return _TRUTHS[text]


def _api_name(column_name: str) -> str:
    first, *others = column_name.split("_")
    return first + "".join(word.capitalize() for word in others)


EXECUTIONS: Final = HistoryTable(tables.job_execution_log, "startTime", EXECUTION_FILTERS)
STATUS_TRACES: Final = HistoryTable(tables.job_status_trace_log, "creationTime", STATUS_TRACE_FILTERS)
