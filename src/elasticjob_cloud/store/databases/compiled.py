"""SQL text for statements that are executed again and again with tuples."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Dialect, Insert, Select
from sqlalchemy.sql.dml import Delete, Update

Statement = Insert | Update | Delete | Select[Any]


def compiled_text(dialect: Dialect, statement: Statement, order: Sequence[str]) -> str:
    """Give the SQL text, after making sure that it takes its parameters in the order in which rows have them."""
    compiled = statement.compile(dialect=dialect)
    assert compiled.positiontup == list(order), (compiled.positiontup, order)
    return str(compiled)
