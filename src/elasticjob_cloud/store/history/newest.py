"""The newest rows that match filters, found by as many short walks in an index as there are values that may match.

Each index has its rows by the values of all filters first, and by time then. So the newest rows of any filters are the
newest of a few parts of an index, each read from its end, however many rows there are and whatever else they hold. An
older page begins below the last row of the page before (`cursor`), and nothing is counted.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, TextClause, text

from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.queries.runs import RunQuery
from elasticjob_cloud.store.rows import storable_text
from elasticjob_cloud.store.tables import HAS_APP

ROWS_AT_MOST: Final = 1000
_NUMBER_LIMIT: Final = 2**63  # what a database takes for an integer

Place = tuple[int, int]  # of a row in the order: its time and its id


class Found(msgspec.Struct, frozen=True):
    """A row: where it is in the order, and which condition it matches, counted from 0."""

    place: Place
    part: int


class RowsInOrder(msgspec.Struct, frozen=True):
    """A table, and the names of its columns for the time and the id."""

    table: str
    time: str
    key: str


def newest(
    connection: Connection,
    table: RowsInOrder,
    parts: Iterable[str],
    values: Mapping[str, Any],
    limit: int,
) -> list[Found]:
    """Give the newest rows, newest first.

    Args:
        connection: In a transaction that reads.
        table: Where the rows are.
        parts: Conditions, no row matching two of them.
        values: What the conditions' parameters are.
        limit: How many rows at most.
    """
    conditions = tuple(parts)
    if not conditions:
        return []
    rows = connection.execute(_statement(table, conditions, limit), values)
    return [Found((row[0], row[1]), row[2]) for row in rows]


def name_conditions(
    connection: Connection, table: RowsInOrder, condition: str, job_name: str, app_name: str
) -> tuple[list[str], dict[str, str]]:
    """Give conditions that together find the rows of a job, an app, or a job of an app, and their parameters.

    `condition`: which of the table's rows are in the index that has a job's rows by app. A job has one app, unless it was
    registered again in another one, or its rows are of an earlier version.
    """
    if not job_name:
        named = f" AND app_name = :app0 AND {HAS_APP}"
        return ([named], {"app0": storable_text(app_name)}) if app_name else ([""], {})
    job_name = storable_text(job_name)
    if app_name:
        apps = [storable_text(app_name)]
    else:
        # From one app to the next in the index: no row is passed.
        statement = _apps_statement(table.table, condition)
        apps = list(connection.execute(statement, {"job_name": job_name}).scalars())
    values = {f"app{number}": app for number, app in enumerate(apps)}
    return [f" AND job_name = :job_name AND app_name = :{app}" for app in values], {
        **values,
        "job_name": job_name,
    }


@lru_cache(maxsize=1000)
def _statement(table: RowsInOrder, parts: tuple[str, ...], limit: int) -> TextClause:
    columns = f"{table.time}, {table.key}"
    backwards = f"ORDER BY {table.time} DESC, {table.key} DESC LIMIT {limit:d}"  # no parameter: PostgreSQL would plan for many rows
    walks = " UNION ALL ".join(
        f"SELECT * FROM (SELECT {columns}, {number} AS part FROM {table.table} WHERE {part} {backwards}) AS part{number}"  # noqa: S608 - our own words
        for number, part in enumerate(parts)
    )
    return text(f"SELECT * FROM ({walks}) AS parts {backwards}")  # noqa: S608 - as above


@lru_cache
def _apps_statement(table: str, condition: str) -> TextClause:
    least = f"SELECT min(app_name) FROM {table} WHERE {condition} AND job_name = :job_name"  # noqa: S608 - our own words
    return text(
        f"WITH RECURSIVE apps(name) AS ({least} UNION ALL "  # noqa: S608 - as above
        f"SELECT ({least} AND app_name > apps.name) FROM apps WHERE apps.name IS NOT NULL) "
        "SELECT name FROM apps WHERE name IS NOT NULL"
    )


def bounds(query: RunQuery, table: RowsInOrder) -> tuple[str, dict[str, Any]]:
    """Give the condition on a row's place that a query's interval and cursor make, and its parameters.

    Raises:
        InvalidRequestError: a number is out of range, or the cursor is none of ours.
    """
    _check_numbers(query)
    time, key = table.time, table.key
    conditions, values = [], {}
    if query.start_ms is not None:
        conditions.append(f"{time} >= :start_ms")
        values["start_ms"] = query.start_ms
    if query.end_ms is not None:
        conditions.append(f"{time} <= :end_ms")
        values["end_ms"] = query.end_ms
    if query.cursor:
        conditions.append(f"({time}, {key}) < (:cursor_ms, :cursor_id)")
        values["cursor_ms"], values["cursor_id"] = _place_of(query.cursor)
    return "".join(f" AND {condition}" for condition in conditions), values


def split_page(found: list[Found], limit: int) -> tuple[list[int], str | None]:
    """Give the ids of a page of which one row more was looked for, and the cursor of the next page."""
    places = [row.place for row in found[:limit]]
    following = "{}.{}".format(*places[-1]) if len(found) > limit else None
    return [key for _, key in places], following


def _place_of(cursor: str) -> Place:
    try:
        time, key = (int(part) for part in cursor.split("."))
    except ValueError:
        time = key = _NUMBER_LIMIT
    if abs(time) >= _NUMBER_LIMIT or abs(key) >= _NUMBER_LIMIT:
        raise InvalidRequestError.of(FieldError("cursor", "is not the `next` of an earlier page."))
    return time, key


def _check_numbers(query: RunQuery) -> None:
    for field, number in (("startTime", query.start_ms), ("endTime", query.end_ms)):
        if number is not None and abs(number) >= _NUMBER_LIMIT:
            raise InvalidRequestError.of(FieldError(field, "is out of range."))
    if not 1 <= query.limit <= ROWS_AT_MOST:
        raise InvalidRequestError.of(FieldError("limit", f"must be from 1 to {ROWS_AT_MOST}."))
