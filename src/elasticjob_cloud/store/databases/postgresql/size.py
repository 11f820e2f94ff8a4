"""How large a PostgreSQL database is.

Its files do not shrink when rows are deleted, and without an extension nobody knows how much of them is free to be used
again. So what the history takes is worked out from the number of its rows and how large some of them are.
"""

from typing import Final

from sqlalchemy import Connection, Index, Table, text

from elasticjob_cloud.store import tables
from elasticjob_cloud.store.databases.size import DatabaseSize

_SAMPLE_ROWS: Final = 500  # of the newest, and of the oldest
_ROW_POINTER_BYTES: Final = 8  # with what alignment takes
_INDEX_ENTRY_BYTES: Final = 16  # header, pointer, alignment
_INDEX_FILL: Final = 0.7  # of a tree whose keys come in no order
_KEYS: Final = {
    tables.job_status_trace_log: tables.job_status_trace_log.c.id,
    tables.job_execution_log: tables.job_execution_log.c.id,
    tables.fire: tables.fire.c.fire_id,
}


def database_size(connection: Connection) -> DatabaseSize:
    names = ", ".join(f"pg_total_relation_size('{table.name}')" for table in _KEYS)
    total, *history = connection.execute(text(f"SELECT pg_database_size(current_database()), {names}")).one()
    used = sum(
        min(size, round(_row_count(connection, table) * _row_bytes(connection, table)))
        for table, size in zip(_KEYS, history, strict=True)
    )
    return DatabaseSize(file_bytes=total, used_bytes=total - sum(history) + used)


def _row_count(connection: Connection, table: Table) -> int:
    if table is tables.fire:
        # Nothing counts them but the server's own statistics, which are about right.
        query = "SELECT pg_stat_get_live_tuples('fire'::regclass)"
        return int(connection.execute(text(query)).scalar_one())
    query = "SELECT value FROM counter WHERE name = :name"
    return int(connection.execute(text(query), {"name": table.name}).scalar_one())


def _row_bytes(connection: Connection, table: Table) -> float:
    """Give what a row takes with its entries in the indexes, on average of the newest and the oldest rows."""
    key = _KEYS[table].name
    averages = ", ".join(f"avg(pg_column_size({column.name}))" for column in table.c)
    samples = " UNION ALL ".join(
        f"(SELECT * FROM {table.name} ORDER BY {key} {order} LIMIT {_SAMPLE_ROWS})"  # noqa: S608 - our own names
        for order in ("ASC", "DESC")
    )
    query = f"SELECT avg(pg_column_size(sample.*)), {averages} FROM ({samples}) AS sample"  # noqa: S608 - our own names
    whole, *parts = (float(part or 0) for part in connection.execute(text(query)).one())
    sizes = dict(zip((column.name for column in table.c), parts, strict=True))
    entries = sum(
        sum(sizes[column.name] for column in index.columns) + _INDEX_ENTRY_BYTES
        for index in table.indexes
        if not _is_partial(index)
    )
    entries += sizes[key] + _INDEX_ENTRY_BYTES  # of the primary key
    return whole + _ROW_POINTER_BYTES + entries / _INDEX_FILL


def _is_partial(index: Index) -> bool:
    """Tell whether only few rows are in it."""
    return index.dialect_options["postgresql"]["where"] is not None
