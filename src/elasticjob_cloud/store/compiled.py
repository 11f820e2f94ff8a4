"""SQL text for statements that are executed again and again with tuples."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select
from sqlalchemy.sql.dml import Delete, Update

from elasticjob_cloud.store.rows import Row

# Executes a statement for many rows at once, of which no two have the same key.
ManyRows = Callable[[Connection, Sequence[Row]], None]


def compiled_text(
    dialect: Dialect, statement: Insert | Update | Delete | Select[Any], order: Sequence[str]
) -> str:
    """Give the SQL text, after making sure that it takes its parameters in the order in which rows have them."""
    compiled = statement.compile(dialect=dialect)
    assert compiled.positiontup == list(order), (compiled.positiontup, order)
    return str(compiled)
