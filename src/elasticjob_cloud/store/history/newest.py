"""The newest rows that match filters, found by as many short walks in an index as there are values that may match.

Each index has its rows by the values of all filters first, and by time then. So the newest rows of any filters are the
newest of a few parts of an index, each read from its end, however many rows there are and whatever else they hold. An
older page begins below the last row of the page before (`cursor`), and nothing is counted.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, text

from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.queries.runs import RunQuery

ROWS_AT_MOST: Final = 1000
_NUMBER_LIMIT: Final = 2**63  # what a database takes for an integer

Place = tuple[int, int]  # of a row in the order: its time and its id


def newest(
    connection: Connection,
    table: str,
    order: tuple[str, str],
    parts: Iterable[str],
    values: Mapping[str, Any],
    limit: int,
) -> list[Place]:
    """Give the places of the newest rows, newest first.

    Args:
        connection: In a transaction that reads.
        table: The table's name.
        order: The names of its columns for time and id.
        parts: Conditions, no row matching two of them.
        values: What the conditions' parameters are.
        limit: How many rows at most.
    """
    time, key = order
    backwards = f"ORDER BY {time} DESC, {key} DESC LIMIT {limit:d}"
    walks = " UNION ALL ".join(
        f"SELECT * FROM (SELECT {time}, {key} FROM {table} WHERE {part} {backwards}) AS part{number}"  # noqa: S608 - our own words
        for number, part in enumerate(parts)
    )
    if not walks:
        return []
    rows = connection.execute(text(f"SELECT * FROM ({walks}) AS parts {backwards}"), values)  # noqa: S608 - as above
    return [(row[0], row[1]) for row in rows]


def bounds(query: RunQuery, order: tuple[str, str]) -> tuple[str, dict[str, Any]]:
    """Give the condition on a row's place that a query's interval and cursor make, and its parameters.

    Raises:
        InvalidRequestError: a number is out of range, or the cursor is none of ours.
    """
    _check_numbers(query)
    time, key = order
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


def split_page(places: list[Place], limit: int) -> tuple[list[int], str | None]:
    """Give the ids of a page of which one row more was looked for, and the cursor of the next page."""
    shown = places[:limit]
    following = f"{shown[-1][0]}.{shown[-1][1]}" if len(places) > limit else None
    return [place[1] for place in shown], following


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
