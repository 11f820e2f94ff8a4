"""Deletes old history in small transactions, with rests in which commits come through.

What runs still need (live fires, tasks, failovers) is no history and is never deleted here.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from sqlalchemy import Connection, Table, and_, bindparam, delete, func, select, true, update

from elasticjob_cloud.model.errors import StoreUnavailableError
from elasticjob_cloud.store import lease, tables
from elasticjob_cloud.store.alerts.pruning import alert_prunes
from elasticjob_cloud.store.commit import ChangesWriter
from elasticjob_cloud.store.databases.database import Database
from elasticjob_cloud.store.history.pages import EXECUTIONS, STATUS_TRACES, HistoryTable

# A commit waits for at most one of these; and then has as long for itself, in parts of what the chunk took.
CHUNK: Final = 500
_REST: Final = 0.5
# On a full disk a deletion has only the room that the write-ahead log holds already: fewer rows need less of it.
_CHUNK_DIVISOR: Final = 8
_ANY_TIME_MS: Final = 2**62
_ENDED: Final = tables.fire.c.state.in_(("COMPLETED", "DROPPED"))

_Prune = Callable[[Connection, int], int]


class HistoryPruner:
    """Prunes the trace tables and the ended fires.

    Args:
        database: Where they are.
        changes: Keeps the numbers of their rows.
        read: Begins a transaction that reads.
        write: Begins a transaction that writes.
        make_room: Finds room for a deletion on a full disk, outside of any transaction.
    """

    def __init__(
        self,
        database: Database,
        changes: ChangesWriter,
        read: Callable[[], AbstractContextManager[Connection]],
        write: Callable[[], AbstractContextManager[Connection]],
        make_room: Callable[[], None],
    ) -> None:
        self._database = database
        self._changes = changes
        self._read = read
        self._write = write
        self._make_room = make_room

    def prune_before(self, before_ms: int, limit: int) -> int:
        """Delete at most `limit` rows older than this, of all tables in turn; give how many were deleted."""
        prunes: list[_Prune] = [
            self._trace_prune(STATUS_TRACES, before_ms),
            self._trace_prune(EXECUTIONS, before_ms),
            lambda connection, chunk: _prune_fires(connection, before_ms, chunk),
        ]
        return self._prune_in_turn(prunes, limit)

    def prune_alerts(self, before_ms: int, limit: int) -> int:
        """See `AlertStore.prune`."""
        return self._prune_in_turn(alert_prunes(before_ms), limit)

    def _prune_in_turn(self, prunes: list[_Prune], limit: int) -> int:
        deleted, largest = 0, CHUNK
        while prunes and deleted < limit:
            prune = prunes.pop(0)
            began = time.monotonic()
            count, largest, chunk = self._delete_chunk(prune, largest, limit - deleted)
            deleted += count
            if count == chunk:
                prunes.append(prune)
                time.sleep((time.monotonic() - began) * _REST)
        return deleted

    def prune_oldest(self, limit: int) -> int:
        """Delete at most `limit` rows, the oldest of all tables, whatever their age; give how many were deleted.

        Alerts that are over come last: they are few, and people want them.
        """
        rows = limit
        while rows:
            with self._read() as connection:
                before_ms = _end_of_oldest(connection, rows)
            if before_ms is not None:
                return self.prune_before(before_ms, limit)
            rows //= 10  # no table has so many
        return self.prune_alerts(_ANY_TIME_MS, limit)

    def _delete_chunk(self, prune: _Prune, largest: int, wanted: int) -> tuple[int, int, int]:
        """Delete once; give how many rows were deleted, how many may be tried next, and how many were tried."""
        while True:
            chunk = min(largest, wanted)
            try:
                with self._write() as connection:
                    lease.hold(connection)
                    return prune(connection, chunk), largest, chunk
            except StoreUnavailableError as error:
                if not error.is_full or largest == 1:
                    raise
            self._make_room()
            largest = max(largest // _CHUNK_DIVISOR, 1)

    def _trace_prune(self, history: HistoryTable, before_ms: int) -> _Prune:
        def prune(connection: Connection, chunk: int) -> int:
            deleted = _prune_traces(connection, history, before_ms, chunk)
            if deleted:
                with self._database.together(connection) as batch:
                    self._changes.add_to_counter(batch, history.table.name, -deleted)
            return deleted

        return prune


def _prune_traces(connection: Connection, history: HistoryTable, before_ms: int, limit: int) -> int:
    """Delete the oldest rows, take them off the counts, and say how many they were."""
    table = history.table
    oldest = (
        select(table.c.id)
        .where(history.time < before_ms)
        .order_by(history.time, table.c.id)
        .limit(limit)
        .scalar_subquery()
    )
    keys = [column.name for column in history.counts.c if column.name in table.c]
    # What was deleted is told by the deletion itself: another scheduler may prune at the same time.
    deleted = (
        delete(table).where(table.c.id.in_(oldest)).returning(history.time, *(table.c[key] for key in keys))
    )
    minute_ms = min(tables.SPANS_MS)
    groups = Counter((time - time % minute_ms, *values) for time, *values in connection.execute(deleted))
    if groups:
        _take_off(connection, history.counts, keys, groups)
    return groups.total()


def _take_off(
    connection: Connection, counts: Table, keys: list[str], groups: Mapping[tuple[Any, ...], int]
) -> None:
    """Lower the counts by groups of rows: the minute and the values of `keys`, and how many."""
    key_columns = (counts.c.span_ms, counts.c.start_ms, *(counts.c[key] for key in keys))
    matches = and_(*(column == bindparam(f"the_{column.name}") for column in key_columns))
    lowered = update(counts).where(matches).values(count=counts.c["count"] - bindparam("amount"))
    rows = [
        {f"the_{key}": value for key, value in zip(keys, values, strict=True)}
        | {"the_span_ms": span_ms, "the_start_ms": minute - minute % span_ms, "amount": amount}
        for span_ms in tables.SPANS_MS
        for (minute, *values), amount in groups.items()
    ]
    connection.execute(lowered, rows)
    emptied = delete(counts).where(matches, counts.c["count"] <= 0)
    connection.execute(emptied, [{key: row[key] for key in row if key != "amount"} for row in rows])


def _prune_fires(connection: Connection, before_ms: int, limit: int) -> int:
    """Delete fires that were recorded and ended before this, and say how many they were."""
    fire = tables.fire.c
    old = and_(fire.recorded_ms < before_ms, fire.ended_ms < before_ms, _ENDED)
    oldest = select(fire.fire_id).where(old).order_by(fire.recorded_ms).limit(limit)
    deleted = connection.execute(delete(tables.fire).where(fire.fire_id.in_(oldest))).rowcount
    if deleted < limit:
        _prune_past_configurations(connection)
    return deleted


def _prune_past_configurations(connection: Connection) -> None:
    """Delete the settings that no fire had which is still there."""
    first = connection.execute(select(func.min(tables.fire.c.fire_id))).scalar()
    past = tables.past_configuration
    unused = past.c.before_fire_id <= first if first is not None else true()
    connection.execute(delete(past).where(unused))


def _end_of_oldest(connection: Connection, rows: int) -> int | None:
    """Give a time before which at least one row lies and, in no table, many more than so many; None: no table has so many."""
    fire = tables.fire.c
    oldest = [
        select(history.time).order_by(history.time).offset(rows - 1).limit(1)
        for history in (STATUS_TRACES, EXECUTIONS)
    ]
    ended = (
        select(fire.recorded_ms, fire.ended_ms)
        .where(_ENDED)
        .order_by(fire.recorded_ms)
        .offset(rows - 1)
        .limit(1)
    )
    found = [row for query in (*oldest, ended) if (row := connection.execute(query).first()) is not None]
    return min((max(row) + 1 for row in found), default=None)
